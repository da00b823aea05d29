"""A streaming model through the whole flow: what an inference leaves for the next is the same on device and host."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tflite_builder import ModelBuilder

import edgeq
from edgeq.records import Reference

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_SAMPLES = 12


def _streaming() -> bytes:
    """The last four inputs, of which the oldest ones are given, and a dense layer over them."""
    rng = np.random.default_rng(5)
    quantization = {"scale": 0.05, "zero_point": -4}
    model = ModelBuilder()
    model.call_once({"window": (rng.integers(-128, 128, (1, 4, 6)).astype(np.int8), quantization)})
    x = model.tensor("x", (1, 1, 6), **quantization)
    handle = model.variable("window")
    old, new = (model.tensor(name, (1, 4, 6), **quantization) for name in ("old", "new"))
    rest = model.tensor("rest", (1, 3, 6), **quantization)
    begin, size = (
        model.tensor(name, (3,), "int32", data=np.array(values, np.int32))
        for name, values in (("begin", [0, 1, 0]), ("size", [1, 3, 6]))
    )
    model.op("READ_VARIABLE", [handle], [old])
    model.op("SLICE", [old, begin, size], [rest])
    model.op("CONCATENATION", [rest, x], [new], axis=1)
    model.op("ASSIGN_VARIABLE", [handle, new], [])
    flat = model.tensor("flat", (1, 24), **quantization)
    shape = model.tensor("shape", (2,), "int32", data=np.array([1, 24], np.int32))
    model.op("RESHAPE", [new, shape], [flat])
    w = model.tensor("w", (3, 24), data=rng.integers(-127, 128, (3, 24)).astype(np.int8), scale=0.01)
    y = model.tensor("y", (1, 3), scale=0.1)
    model.op("FULLY_CONNECTED", [flat, w, -1], [y])
    return model.finish([x], [y])


def test_a_sequence_is_the_same_on_device_and_host(tmp_path: Path) -> None:
    model = tmp_path / "streaming.tflite"
    model.write_bytes(_streaming())
    options = edgeq.BuildOptions(
        model=model, data=None, out=tmp_path / "out", samples=_SAMPLES, traced_samples=_SAMPLES
    )
    report = edgeq.build(options)
    assert report.passed
    assert report.drift is not None
    assert report.drift.primary.reference is Reference.TFLM
    assert report.drift.primary.mismatches == 0
    assert {layer.state for layer in report.drift.layers if layer.point is not None} == {"equal"}
