"""`--json` prints JSON on stdout and nothing else; exit statuses; what the thresholds mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Cli
from tflite_builder import ModelBuilder

pytestmark = pytest.mark.xdist_group("cli")


def run_json(cli: Cli, status: int, *arguments: str | Path) -> Any:
    done = cli(*arguments, "--json")
    assert done.returncode == status, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout, parse_constant=lambda c: pytest.fail(f"{c} is not JSON"))


def test_every_command(cli: Cli, build_folder: Path) -> None:
    report = run_json(cli, 0, "validate", build_folder)
    assert report["drift"]["mismatches"] == 0
    assert report["schema_version"]
    assert run_json(cli, 0, "drift", build_folder)[0]["state"] == "equal"
    assert run_json(cli, 0, "profile", build_folder)["source"] == "estimated"
    assert run_json(cli, 0, "inspect", build_folder / "model.tflite")["findings"] == []
    assert run_json(cli, 0, "diff", build_folder, build_folder)
    assert {b["name"] for b in run_json(cli, 0, "boards")} >= {"mps2-an386", "native"}
    assert run_json(cli, 0, "doctor")
    np.savez(cli.folder / "d.npz", x_test=np.eye(4, 5, dtype="f"))
    assert run_json(cli, 0, "data", "check", "d.npz", "--model", build_folder / "model.tflite")
    assert not list(cli.scratch.iterdir())


def test_errors_print_nothing_on_stdout(cli: Cli, build_folder: Path) -> None:
    cli.refuses(2, "validate", "nothing", "--json", said="nothing")
    cli.refuses(3, "validate", build_folder, "--json", "--device", "/dev/edgeq-none", said="port")


def test_failed_checks_are_in_the_report(cli: Cli, build_folder: Path) -> None:
    """No float model, so the drop cannot be known: the check fails, and the report is whole all the same."""
    report = run_json(cli, 1, "validate", build_folder, "--max-drop", "0.5")
    assert [c["name"] for c in report["checks"] if not c["passed"]] == ["accuracy"]
    done = cli.here("validate", build_folder, "--max-drop", "0.5")
    assert done.returncode == 1
    assert "--max-drop needs a float model and labels" in " ".join(done.stdout.split())


def float_edges() -> bytes:
    """What the converter makes of a model without inference_input_type: float32 in and out, integers in between."""
    rng = np.random.default_rng(3)
    m = ModelBuilder()
    x, y = m.tensor("x", (1, 64), "float32"), m.tensor("y", (1, 32), "float32")
    q, r = m.tensor("q", (1, 64), scale=1 / 64), m.tensor("r", (1, 32), scale=0.011, zero_point=-5)
    w = m.tensor("w", (32, 64), data=rng.integers(-127, 128, (32, 64)), scale=0.0013)
    m.op("QUANTIZE", [x], [q])
    m.op("FULLY_CONNECTED", [q, w, -1], [r], fused_activation_function="NONE")
    m.op("DEQUANTIZE", [r], [y])
    return m.finish([x], [y])


def test_float_outputs_are_compared_in_steps(cli: Cli) -> None:
    """And not by the bits of their floats, of which there are millions between two int8 steps."""
    (cli.folder / "m.tflite").write_bytes(float_edges())
    x = np.random.default_rng(0).uniform(-2, 2, (400, 64)).astype(np.float32)
    np.savez(cli.folder / "d.npz", x_test=x)
    report = run_json(cli, 0, "build", "m.tflite", "--data", "d.npz", "--out", "o", "--device", "native")
    drift = report["drift"]
    assert drift["mismatches"] == 0
    found = [d for d in drift["references"].values() if d["mismatches"]]
    assert found
    assert {d["max_lsb"] for d in found} == {1}
    assert {int(step) for d in found for step in d["histogram"]} <= {-1, 0, 1}
    page = (cli.folder / "o" / "report.html").read_text()
    assert "the integers that the model's last DEQUANTIZE makes the float output from" in page


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "x", "--max-lsb", "256"],
        ["validate", "x", "--max-lsb", "-1"],
        ["validate", "x", "--max-drop", "2"],
        ["validate", "x", "--max-drop", "nan"],
        ["validate", "x", "--samples", "0"],
        ["build", "x.tflite", "--flash-limit", "0"],
        ["build", "x.tflite", "--seed", "-1"],
        ["build", "x.tflite", "--method", "magic"],
    ],
)
def test_values_out_of_range(cli: Cli, arguments: list[str]) -> None:
    cli.refuses(2, *arguments, said=arguments[-1])
