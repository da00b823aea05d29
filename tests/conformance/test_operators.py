"""Every operator's models pass verification, and what TFLM does not take ends in a clear error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conformance.cases import FAMILIES, make_case
from conformance.settings import SEED
from tflite_builder import ModelBuilder

from edgeq.errors import UnsupportedError
from edgeq.lower.lower import lower
from edgeq.lower.ops import supported_ops
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.inspect import count_macs
from edgeq.model.verify import verify_for, verify_int8

# Families that draw on purpose what verification refuses: float values, computed weights, biases of extreme sizes.
_BEYOND = {"conv_2d", "depthwise_conv_2d", "transpose_conv", "fully_connected", "reshape"}


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - _BEYOND))
def test_models_that_tflm_takes_pass_verification(family: str) -> None:
    for index in range(10):
        graph = parse_tflite(make_case(family, index, seed=SEED).content)
        found = verify_for(graph, supported_ops, engine="aot", float_io=True)
        assert not [f for f in found if f.rule != "batch-size"], f"make_case({family!r}, {index}, seed={SEED})"


@pytest.mark.parametrize("family", ["transpose_conv", "batch_matmul", "svdf", "lstm", "conv_2d_16x8"])
def test_the_program_counts_what_inspection_counts(family: str) -> None:
    for index in range(5):
        graph = parse_tflite(make_case(family, index, seed=SEED).content)
        assert lower(graph).macs == sum(count_macs(graph, op) for op in graph.ops) > 0


def moving(op: str, shape: tuple[int, ...], target: tuple[int, ...], *constants: Any, **options: Any) -> bytes:
    """A model of one op on an input and int32 constants."""
    model = ModelBuilder()
    x = model.tensor("x", shape, scale=0.1)
    inputs = [x]
    for i, values in enumerate(constants):
        data = np.array(values, np.int32)
        inputs.append(model.tensor(f"c{i}", data.shape, "int32", data=data))
    y = model.tensor("y", target, scale=0.1)
    model.op(op, inputs, [y], **options)
    return model.finish([x], [y])


def _transpose_conv(stated: tuple[int, ...], target: tuple[int, ...]) -> bytes:
    model = ModelBuilder()
    shape = model.tensor("shape", (4,), "int32", data=np.array(stated, np.int32))
    w = model.tensor("w", (1, 2, 2, 1), data=np.ones((1, 2, 2, 1), np.int8), scale=0.1)
    x, y = model.tensor("x", (1, 3, 3, 1), scale=0.1), model.tensor("y", target, scale=0.1)
    model.op("TRANSPOSE_CONV", [shape, w, x], [y], padding="SAME", stride_h=2, stride_w=2)
    return model.finish([x], [y])


def _product(first: tuple[int, ...], second: tuple[int, ...], target: tuple[int, ...]) -> bytes:
    model = ModelBuilder()
    a, b, y = (model.tensor(name, shape, scale=0.1) for name, shape in zip("aby", (first, second, target), strict=True))
    model.op("BATCH_MATMUL", [a, b], [y])
    return model.finish([a, b], [y])


def _sliced_by_floats() -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 6), scale=0.1)
    begin = model.tensor("begin", (2,), "float32", data=np.array([0, np.nan], np.float32))
    y = model.tensor("y", (1, 6), scale=0.1)
    model.op("SLICE", [x, begin, begin], [y])
    return model.finish([x], [y])


def _splits(parts: int) -> bytes:
    model = ModelBuilder()
    axis = model.tensor("axis", (), "int32", data=np.array(1, np.int32))
    x = model.tensor("x", (1, 6), scale=0.1)
    outputs = [model.tensor(f"y{i}", (1, 6 // parts), scale=0.1) for i in range(parts)]
    model.op("SPLIT", [axis, x], outputs, num_splits=parts)
    return model.finish([x], outputs)


REFUSED: list[tuple[Callable[[], bytes], str]] = [
    (lambda: moving("SLICE", (1, 6), (1, 3), [0, 4], [1, 3]), "takes 3 from position 4 on, of 6"),
    (lambda: moving("SLICE", (1, 6), (1, 4), [0, 0], [1, 3]), r"\(1, 4\); its inputs and attributes give \(1, 3\)"),
    (lambda: moving("STRIDED_SLICE", (1, 6), (1, 6), [0, 0], [1, 6], [1, 0]), "stride along axis 1 is 0"),
    (
        lambda: moving("STRIDED_SLICE", (1, 6), (1,), [0, 6], [1, 7], [1, 1], shrink_axis_mask=2),
        "position 6 with a stride of 1 along axis 1 of 6",
    ),
    (lambda: moving("STRIDED_SLICE", (1, 6), (1, 6), [0, 0], [1, 6], [1, 1], new_axis_mask=1), "new_axis_mask"),
    (lambda: moving("STRIDED_SLICE", (1,) * 5, (1,) * 5, [0] * 5, [1] * 5, [1] * 5), "up to 4"),
    (lambda: moving("TRANSPOSE", (1, 6), (6, 1), [1, 1]), r"permutes 2 dimensions by \[1, 1\]"),
    (_sliced_by_floats, "is float32, not integers"),
    (lambda: _splits(4), "into 4 equal parts"),
    (lambda: _product((1, 2, 3), (1, 4, 2), (1, 2, 2)), "3 and 4 factors"),
    (lambda: _product((2, 2, 3), (3, 3, 2), (2, 2, 2)), "whose batches do not fit"),
    (lambda: _product((3,), (3, 2), (2,)), "2 to 5 dimensions"),
    (lambda: _transpose_conv((1, 6, 6, 1), (1, 5, 6, 1)), "not what its first input says"),
    (lambda: _transpose_conv((1, 7, 6, 1), (1, 7, 6, 1)), r"does not fit an input of shape \(1, 3, 3, 1\)"),
    (lambda: moving("RESIZE_BILINEAR", (1, 2, 2, 1), (1, 4, 4, 1), [4]), "constant height and width"),
    (
        lambda: moving(
            "RESIZE_BILINEAR", (1, 2, 2, 1), (1, 4, 4, 1), [4, 4], align_corners=True, half_pixel_centers=True
        ),
        "both align_corners and half_pixel_centers",
    ),
]


@pytest.mark.parametrize(("content", "message"), REFUSED)
def test_refusals_name_the_op_and_the_reason(content: Callable[[], bytes], message: str) -> None:
    graph = parse_tflite(content())
    with pytest.raises(UnsupportedError, match=rf"{graph.ops[0].name} \(op 0, output .*{message}"):
        lower(graph)
    found = verify_int8(graph, supported_ops=supported_ops(), engine="aot")
    finding = next(f for f in found if f.rule != "batch-size")
    assert finding.rule in {"shape", "tensor-dtype"} and finding.where.startswith(f"op 0 {graph.ops[0].name}")


def test_positions_are_int32() -> None:
    model = ModelBuilder()
    x = model.tensor("x", (1, 6), scale=0.1)
    axis = model.tensor("axis", (1,), "int32", data=np.array([1], np.int32))
    y = model.tensor("y", (1,), "int64")
    model.op("ARG_MAX", [x, axis], [y], output_type="INT64")
    graph = parse_tflite(model.finish([x], [y]))
    found = verify_int8(graph, supported_ops=supported_ops(), engine="aot")
    assert {(f.rule, "int32" in f.message) for f in found} == {("io-dtype", True), ("tensor-dtype", True)}


def test_the_output_scale_of_l2_normalization_is_fixed() -> None:
    model = ModelBuilder()
    x, y = model.tensor("x", (1, 6), scale=0.1), model.tensor("y", (1, 6), scale=0.1)
    model.op("L2_NORMALIZATION", [x], [y])
    graph = parse_tflite(model.finish([x], [y]))
    (finding,) = verify_int8(graph, supported_ops=supported_ops(), engine="aot")
    assert finding.rule == "op-quantization"
    with pytest.raises(UnsupportedError, match=r"L2_NORMALIZATION \(op 0.*1/128"):
        lower(graph)


def _lstm(power: float, activation: str, peephole: bool) -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 2, 1), scale=0.1)
    ones = np.ones((1, 1), np.int8)
    weights = [model.tensor(f"w{i}", (1, 1), data=ones, scale=0.1) for i in range(8)]
    biases = [model.tensor(f"b{i}", (1,), "int32", data=np.zeros(1, np.int32), scale=0.01) for i in range(4)]
    extra = model.tensor("peephole", (1,), "int16", data=np.ones(1, np.int16), scale=0.1) if peephole else -1
    hidden = model.tensor("hidden", (1, 1), scale=0.1, variable=True)
    cell = model.tensor("cell", (1, 1), "int16", scale=power, variable=True)
    y = model.tensor("y", (1, 2, 1), scale=0.1)
    inputs = [x, *weights, -1, extra, -1, *biases, -1, -1, hidden, cell, -1, -1, -1, -1]
    model.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], fused_activation_function=activation)
    return model.finish([x], [y])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_lstm(0.01, "TANH", False), "cell state at scale 0.01"),
        (_lstm(2.0**-11, "RELU", False), "another activation than tanh"),
        (_lstm(2.0**-11, "TANH", True), "peepholes"),
    ],
)
def test_refused_lstms(content: bytes, message: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"UNIDIRECTIONAL_SEQUENCE_LSTM \(op 0.*{message}"):
        lower(parse_tflite(content))
    lower(parse_tflite(_lstm(2.0**-11, "TANH", False)))


def test_of_several_outputs_only_the_needed_ones_are_computed() -> None:
    model = ModelBuilder()
    x = model.tensor("x", (1, 4, 2), scale=0.1)
    outputs = [model.tensor(f"y{i}", (1, 4), scale=0.1) for i in range(2)]
    model.op("UNPACK", [x], outputs, num=2, axis=2)
    program = lower(parse_tflite(model.finish([x], outputs[1:])))
    assert [(call.kernel, call.outputs, call.label) for call in program.calls] == [
        ("edgeq_copy", (outputs[1],), "0 UNPACK 4 (2 of 2)")
    ]
    (vanished,) = program.vanished
    assert vanished.tensor == outputs[0] and vanished.reason.startswith("unused")


@pytest.mark.parametrize(
    "content",
    [
        moving("TRANSPOSE", (1, 4, 1, 3), (1, 1, 4, 3), [0, 2, 1, 3]),
        moving("SLICE", (1, 6), (1, 6), [0, 0], [-1, 6]),
        moving("STRIDED_SLICE", (1, 6), (6,), [0, 0], [1, 6], [1, 1], shrink_axis_mask=1),
    ],
)
def test_what_moves_nothing_is_no_code(content: bytes) -> None:
    program = lower(parse_tflite(content))
    assert not program.calls
    assert len({place.offset for place in program.placements.values()}) == 1 < len(program.placements)
