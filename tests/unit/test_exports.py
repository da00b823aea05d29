"""The public names of `import edgeq`: locked, documented, and never hidden by a module of the same name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import edgeq

NAMES = [
    "AgentOptions", "Board", "BuildOptions", "CompareOptions", "Comparison", "EdgeqError", "Engine", "GivenArm",
    "Method", "Optimize", "Progress", "RangesInTraining", "Report", "Target", "TrainingOptions", "build",
    "build_native_agent", "check_data", "compare", "demo", "diff", "doctor", "drift", "drift_table", "export_build",
    "flash", "inspect", "list_boards", "load_board", "load_dataset", "monitor", "profile", "run_agent", "validate",
]  # fmt: skip


def test_the_list_is_the_interface() -> None:
    assert edgeq.__all__ == NAMES
    assert dir(edgeq) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_documented(name: str) -> None:
    assert inspect.getdoc(getattr(edgeq, name))


def test_no_module_takes_a_public_name() -> None:
    modules = {module.name for module in pkgutil.iter_modules(edgeq.__path__)}
    assert not modules & set(NAMES)


def test_every_command_has_a_function() -> None:
    commands = importlib.import_module("edgeq.cli")._COMMANDS
    functions = {"agent": "run_agent", "data": "check_data", "boards": "list_boards"}
    functions |= {"native-agent": "build_native_agent", "export": "export_build"}
    assert {functions.get(c, c) for c in commands} <= set(NAMES)


def test_importing_costs_nothing() -> None:
    code = "import sys; before = set(sys.modules); import edgeq; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.replace("'", "").strip("[]\n ").split(", "))
    assert not {"numpy", "click", "rich", "tensorflow"} & loaded, done.stdout


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'bulid'"):
        edgeq.bulid  # noqa: B018
