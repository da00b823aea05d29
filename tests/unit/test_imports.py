"""Imports run one way: a package knows nothing of those that are built on it."""

from __future__ import annotations

import ast
import graphlib
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import edgeq

ROOT = Path(edgeq.__file__).parent

# Directions that hold even while nothing is imported either way.
BUILT_ON_IT = {
    "records": ("model", "quantize", "training", "comparison", "report", "cli"),
    "model": ("transfer", "quantize", "training", "lower", "comparison", "report", "cli"),
    "statistics": ("model", "quantize", "training", "comparison", "report", "validation", "cli"),
    "training": ("quantize", "transfer", "comparison", "report", "cli"),
    "reference": ("quantize", "training", "comparison", "report", "cli"),
    "validation": ("quantize", "training", "comparison", "report", "cli"),
    "link": ("devices", "validation", "reference", "report", "cli"),
    "devices": ("quantize", "comparison", "report", "cli"),
    "data": ("model", "report", "comparison", "cli"),
    "quantize": ("comparison", "report", "cli"),
    "report": ("comparison", "cli"),
    "comparison": ("cli",),
}


def imported(node: ast.AST) -> Iterator[str]:
    """Modules of edgeq, those within functions too; not those that only annotations name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.ImportFrom) and child.module:
            yield from (f"{child.module}.{name.name}" for name in child.names)
        elif isinstance(child, ast.Import):
            yield from (name.name for name in child.names)
        yield from imported(child)


def part_of(file: Path) -> str:
    """The package or module right below edgeq."""
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, list[str]]]:
    """What each part knows: part -> other part -> where it is imported."""
    files = [file for file in sorted(ROOT.rglob("*.py")) if file != ROOT / "__init__.py"]
    parts = {part_of(file) for file in files}
    found: dict[str, dict[str, list[str]]] = {part: defaultdict(list) for part in parts}
    for file in files:
        for module in imported(ast.parse(file.read_text("utf-8"))):
            first, _, rest = module.partition(".")
            other = rest.partition(".")[0]
            if first == "edgeq" and other in parts and other != part_of(file):
                found[part_of(file)][other].append(f"{file.relative_to(ROOT)} imports {module}")
    return found


def test_there_are_no_circles(known: dict[str, dict[str, list[str]]]) -> None:
    try:
        graphlib.TopologicalSorter({part: set(others) for part, others in known.items()}).prepare()
    except graphlib.CycleError as exc:
        circle = exc.args[1]
        pytest.fail("\n".join(known[later][earlier][0] for earlier, later in pairwise(circle)))


@pytest.mark.parametrize("part", BUILT_ON_IT)
def test_a_part_knows_nothing_of_what_is_built_on_it(part: str, known: dict[str, dict[str, list[str]]]) -> None:
    assert not [place for other in BUILT_ON_IT[part] for place in known[part].get(other, ())]


def test_all_forms_of_import_are_seen() -> None:
    source = "from edgeq import reference\nimport edgeq.link.session\ndef f():\n  from edgeq.data import check\n"
    quiet = "if TYPE_CHECKING:\n  from edgeq.cli import edgeq\n"
    assert list(imported(ast.parse(source + quiet))) == [
        "edgeq.reference", "edgeq.link.session", "edgeq.data.check",
    ]  # fmt: skip
