"""The shapes of MLPerf Tiny's keyword spotting and image classification on a Cortex-M55: no output and no layer differs
from TFLM's, and every layer that can has a kernel for the vector extension."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import zoo as models

import edgeq
from edgeq.devices.qemu import PROGRAM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"{PROGRAM} is not installed"),
]


@pytest.mark.parametrize(("name", "toolchain"), [("ds_cnn", "zig"), ("resnet8", "gcc")])
def test_no_bit_differs(name: str, toolchain: str, tmp_path: Path) -> None:
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    (tmp_path / f"{name}.tflite").write_bytes(models.zoo_tflite(name))
    report = edgeq.build(
        edgeq.BuildOptions(
            model=tmp_path / f"{name}.tflite",
            data=None,
            out=tmp_path / "build",
            board="mps3-an547",
            device="qemu",
            toolchain=toolchain,
            samples=3,
            traced_samples=1,
        )
    )
    assert report.passed, [check for check in report.checks if not check.passed]
    assert report.drift is not None and report.memory is not None and report.memory.plan is not None
    assert (report.drift.primary.mismatches, report.drift.primary.max_lsb) == (0, 0)
    assert {layer.state for layer in report.drift.layers if layer.point is not None} == {"equal"}
    plain = [call.label for call in report.memory.plan.calls if not call.variant.startswith("mve")]
    assert len(plain) == 1 and "SOFTMAX" in plain[0]
    macs = report.model.macs
    assert report.profile is not None and 0 < report.profile.instructions < 0.5 * macs
