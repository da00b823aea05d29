"""What a terminal of 80 columns shows: no line is longer, no op's name is cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Cli
from projects import small_model

from edgeq.cli import _COMMANDS

pytestmark = pytest.mark.xdist_group("cli")


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_inspect(cli: Cli, columns: int) -> None:
    (cli.folder / "m.tflite").write_bytes(small_model())
    cli.extra["COLUMNS"] = str(columns)
    shown = cli.here("inspect", "m.tflite").stdout
    assert max(map(len, shown.splitlines())) <= columns
    table = shown[shown.index("─") :]
    for name in ("CONV_2D", "LOGISTIC", "CONCATENATION", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"):
        assert f" {name} " in table
    header = next(line for line in shown.splitlines() if line.startswith("#"))
    assert ("scale" in header, "inputs" in header) == (columns >= 80, columns == 200)


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_layers(cli: Cli, build_folder: Path, columns: int) -> None:
    cli.extra["COLUMNS"] = str(columns)
    for command in ("drift", "profile"):
        shown = cli.here(command, build_folder).stdout
        assert max(map(len, shown.splitlines())) <= columns
        assert "0 FULLY_CONNECTED 3" in shown


def test_a_locale_that_lacks_letters(cli: Cli) -> None:
    (cli.folder / "m.tflite").write_bytes(small_model())
    cli.extra["PYTHONIOENCODING"] = "latin-1"
    shown = cli("inspect", "m.tflite")
    assert shown.returncode == 0 and "? full-integer int8" in shown.stdout


def test_a_way_with_letters_that_was_chosen_stays(cli: Cli) -> None:
    (cli.folder / "m.tflite").write_bytes(small_model())
    cli.extra["PYTHONIOENCODING"] = "latin-1:backslashreplace"
    assert "\\u2713 full-integer int8" in cli("inspect", "m.tflite").stdout


@pytest.mark.parametrize("command", [[], *([name] for name in _COMMANDS), ["data", "check"]])
def test_help(cli: Cli, command: list[str]) -> None:
    cli.extra["COLUMNS"] = "80"
    done = cli.here(*command, "--help")
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80, done.stdout


def test_help_describes_the_forms_of_data(cli: Cli) -> None:
    for command in (["build"], ["data", "check"]):
        shown = " ".join(cli.here(*command, "--help").stdout.split())
        for form in ("scale=", "resize=yes", "-1..1", "0..255", "x_test_<", "module:function"):
            assert form in shown, form
    assert "data check --help" in " ".join(cli.here("data", "--help").stdout.split())
