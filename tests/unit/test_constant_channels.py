"""Channels that no input can change: found, and made such that fast kernels have room for them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.constant_channels import constant_values, plain
from edgeq.lower.fixedpoint import Multiplier, multiply
from edgeq.lower.ops.convolution import conv_2d
from edgeq.lower.program import Constant, KernelCall
from edgeq.lower.select import candidates
from edgeq.model.flatbuffer import parse_tflite

_SCALE = 0.05


def _call(weights: NDArray[np.int8], bias: list[int], scales: list[float]) -> KernelCall:
    model = ModelBuilder()
    count, depth = weights.shape
    x = model.tensor("x", (1, 4, 4, depth), scale=_SCALE, zero_point=-128)
    w = model.tensor("w", (count, 1, 1, depth), data=weights.reshape(count, 1, 1, depth), scale=scales, axis=0)
    b = model.tensor("b", (count,), "int32", data=np.array(bias, np.int32), scale=[_SCALE * s for s in scales])
    y = model.tensor("y", (1, 4, 4, count), scale=_SCALE, zero_point=-128)
    model.op(
        "CONV_2D", [x, w, b], [y], padding="VALID", stride_h=1, stride_w=1, dilation_h_factor=1, dilation_w_factor=1,
        fused_activation_function="RELU",
    )  # fmt: skip
    graph = parse_tflite(model.finish([x], [y]))
    call = conv_2d(graph, graph.ops[0])
    assert isinstance(call, KernelCall)
    return call


def _weights() -> NDArray[np.int8]:
    return np.random.default_rng(3).integers(-127, 128, (4, 8)).astype(np.int8)


def _result(call: KernelCall, channel: int, products: int) -> int:
    bias, values, shifts = (call.params[name] for name in ("bias", "multipliers", "shifts"))
    assert isinstance(bias, Constant) and isinstance(values, Constant) and isinstance(shifts, Constant)
    scale = Multiplier(value=int(values.data[channel]), shift=int(shifts.data[channel]))
    return max(-128, min(127, multiply(int(bias.data.reshape(-1)[channel]) + products, scale) - 128))


@pytest.mark.parametrize("feature", ["dsp", "mve"])
def test_a_dead_channel_does_not_cost_the_layer_its_kernel(feature: str) -> None:
    weights = _weights()
    weights[1] = 0
    call = _call(weights, [100, 1 << 30, -7, 0], [0.01, 1e-9, 0.01, 0.02])
    found = candidates(call, frozenset({feature}))
    assert all(c.call.variant.startswith(feature) for c in found)
    changed = plain(call)
    assert _result(changed, 1, 0) == _result(call, 1, 0) > -128


def test_weights_too_small_to_change_anything() -> None:
    call = _call(_weights(), [100, 1 << 29, -(1 << 29), 0], [0.01, 1e-9, 1e-9, 0.02])
    flat = _weights().astype(np.int64)
    known = constant_values(call, flat, np.zeros(4, np.int64), np.full(4, 255))
    assert set(known) == {1, 2} and known[2] == -128
    changed = plain(call)
    operand = changed.inputs[1]
    assert isinstance(operand, Constant)
    assert not operand.data[[1, 2]].any() and (operand.data[[0, 3]] == weights_of(call)[[0, 3]]).all()
    for channel, value in known.items():
        assert _result(changed, channel, 0) == value


def test_what_inputs_change_stays() -> None:
    call = _call(_weights(), [100, 200, -7, 0], [0.01] * 4)
    assert plain(call) is call


def weights_of(call: KernelCall) -> NDArray[np.generic]:
    """The second operand's values."""
    operand = call.inputs[1]
    assert isinstance(operand, Constant)
    return operand.data
