"""A .tflite with 16-bit activations through the whole flow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tflite_builder import ModelBuilder

import edgeq
from edgeq.errors import VerifyError
from edgeq.records import Reference

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def _model(last: str = "SOFTMAX") -> bytes:
    rng = np.random.default_rng(8)
    model = ModelBuilder()
    x = model.tensor("x", (1, 6, 6, 2), "int16", scale=2.0**-12)
    w = model.tensor("w", (4, 3, 3, 2), data=rng.integers(-127, 128, (4, 3, 3, 2)), scale=0.01)
    bias = model.tensor("b", (4,), "int64", data=rng.integers(-9999, 9999, 4), scale=0.01 * 2.0**-12)
    y = model.tensor("y", (1, 6, 6, 4), "int16", scale=2.0**-10)
    model.op("CONV_2D", [x, w, bias], [y], padding="SAME", stride_h=1, stride_w=1, fused_activation_function="RELU")
    pooled = model.tensor("pooled", (1, 3, 3, 4), "int16", scale=2.0**-10)
    model.op("MAX_POOL_2D", [y], [pooled], padding="SAME", stride_h=2, stride_w=2, filter_height=2, filter_width=2)
    flat = model.tensor("flat", (1, 36), "int16", scale=2.0**-10)
    shape = model.tensor("shape", (2,), "int32", data=np.array([1, 36], np.int32))
    model.op("RESHAPE", [pooled, shape], [flat])
    v = model.tensor("v", (5, 36), data=rng.integers(-127, 128, (5, 36)), scale=0.004)
    z = model.tensor("z", (1, 5), "int16", scale=2.0**-11)
    model.op("FULLY_CONNECTED", [flat, v, -1], [z])
    out = model.tensor("out", (1, 5), "int16", scale=2.0**-15)
    model.op(last, [z], [out], **({"beta": 1.0} if last == "SOFTMAX" else {}))
    return model.finish([x], [out])


def _options(folder: Path, content: bytes) -> edgeq.BuildOptions:
    (folder / "wide.tflite").write_bytes(content)
    return edgeq.BuildOptions(model=folder / "wide.tflite", data=None, out=folder / "out", device="native", samples=20)


def test_the_device_gives_the_bits_of_tflm(tmp_path: Path) -> None:
    report = edgeq.build(_options(tmp_path, _model()))
    assert report.passed and report.drift is not None
    assert report.drift.primary.reference is Reference.TFLM
    assert report.drift.primary.mismatches == 0
    assert {layer.state for layer in report.drift.layers if layer.point is not None} == {"equal"}


def test_an_op_without_16_bit_kernel_is_named(tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match="the aot engine has TANH for int8 values, not for the int16 ones") as caught:
        edgeq.build(_options(tmp_path, _model("TANH")))
    assert "--method ptq" in str(caught.value)
