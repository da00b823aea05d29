"""The host's references for models that TFLM computes wrong, or cannot run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conformance.cases import unary_model
from tflite_builder import ModelBuilder

import edgeq
from edgeq.errors import InterpreterError
from edgeq.host import golden_run, run_references
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import EVERYWHERE, Quantized, Reference
from edgeq.reference import available

if not available(Reference.TFLM):
    pytest.skip("TFLM's wheel is not available here", allow_module_level=True)


def quantized(content: bytes) -> Quantized:
    return Quantized(
        content=content, graph=parse_tflite(content), method=None, float_model=None, calibration_samples=0, seed=0
    )


def relu6() -> bytes:
    return unary_model("RELU6", (0.05, -3), (0.05, -100))


def depthwise_without_bias() -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 3, 3, 2), scale=0.1)
    w = model.tensor("w", (1, 1, 1, 2), data=np.array([3, -2], np.int8).reshape(1, 1, 1, 2), scale=1.0)
    y = model.tensor("y", (1, 3, 3, 2), scale=0.1)
    model.op("DEPTHWISE_CONV_2D", [x, w, -1], [y], padding="SAME", stride_h=1, stride_w=1, depth_multiplier=1)
    return model.finish([x], [y])


def test_relu6_is_compared_with_what_it_means(tmp_path: Path) -> None:
    (tmp_path / "relu6.tflite").write_bytes(relu6())
    report = edgeq.build(
        edgeq.BuildOptions(model=tmp_path / "relu6.tflite", data=None, out=tmp_path / "build", device="native")
    )
    assert report.drift is not None
    assert report.drift.primary.reference is Reference.TFLM
    assert report.drift.primary.mismatches == 0
    assert report.passed
    assert "RELU6" in (report.accuracy.note or "")


def test_a_known_crash_of_tflm_is_explained() -> None:
    model = quantized(depthwise_without_bias())
    ramp = ((np.arange(18) - 9).astype(np.int8).reshape(1, 3, 3, 2),)
    with pytest.raises(InterpreterError, match=r"crashed on this model.*whose bias is marked as absent"):
        golden_run(model, ramp)


def test_other_models_have_all_three_references() -> None:
    model = quantized(unary_model("RELU", (0.05, -3), (0.05, -100)))
    inputs = (np.arange(-128, 128, dtype=np.int8).reshape(1, *model.graph.input_tensors[0].shape),)
    golden = golden_run(model, inputs)
    assert (golden.reference, golden.notes) == (Reference.TFLM, ())
    runs = run_references(model, inputs, golden.reference)
    assert [r.reference for r in runs.outputs] == list(EVERYWHERE)
    assert runs.notes == ()
