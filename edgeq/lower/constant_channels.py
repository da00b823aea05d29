"""Output channels that no input can change: their weights are zeros, or so small that every sum rounds to one value.

The bounds of a channel's sums decide, and nothing else: requantization never falls as the sum rises, so that equal
results at both bounds are the result. Training leaves such channels behind: a batch norm's scale that has gone to zero,
or a ReLU that is never above zero. Their scales are the smallest there are and their biases the largest, which no fast
kernel has room for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.fixedpoint import INT8_MAX, INT8_MIN, INT32_MAX, INT32_MIN, Multiplier, multiply, wrap32
from edgeq.lower.program import Constant, KernelCall

Int64s = NDArray[np.int64]

# Multiplier of every constant channel: 1/2, before its shift to the right, which is that of the others, within bounds.
_HALF = 1 << 30
_RIGHT = (1, 6, 12)


def constant_values(call: KernelCall, weights: Int64s, lowest: Int64s, highest: Int64s) -> dict[int, int]:
    """Channel -> value of the channels that are constant.

    Args:
        call: of a portable int8 convolution or dense layer.
        weights: (channels, taps).
        lowest: of an input minus its zero point, for each channel.
        highest: likewise.
    """
    start = _start(call, len(weights))
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    low = start + positive * lowest + negative * highest
    high = start + positive * highest + negative * lowest
    found = {}
    for channel in range(len(weights)):
        smallest, largest = int(low[channel]), int(high[channel])
        scale = _scale(call, channel)
        wraps = smallest < INT32_MIN or largest > INT32_MAX or scale.shift > 0
        if smallest != largest and wraps:
            continue
        value = _result(call, smallest, scale)
        if value == _result(call, largest, scale):
            found[channel] = value
    return found


def results(call: KernelCall, channel: int, products: Int64s) -> Int64s:
    """What a channel's sums of products become, of any shape: the call's bias, TFLM's scaling, the activation."""
    scale, start = _scale(call, channel), int(_start(call, channel + 1)[channel])
    sums, places = np.unique(products, return_inverse=True)
    found = np.array([_result(call, start + int(total), scale) for total in sums], np.int64)
    return found[places].reshape(products.shape)


def unchanging(call: KernelCall, weights: Int64s) -> dict[int, int]:
    """`constant_values` for any int8 input; `weights` are (channels, taps)."""
    zero = -cast(int, call.params["input_offset"])
    count = len(weights)
    return constant_values(call, weights, np.full(count, INT8_MIN - zero), np.full(count, INT8_MAX - zero))


def plain(call: KernelCall) -> KernelCall:
    """The call with weights of zero for constant channels, small biases, and a multiplier like those of the others.

    Args:
        call: of any portable kernel.
    """
    return plain_alike((call,))[0]


def plain_alike(calls: Sequence[KernelCall]) -> tuple[KernelCall, ...]:
    """`plain` for calls that differ in their biases alone: of channels that are constant, and the same, in all."""
    call = calls[0]
    weights = call.inputs[1] if call.kernel in _CHANNEL_AXES and len(call.inputs) > 1 else None
    if not isinstance(weights, Constant) or call.params.get("weights_offset"):
        return tuple(calls)
    axis = _CHANNEL_AXES[call.kernel]
    flat = np.moveaxis(weights.data.astype(np.int64), axis, 0)
    found = [unchanging(c, flat.reshape(len(flat), -1)) for c in calls]
    known = {c: v for c, v in found[0].items() if all(other.get(c) == v for other in found)}
    return tuple(_with(c, weights.data, axis, known) for c in calls) if known else tuple(calls)


_CHANNEL_AXES: Mapping[str, int] = {
    "edgeq_conv_2d_int8": 0,
    "edgeq_depthwise_conv_2d_int8": 3,
    "edgeq_fully_connected_int8": 0,
    "edgeq_transpose_conv_int8": 0,
}


def _with(call: KernelCall, weights: NDArray[np.generic], axis: int, known: Mapping[int, int]) -> KernelCall:
    """The call, with constants of its own that give channels `known` their values."""
    channels = list(known)
    count = weights.shape[axis]
    zeroed = weights.copy()
    zeroed[(slice(None),) * axis + (channels,)] = 0
    values, shifts = (
        np.broadcast_to(cast(Constant, call.params[n]).data, count).copy() for n in ("multipliers", "shifts")
    )
    others = [-int(shifts[c]) for c in range(count) if c not in known and values[c]]
    least, usual, most = _RIGHT
    right = max(least, min(most, int(np.median(others)) if others else usual))
    bias = _start(call, count)
    zero = cast(int, call.params["output_offset"])
    for channel, value in known.items():
        bias[channel] = (value - zero) << (right + 1)
        values[channel], shifts[channel] = _HALF, -right
    named = {"bias": bias.astype(np.int32), "multipliers": values, "shifts": shifts}
    constants = {name: Constant(name=f"op_{call.source_ops[0]}_plain_{name}", data=d) for name, d in named.items()}
    operand = Constant(name=f"op_{call.source_ops[0]}_plain_weights", data=zeroed)
    return replace(
        call,
        params={**call.params, **constants, "channel_step": 1},
        inputs=(call.inputs[0], operand, *call.inputs[2:]),
    )


def _start(call: KernelCall, count: int) -> Int64s:
    bias = cast(Constant | None, call.params["bias"])
    return np.zeros(count, np.int64) if bias is None else bias.data.astype(np.int64).reshape(-1)


def _scale(call: KernelCall, channel: int) -> Multiplier:
    at = channel * cast(int, call.params["channel_step"])
    values, shifts = (cast(Constant, call.params[n]).data for n in ("multipliers", "shifts"))
    return Multiplier(value=int(values[at]), shift=int(shifts[at]))


def _result(call: KernelCall, total: int, scale: Multiplier) -> int:
    """The output for a sum: TFLM's, fused activation included."""
    result = multiply(wrap32(total), scale) + cast(int, call.params["output_offset"])
    return max(cast(int, call.params["activation_min"]), min(cast(int, call.params["activation_max"]), result))
