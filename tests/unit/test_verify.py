"""What verification finds, and that its thresholds are where TFLite Micro really stops."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tflite_builder import ModelBuilder

from edgeq.errors import ModelError, VerifyError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.inspect import summarize
from edgeq.model.verify import require, verify_int8
from edgeq.records import Finding

OPS = {
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEQUANTIZE", "FULLY_CONNECTED",
    "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "MEAN", "MUL", "PAD", "QUANTIZE", "RELU", "RELU6", "RESHAPE", "SOFTMAX",
    "SUB", "TANH",
}  # fmt: skip


def findings(content: bytes, **options: bool) -> tuple[Finding, ...]:
    return verify_int8(parse_tflite(content), supported_ops=OPS, engine="aot", **options)


def rules(content: bytes, **options: bool) -> list[str]:
    return [f.rule for f in findings(content, **options)]


def unary(
    op: str,
    scale: float = 1.0,
    out_scale: float = 1.0,
    *,
    zero: int = 0,
    out_zero: int = 0,
    shape: tuple[int, ...] = (1, 16),
    out_shape: tuple[int, ...] | None = None,
    dtypes: tuple[str, str] = ("int8", "int8"),
    signature: tuple[int, ...] | None = None,
    **options: object,
) -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", shape, dtypes[0], scale=scale, zero_point=zero, signature=signature)
    y = model.tensor("y", out_shape or shape, dtypes[1], scale=out_scale, zero_point=out_zero)
    model.op(op, [x], [y], **options)
    return model.finish([x], [y])


def binary(
    op: str,
    a: float = 1.0,
    b: float = 1.0,
    out: float = 1.0,
    *,
    shape: tuple[int, ...] = (1, 16),
    **options: object,
) -> bytes:
    model = ModelBuilder()
    x, y = (model.tensor(n, (1, 16), scale=s) for n, s in (("x", a), ("y", b)))
    z = model.tensor("z", shape, scale=out)
    model.op(op, [x, y], [z], **options)
    return model.finish([x, y], [z])


def dense(
    *,
    scale: float = 0.1,
    weight_scale: float | tuple[float, ...] = 0.1,
    out_scale: float = 1.0,
    bias_scale: float | tuple[float, ...] = 0.01,
    weight_zero: int = 0,
    axis: int = 0,
    bias_type: str = "int32",
    weight_type: str = "int8",
    value_type: str = "int8",
    weights: np.ndarray | None = None,
    activation: str = "NONE",
) -> bytes:
    """FULLY_CONNECTED 4 → 4."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 4), value_type, scale=scale if value_type == "int8" else None)
    values = np.full((4, 4), 3) if weights is None else weights
    w = model.tensor(
        "w",
        (4, 4),
        weight_type,
        data=values,
        scale=weight_scale if weight_type == "int8" else None,
        zero_point=weight_zero,
        axis=axis,
    )
    b = model.tensor("b", (4,), bias_type, data=[100, -100, 7, 0], scale=bias_scale)
    y = model.tensor("y", (1, 4), value_type, scale=out_scale if value_type == "int8" else None)
    model.op("FULLY_CONNECTED", [x, w, b], [y], fused_activation_function=activation)
    return model.finish([x], [y])


def test_a_right_model_has_no_findings() -> None:
    assert findings(dense()) == ()
    assert findings(dense(weight_scale=(0.1, 0.2, 0.3, 0.4), bias_scale=(0.01, 0.02, 0.03, 0.04))) == ()
    require(())


def test_an_unsupported_op_is_named_with_its_place_and_a_fix() -> None:
    (finding,) = findings(unary("ELU"))
    assert finding.rule == "unsupported-op"
    assert finding.where == 'op 0 ELU → "y"'
    assert "aot engine does not have ELU" in finding.message and "Replace the layer" in finding.fix


def test_custom_ops_get_a_fix_of_their_own() -> None:
    (finding,) = findings(unary("CUSTOM:FlexErf"))
    assert finding.rule == "unsupported-op" and "'FlexErf'" in finding.message and "SELECT_TF_OPS" in finding.fix


def test_a_float_model() -> None:
    found = findings(dense(value_type="float32", weight_type="float32", bias_type="float32"))
    assert [f.rule for f in found] == ["io-dtype", "io-dtype", "float-op"]
    assert '"x" is float32' in found[2].message and "representative dataset" in found[2].fix


def test_a_hybrid_op() -> None:
    found = [f for f in findings(dense(value_type="float32", bias_type="float32")) if f.rule == "hybrid-op"]
    assert len(found) == 1 and found[0].where == 'op 0 FULLY_CONNECTED → "y"'
    assert 'int8 weights "w" meet the float32 values "x"' in found[0].message


def island() -> bytes:
    model = ModelBuilder()
    x, y = (model.tensor(n, (1, 4), scale=1.0) for n in "xy")
    a, b = (model.tensor(n, (1, 4), "float32") for n in "ab")
    model.op("DEQUANTIZE", [x], [a])
    model.op("ELU", [a], [b])
    model.op("QUANTIZE", [b], [y])
    return model.finish([x], [y])


def test_a_float_island() -> None:
    found = findings(island())
    assert [f.rule for f in found] == ["quantize-inside", "float-op", "quantize-inside"]
    assert "no int8 form of ELU" in found[1].fix


def test_weights_that_are_only_stored_as_int8() -> None:
    model = ModelBuilder()
    x, y = (model.tensor(n, (1, 4), "float32") for n in "xy")
    packed = model.tensor("packed", (4, 4), data=np.ones((4, 4)), scale=0.1)
    weights = model.tensor("weights", (4, 4), "float32")
    model.op("DEQUANTIZE", [packed], [weights])
    model.op("FULLY_CONNECTED", [x, weights, -1], [y])
    found = findings(model.finish([x], [y]))
    assert "constant weights" in next(f.message for f in found if f.rule == "quantize-inside")


def edges() -> bytes:
    model = ModelBuilder()
    x, z = (model.tensor(n, (1, 4), "float32") for n in "xz")
    q, y = (model.tensor(n, (1, 4), scale=1.0) for n in "qy")
    model.op("QUANTIZE", [x], [q])
    model.op("RELU", [q], [y])
    model.op("DEQUANTIZE", [y], [z])
    return model.finish([x], [z])


def test_float_edges_are_a_choice() -> None:
    assert rules(edges(), float_io=True) == []
    assert set(rules(edges())) == {"io-dtype"}
    assert rules(unary("QUANTIZE", 0.5, 0.25)) == []  # int8 to int8 inside is a requantization


@pytest.mark.parametrize(
    ("content", "rule", "message"),
    [
        (lambda: unary("RELU", dtypes=("int16", "int16")), "tensor-dtype", '"x" is int16, not int8'),
        (lambda: unary("RELU", dtypes=("uint8", "uint8")), "io-dtype", "it is uint8, not int8"),
        (lambda: dense(bias_type="int64"), "bias-dtype", 'bias "b" is int64'),
        (lambda: unary("RELU", signature=(-1, -1)), "dynamic-shape", "leaves dimension 1 free"),
        (lambda: unary("RELU", shape=(2, 16)), "batch-size", "batch size is 2"),
        (lambda: unary("RELU", shape=(1, 0)), "empty-tensor", "has no elements"),
        (lambda: unary("RELU", float("nan")), "degenerate-scale", "not finite"),
        (lambda: unary("RELU", float("inf")), "degenerate-scale", "not finite"),
        (lambda: unary("RELU", 0.0), "degenerate-scale", "not positive"),
        (lambda: unary("RELU", -0.5), "degenerate-scale", "not positive"),
        (lambda: unary("RELU", 1e-40), "degenerate-scale", "subnormal"),
        (lambda: unary("RELU", zero=-129), "zero-point", "zero point -129; it must be between −128 and 127"),
        (lambda: dense(weight_zero=3), "zero-point", 'weights "w" has the zero point 3; it must be 0'),
        (lambda: dense(weight_scale=(0.1, 0.2, 0.3, 0.4), axis=1), "channel-axis", "along axis 1, not 0"),
        (
            lambda: unary("RELU", (0.1,) * 16, shape=(16,)),
            "channel-axis",
            "has one scale per channel; RELU takes one per tensor",
        ),
        (lambda: dense(bias_scale=0.02), "bias-scale", "not input scale × weight scale"),
        (lambda: dense(bias_scale=(0.5, 0.01, 0.01, 0.01)), "bias-scale", "not input scale × weight scale"),
        (lambda: unary("TANH", 0.1, 1 / 256), "op-quantization", "must have scale 0.0078125 and zero point 0"),
        (lambda: unary("LOGISTIC", 0.1, 1 / 256), "op-quantization", "zero point -128"),
        (lambda: unary("RESHAPE", 0.1, 0.2), "op-quantization", "same scale and zero point"),
        (lambda: unary("RESHAPE", out_shape=(1, 15)), "shape", "makes shape (1, 15) out of shape (1, 16)"),
        (lambda: unary("RELU", out_shape=(16,)), "shape", "output has shape (16,)"),
        (lambda: binary("CONCATENATION", axis=1), "shape", "output has shape (1, 16)"),
        (
            lambda: unary("AVERAGE_POOL_2D", shape=(1, 4, 4, 1), stride_w=0, stride_h=1, padding="VALID"),
            "shape",
            "its filter_height is 0",
        ),
    ],
)
def test_each_rule(content: Callable[[], bytes], rule: str, message: str) -> None:
    found = [f for f in findings(content()) if f.rule == rule]
    assert found, findings(content())
    assert any(message in f.message for f in found), found
    assert all(f.fix and f.where for f in found)


def test_missing_quantization() -> None:
    model = ModelBuilder()
    x, y = model.tensor("x", (1, 4)), model.tensor("y", (1, 4), scale=1.0)
    model.op("RELU", [x], [y])
    (finding,) = findings(model.finish([x], [y]))
    assert finding.rule == "missing-quantization" and '"x" is int8 but has no scale' in finding.message


def test_sizes_computed_at_run_time() -> None:
    model = ModelBuilder()
    x = model.tensor("x", (1, 4), scale=1.0)
    shape = model.tensor("shape", (2,), "int32")
    y = model.tensor("y", (4, 1), scale=1.0)
    model.op("RESHAPE", [x, shape], [y])
    assert "index-constant" in rules(model.finish([x, shape], [y]))


def test_state_between_inferences() -> None:
    model = ModelBuilder()
    x, y = (model.tensor(n, (1, 4), scale=1.0) for n in "xy")
    state = model.tensor("state", (1, 4), scale=1.0, variable=True)
    model.op("ADD", [x, state], [y])
    assert rules(model.finish([x], [y])) == ["variable-tensor"]


def test_dead_channels_may_have_any_scale() -> None:
    """A channel whose weights are all zero: converters give it a scale of (nearly) zero, and nothing depends on it."""
    weights = np.full((4, 4), 3)
    weights[2] = 0
    tiny = {"weight_scale": (0.1, 0.1, 1e-42, 0.1), "bias_scale": (0.01, 0.01, 1e-43, 0.01)}
    assert rules(dense(weights=weights, **tiny)) == []
    assert rules(dense(**tiny)) == ["degenerate-scale"]


def conv(filters: tuple[int, ...], out: tuple[int, ...], **options: object) -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 9, 9, 4), scale=1.0)
    w = model.tensor("w", filters, data=np.ones(filters), scale=1.0)
    y = model.tensor("y", out, scale=1.0)
    model.op(str(options.pop("op", "CONV_2D")), [x, w], [y], **{"stride_w": 1, "stride_h": 1, **options})
    return model.finish([x], [y])


@pytest.mark.parametrize(
    ("content", "right"),
    [
        (conv((8, 3, 3, 4), (1, 9, 9, 8), padding="SAME"), True),
        (conv((8, 3, 3, 4), (1, 7, 7, 8), padding="VALID"), True),
        (conv((8, 3, 3, 4), (1, 5, 5, 8), padding="SAME", stride_w=2, stride_h=2), True),
        (conv((8, 3, 3, 4), (1, 4, 5, 8), padding="VALID", stride_h=2, dilation_w_factor=2), True),
        (conv((8, 3, 3, 4), (1, 9, 9, 9), padding="SAME"), False),
        (conv((8, 3, 3, 4), (1, 9, 9, 8), padding="VALID"), False),
        (conv((8, 3, 3, 3), (1, 9, 9, 8), padding="SAME"), False),
        (conv((8, 12, 3, 4), (1, 1, 7, 8), padding="VALID"), False),
        (conv((8, 3, 3, 4), (1, 9, 9, 8), padding="SAME", stride_w=-1), False),
        (conv((1, 3, 3, 8), (1, 9, 9, 8), op="DEPTHWISE_CONV_2D", depth_multiplier=2), True),
        (conv((1, 3, 3, 8), (1, 9, 9, 8), op="DEPTHWISE_CONV_2D", depth_multiplier=1), False),
    ],
)
def test_windows(content: bytes, right: bool) -> None:
    assert rules(content) == ([] if right else ["shape"])


def reduced(axes: list[int], out: tuple[int, ...], *, keep: bool) -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 4, 5, 6), scale=1.0)
    a = model.tensor("axes", (len(axes),), "int32", data=axes)
    y = model.tensor("y", out, scale=1.0)
    model.op("MEAN", [x, a], [y], keep_dims=keep)
    return model.finish([x], [y])


def padded(paddings: list[list[int]], out: tuple[int, ...]) -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 4), scale=1.0)
    p = model.tensor("paddings", np.shape(paddings), "int32", data=paddings)
    y = model.tensor("y", out, scale=1.0)
    model.op("PAD", [x, p], [y])
    return model.finish([x], [y])


@pytest.mark.parametrize(
    ("content", "right"),
    [
        (reduced([1, 2], (1, 6), keep=False), True),
        (reduced([-2, 1], (1, 1, 1, 6), keep=True), True),
        (reduced([4], (1, 4, 5, 6), keep=False), False),
        (reduced([1], (1, 6), keep=False), False),
        (padded([[0, 0], [1, 2]], (1, 7)), True),
        (padded([[0, 0], [1, 2]], (1, 6)), False),
        (padded([[0, 0], [-1, 2]], (1, 5)), False),
        (padded([[0, 0]], (1, 4)), False),
    ],
)
def test_axes_and_paddings(content: bytes, right: bool) -> None:
    assert rules(content) == ([] if right else ["shape"])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([edges(), island(), dense(), padded([[0, 0], [1, 2]], (1, 7))]), st.integers(0, 2**32))
def test_damaged_models_end_in_findings_or_a_model_error(content: bytes, seed: int) -> None:
    source = random.Random(seed)  # noqa: S311 (reproducible, not secret)
    damaged = bytearray(content)
    for _ in range(source.choice([1, 1, 2, 4])):
        damaged[source.randrange(len(damaged))] = source.choice([0, 1, 3, 127, 255])
    try:
        graph = parse_tflite(bytes(damaged))
    except ModelError:
        return
    found = verify_int8(graph, supported_ops=OPS, engine="aot")
    assert all(f.rule and f.where and f.message and f.fix for f in found)
    assert summarize(graph).size == len(damaged)


def test_all_findings_are_in_one_error() -> None:
    with pytest.raises(VerifyError) as caught:
        require(findings(island()))
    text = str(caught.value)
    assert "3 problems" in text and text.count("[quantize-inside]") == 2 and "[float-op]" in text
    assert text.count("→ Replace the layer that stayed float") == 1  # one fix for both
    assert "edgeq inspect" in text and caught.value.exit_code == 1
