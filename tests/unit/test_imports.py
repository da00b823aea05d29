"""Imports run one way: a package knows nothing of those that are built on it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgeq

ROOT = Path(edgeq.__file__).parent

BUILT_ON_IT = {
    "model": ("transfer", "quantize", "training", "lower", "comparison", "report", "cli"),
    "statistics": ("model", "quantize", "training", "comparison", "report", "validation", "cli"),
    "training": ("quantize", "transfer", "comparison", "report", "cli"),
    "reference": ("quantize", "training", "comparison", "report", "cli"),
    "validation": ("quantize", "training", "comparison", "report", "cli"),
    "quantize": ("comparison", "report", "cli"),
    "report": ("comparison", "cli"),
    "comparison": ("cli",),
}


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("package", BUILT_ON_IT)
def test_a_package_knows_nothing_of_what_is_built_on_it(package: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in sorted((ROOT / package).rglob("*.py"))
        for name in imported(file)
        if name.startswith(tuple(f"edgeq.{other}" for other in BUILT_ON_IT[package]))
    ]
    assert not found
