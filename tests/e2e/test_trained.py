"""`edgeq build --method qat`: trained with rounding, converted as trained, bit-exact on the device."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgeq.builds import open_build
from edgeq.cli.build import command
from edgeq.digits import make_demo

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("tensorflow")]


def test_digits(tmp_path: Path) -> None:
    model, data = make_demo(tmp_path, epochs=6)
    argv = [str(model), "--data", str(data), "--out", str(tmp_path / "build"), "--method", "qat", "--epochs", "2"]
    done = CliRunner().invoke(command, [*argv, "--learning-rate", "5e-4", "--batch-size", "16"], standalone_mode=False)
    assert done.exception is None, done.exception
    report = json.loads((tmp_path / "build" / "report.json").read_text())
    assert all(check["passed"] for check in report["checks"])
    assert "conversion" in {check["name"] for check in report["checks"]}
    assert report["quantization"]["method"] == "qat"
    assert len(report["quantization"]["training"]["epochs"]) == 2
    assert '<section id="training">' in (tmp_path / "build" / "report.html").read_text()
    kept = open_build(tmp_path / "build").quantized
    assert kept.agreement is not None and kept.agreement.samples == report["quantization"]["agreement"]["samples"]
    assert kept.history is not None and len(kept.history.epochs) == 2
    assert report["drift"]["mismatches"] == 0
    assert report["drift"]["samples"] == 500
    accuracy = report["accuracy"]
    assert accuracy["device"]["value"] >= accuracy["float"]["value"] - 0.01
    assert "Trained for 2 epochs with adam, learning rate 0.0005, batches of 16" in accuracy["note"]
    found = re.search(r"answers as the fake-quantized one for ([\d.]+) % of 500 samples", accuracy["note"])
    assert found is not None
    assert float(found.group(1)) >= 99.5
