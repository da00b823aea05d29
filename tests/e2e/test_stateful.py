"""A streaming model through the whole flow: what an inference leaves for the next is the same on device and host."""

from __future__ import annotations

from pathlib import Path

import pytest
from streaming_model import streaming

import edgeq
from edgeq.records import Reference

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_SAMPLES = 12


def test_a_sequence_is_the_same_on_device_and_host(tmp_path: Path) -> None:
    model = tmp_path / "streaming.tflite"
    model.write_bytes(streaming())
    options = edgeq.BuildOptions(
        model=model, data=None, out=tmp_path / "out", samples=_SAMPLES, traced_samples=_SAMPLES
    )
    report = edgeq.build(options)
    assert report.passed
    assert report.drift is not None
    assert report.drift.primary.reference is Reference.TFLM
    assert report.drift.primary.mismatches == 0
    assert {layer.state for layer in report.drift.layers if layer.point is not None} == {"equal"}
