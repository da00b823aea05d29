"""Imports run one way: a package knows nothing of those that are built on it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgeq

ROOT = Path(edgeq.__file__).parent

# Packages and modules, each before what is built on it. Those of one line know nothing of each other.
ORDER = """\
caches errors progress resources signals terminal version
interruption link process records statistics toml_table
data model stopwatch unfinished
boards digits lower reference training
fit host options toolchain transfer
flashing generate native_agent
devices output
agent installation interpreter validation
quantize report
builds summary
engines inputs sharing tracing
comparison measure mobile
pipeline
api
cli
console
__main__"""


def parts() -> set[str]:
    folders = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    return folders | {path.stem for path in ROOT.glob("*.py")} - {"__init__"}


def imported(node: ast.AST) -> Iterator[str]:
    """Modules of edgeq, those within functions too; not those that only annotations name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from (name for other in child.orelse for name in imported(other))
            continue
        if isinstance(child, ast.ImportFrom) and child.module:
            yield from (f"{child.module}.{name.name}" for name in child.names)
        elif isinstance(child, ast.Import):
            yield from (name.name for name in child.names)
        yield from imported(child)


def places() -> dict[str, int]:
    return {name: at for at, line in enumerate(ORDER.split("\n")) for name in line.split()}


def test_every_part_has_a_place() -> None:
    assert parts() == set(places())


@pytest.mark.parametrize("part", sorted(parts()))
def test_a_part_knows_nothing_of_what_is_built_on_it(part: str) -> None:
    place = places()
    files = [ROOT / f"{part}.py"] if (ROOT / f"{part}.py").exists() else sorted((ROOT / part).rglob("*.py"))
    found = [
        f"{file.relative_to(ROOT)}: {module}"
        for file in files
        for module in imported(ast.parse(file.read_text("utf-8")))
        if (other := [*module.split("."), ""][1]) in place
        and module.startswith("edgeq.")
        and other != part
        and place[other] >= place[part]
    ]
    assert not found
