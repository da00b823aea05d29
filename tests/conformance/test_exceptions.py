"""Every entry of docs/exceptions.md: TFLM fails as stated, and edgeq gives the correct value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conformance.cases import every_int8, unary_model
from conformance.native import Batch, Model
from conformance.oracle import expected
from tflite_builder import ModelBuilder

from edgeq.errors import InterpreterError, UnsupportedError
from edgeq.lower.exceptions import known_exceptions
from edgeq.lower.lower import lower
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import Reference
from edgeq.reference import ReferenceWorker, available


def _rules(content: bytes) -> list[str]:
    return [found.rule for found in known_exceptions(parse_tflite(content))]


@pytest.fixture(scope="module")
def relu6() -> bytes:
    return unary_model("RELU6", (0.05, -3), (6 / 255, -128))


@pytest.fixture(scope="module")
def wide_softmax() -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 600), scale=0.1, zero_point=5)
    y = model.tensor("y", (1, 600), scale=1 / 256, zero_point=-128)
    model.op("SOFTMAX", [x], [y], beta=1.0)
    return model.finish([x], [y])


@pytest.fixture(scope="module")
def quantize() -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 5), "float32")
    y = model.tensor("y", (1, 5), scale=0.1, zero_point=-5)
    model.op("QUANTIZE", [x], [y])
    return model.finish([x], [y])


@pytest.fixture(scope="module")
def depthwise() -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 3, 3, 2), scale=0.1)
    w = model.tensor("w", (1, 1, 1, 2), data=np.array([3, -2], np.int8).reshape(1, 1, 1, 2), scale=1.0)
    y = model.tensor("y", (1, 3, 3, 2), scale=0.1)
    model.op("DEPTHWISE_CONV_2D", [x, w, -1], [y], padding="SAME", stride_h=1, stride_w=1, depth_multiplier=1)
    return model.finish([x], [y])


@pytest.fixture(scope="module")
def stretched() -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 1, 1, 1), scale=0.1)
    size = model.tensor("size", (2,), "int32", data=np.array([1, 120], np.int32))
    y = model.tensor("y", (1, 1, 120, 1), scale=0.1)
    model.op("RESIZE_BILINEAR", [x, size], [y])
    return model.finish([x], [y])


FLOATS = np.array([[[1e30, -1e30, np.inf, -np.inf, np.nan]]], np.float32)


def test_edgeq_computes_the_correct_values(
    gcc: str, tmp_path: Path, relu6: bytes, wide_softmax: bytes, quantize: bytes, depthwise: bytes
) -> None:
    rsqrt = unary_model("RSQRT", (0.05, -3), (0.05, -128))
    assert [_rules(m) for m in (relu6, wide_softmax, quantize, depthwise, rsqrt)] == [
        ["relu6"],
        ["softmax"],
        ["quantize"],
        ["depthwise-bias"],
        ["rsqrt"],
    ]
    models = (relu6, wide_softmax, quantize, depthwise, rsqrt)
    batch = Batch([Model(name=f"m{i}", content=m) for i, m in enumerate(models)], tmp_path)
    ramp = (np.arange(18) - 9).astype(np.int8).reshape(1, 1, 3, 3, 2)
    flat = np.full((1, 1, 600), 7, np.int8)
    found = batch.run([(0, [every_int8()[None]]), (1, [flat]), (2, [FLOATS]), (3, [ramp]), (4, [every_int8()[None]])])
    values = [outputs[0][0] for outputs in found]

    want = expected(parse_tflite(relu6), [every_int8()])
    assert want is not None and not want.violations(values[0]).any()
    assert (values[1] == -128).all()
    assert values[2].tolist() == [[127, -128, 127, -128, -5]]
    assert (values[3] == np.array([3, -2]) * ramp[0]).all()
    want = expected(parse_tflite(rsqrt), [every_int8()])
    assert want is not None and not want.violations(values[4]).any()
    assert (values[4][0, : 128 - 3] == 127).all()


def test_litert_agrees_on_relu6(gcc: str, tmp_path: Path) -> None:
    # Scales without rounding ties: LiteRT's last bit of the multiplier is another one.
    relu6 = unary_model("RELU6", (0.05, -3), (0.0235, -128))
    if not available(Reference.LITERT_REFERENCE):
        pytest.skip("LiteRT is not installed")
    with ReferenceWorker(Reference.LITERT_REFERENCE) as litert:
        (theirs,) = litert.run(relu6, [every_int8()[None]])
    ((ours,),) = Batch([Model(name="relu6", content=relu6)], tmp_path).run([(0, [every_int8()[None]])])
    assert (theirs.reshape(ours.shape) == ours).all()


def test_tflm_is_wrong_as_stated(
    tflm: ReferenceWorker, relu6: bytes, wide_softmax: bytes, quantize: bytes, depthwise: bytes
) -> None:
    (clamped,) = tflm.run(relu6, [every_int8()[None]])
    want = expected(parse_tflite(relu6), [every_int8()])
    assert want is not None
    assert want.violations(clamped.reshape(1, 256)).mean() > 0.9
    with pytest.raises(InterpreterError, match="crashed"):
        tflm.run(wide_softmax, [np.full((1, 1, 600), 7, np.int8)])
    with pytest.raises(InterpreterError, match="crashed"):
        tflm.run(depthwise, [np.zeros((1, 1, 3, 3, 2), np.int8)])
    with pytest.raises(InterpreterError, match="failed"):
        tflm.run(unary_model("RSQRT", (0.05, -3), (0.05, -128)), [every_int8()[None]])
    (converted,) = tflm.run(quantize, [FLOATS])
    assert converted.reshape(-1).tolist() != [127, -128, 127, -128, -5]


def test_bilinear_stays_inside(gcc: str, tmp_path: Path, tflm: ReferenceWorker, stretched: bytes) -> None:
    assert _rules(stretched) == ["resize-bilinear"]
    hundred = np.full((1, 1, 1, 1, 1), 100, np.int8)
    ((ours,),) = Batch([Model(name="stretched", content=stretched)], tmp_path).run([(0, [hundred])])
    assert (ours == 100).all()
    (theirs,) = tflm.run(stretched, [hundred])
    assert not (theirs == 100).all()


def test_svdf_without_bias(gcc: str, tmp_path: Path, tflm: ReferenceWorker) -> None:
    model = ModelBuilder()
    x = model.tensor("x", (1, 2), scale=1.0)
    f = model.tensor("f", (1, 2), data=np.array([[1, 2]], np.int8), scale=1.0)
    t = model.tensor("t", (1, 2), data=np.array([[1, 3]], np.int8), scale=1.0)
    state = model.tensor("state", (1, 2), scale=1.0, variable=True)
    y = model.tensor("y", (1, 1), scale=1.0)
    model.op("SVDF", [x, f, t, -1, state], [y], rank=1)
    content = model.finish([x], [y])
    assert _rules(content) == ["svdf-bias"]
    steps = np.array([[[1, 1]], [[2, 0]], [[-1, 3]]], np.int8)
    ((ours,),) = Batch([Model(name="svdf", content=content)], tmp_path).run([(0, [steps])])
    assert ours.reshape(-1).tolist() == [3 * 3, 3 + 3 * 2, 2 + 3 * 5]
    with pytest.raises(InterpreterError, match="crashed"):
        tflm.run(content, [steps])


def test_equal_scales_are_no_exception() -> None:
    assert _rules(unary_model("RELU6", (0.05, -3), (0.05, -3))) == []


def test_refusals_name_the_op_and_what_to_do() -> None:
    model = ModelBuilder()
    x = model.tensor("x", (1, 3, 3, 2), scale=0.1)
    w = model.tensor("w", (1, 1, 1, 2), data=np.ones((1, 1, 1, 2), np.int8), scale=1.0, zero_point=3)
    y = model.tensor("the_output", (1, 3, 3, 1), scale=0.1)
    model.op("CONV_2D", [x, w], [y], padding="SAME", stride_h=1, stride_w=1)
    graph = parse_tflite(model.finish([x], [y]))
    with pytest.raises(UnsupportedError, match=r'CONV_2D \(op 0, output "the_output"\).*zero points.*\n.*symmetric'):
        lower(graph)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (unary_model("LOGISTIC", (0.1, 0), (1 / 128, -128)), r"LOGISTIC \(op 0.*1/256"),
        (unary_model("LOGISTIC", (8.0, 0), (1 / 256, -128)), r"LOGISTIC \(op 0.*input scale of 8"),
        (unary_model("TANH", (0.1, 0), (1 / 128, 3)), r"TANH \(op 0.*1/128"),
        (unary_model("RELU", (2.0**31, 0), (1e-6, 0)), r"RELU \(op 0.*above 2\^30"),
        (unary_model("GELU", (0.1, 0), (0.1, 0)), r"GELU \(op 0.*\n.*ABS, ADD"),
    ],
)
def test_refused_tables(content: bytes, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        lower(parse_tflite(content))
