"""Convolutions of one output pixel as dense layers."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.lower import lower
from edgeq.lower.ops.convolution import conv_2d
from edgeq.lower.passes.one_pixel import as_dense
from edgeq.lower.program import Constant, KernelCall
from edgeq.model.flatbuffer import parse_tflite

_RNG = np.random.default_rng(1)


def _call(size: tuple[int, int], window: tuple[int, int], padding: str, stride: int = 1) -> KernelCall:
    weights = _RNG.integers(-127, 128, (5, *window, 2)).astype(np.int8)
    out = tuple(-(-(n if padding == "SAME" else n - k + 1) // stride) for n, k in zip(size, window, strict=True))
    model = ModelBuilder()
    x = model.tensor("x", (1, *size, 2), scale=0.1, zero_point=7)
    w = model.tensor("w", weights.shape, data=weights, scale=0.01)
    y = model.tensor("y", (1, *out, 5), scale=0.2)
    model.op(
        "CONV_2D", [x, w], [y], padding=padding, stride_h=stride, stride_w=stride, dilation_h_factor=1,
        dilation_w_factor=1, fused_activation_function="NONE",
    )  # fmt: skip
    graph = parse_tflite(model.finish([x], [y]))
    return cast(KernelCall, conv_2d(graph, graph.ops[0]))


def _weights(call: KernelCall) -> NDArray[np.generic]:
    return cast(Constant, call.inputs[1]).data


@pytest.mark.parametrize(
    ("size", "window", "padding", "stride", "taps"),
    [
        ((3, 2), (3, 2), "VALID", 1, np.s_[:, :]),
        ((1, 1), (3, 3), "SAME", 1, np.s_[1:2, 1:2]),
        ((2, 2), (3, 3), "SAME", 2, np.s_[0:2, 0:2]),
    ],
)
def test_taps_inside_the_input_are_the_weights(
    size: tuple[int, int], window: tuple[int, int], padding: str, stride: int, taps: tuple[slice, slice]
) -> None:
    call = _call(size, window, padding, stride)
    dense = as_dense(call)
    assert dense.kernel == "edgeq_fully_connected_int8"
    np.testing.assert_array_equal(_weights(dense), _weights(call)[:, taps[0], taps[1]].reshape(5, -1))
    assert dense.params["depth"] == size[0] * size[1] * 2 and dense.macs == call.macs


@pytest.mark.parametrize(
    ("size", "window", "padding", "stride"), [((4, 3), (3, 3), "VALID", 2), ((3, 3), (2, 2), "VALID", 1)]
)
def test_other_convolutions_stay(size: tuple[int, int], window: tuple[int, int], padding: str, stride: int) -> None:
    call = _call(size, window, padding, stride)  # a row that no tap meets; four pixels
    assert as_dense(call) is call


def test_what_two_layers_see_of_shared_weights_are_two_constants() -> None:
    # Rows and columns of taps, one list after the other, are the same numbers for both layers.
    model = ModelBuilder()
    w = model.tensor("w", (4, 2, 5, 4), data=_RNG.integers(-127, 128, (4, 2, 5, 4)).astype(np.int8), scale=0.01)
    inputs, outputs = [], []
    for size in ((1, 2), (2, 1)):
        x = model.tensor(f"x{size}", (1, *size, 4), scale=0.1, zero_point=7)
        y = model.tensor(f"y{size}", (1, 1, 1, 4), scale=0.2)
        model.op(
            "CONV_2D", [x, w], [y], padding="SAME", stride_h=2, stride_w=2, dilation_h_factor=1, dilation_w_factor=1,
            fused_activation_function="NONE",
        )  # fmt: skip
        inputs.append(x)
        outputs.append(y)
    graph = parse_tflite(model.finish(inputs, outputs))
    first, second = (as_dense(cast(KernelCall, conv_2d(graph, op))) for op in graph.ops)
    assert first.kernel == second.kernel == "edgeq_fully_connected_int8"
    assert not np.array_equal(_weights(first), _weights(second))
    assert cast(Constant, first.inputs[1]).name != cast(Constant, second.inputs[1]).name
    assert len({c.name for c in lower(graph).constants}) == len(lower(graph).constants) >= 2
