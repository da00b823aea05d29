"""Which channels of tensors are constant: those of a convolution, and what follows channel by channel from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import EdgeqError
from edgeq.lower.constant_channels import constant_values
from edgeq.lower.fixedpoint import INT8_MAX, INT8_MIN, Multiplier, multiply
from edgeq.lower.ops.convolution import conv_2d, depthwise_conv_2d
from edgeq.lower.ops.pool import average_pool_2d, max_pool_2d
from edgeq.lower.ops.reduce import mean
from edgeq.lower.program import Alias, KernelCall
from edgeq.model.graph import Graph, Op

POOLS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")
_LOWER: Mapping[str, Callable[[Graph, Op], KernelCall | Alias]] = {
    "AVERAGE_POOL_2D": average_pool_2d,
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "MAX_POOL_2D": max_pool_2d,
    "MEAN": mean,
}

# Channel -> value of the quantized constant.
Values = Mapping[int, int]


def constants_of(graph: Graph, producer: Op, channelwise: Sequence[Op]) -> dict[int, Values]:
    """For each output tensor, its constant channels and their values.

    Args:
        graph: with these ops.
        producer: a CONV_2D of int8 values.
        channelwise: ops that compute each channel from the same channel of a tensor before, in order.
    """
    found: dict[int, Values] = {}
    try:
        weights = cast(NDArray[np.int8], graph.tensors[producer.inputs[1]].data)
        found[producer.outputs[0]] = _weighted(graph, producer, weights.reshape(len(weights), -1), {})
        for op in channelwise:
            found[op.outputs[0]] = _through(graph, op, found[op.inputs[0]])
    except EdgeqError:  # lowering reports it, with the op's place
        return {tensor: {} for op in (producer, *channelwise) for tensor in op.outputs}
    return found


def _through(graph: Graph, op: Op, known: Values) -> Values:
    """Constant channels of a channelwise op's output, where its input's are `known`."""
    source, target = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    if op.name == "DEPTHWISE_CONV_2D":
        weights = cast(NDArray[np.int8], graph.tensors[op.inputs[1]].data)
        return _weighted(graph, op, weights.reshape(-1, target.shape[-1]).T, known)
    call = _lowered(graph, op)
    if op.name in POOLS:
        low, high = cast(int, call.params["activation_min"]), cast(int, call.params["activation_max"])
        return {c: max(low, min(high, v)) for c, v in known.items()}
    count = source.elements // target.elements
    scale = Multiplier(value=cast(int, call.params["multiplier"]), shift=cast(int, call.params["shift"]))
    offset, zero = cast(int, call.params["sum_offset"]), cast(int, call.params["output_offset"])
    return {c: max(INT8_MIN, min(INT8_MAX, multiply(count * v + offset, scale) + zero)) for c, v in known.items()}


def _weighted(graph: Graph, op: Op, weights: NDArray[np.int8], known: Values) -> Values:
    """Of a convolution, whose weights are (channels, taps); of a depthwise one, some inputs may be known."""
    call = _lowered(graph, op)
    zero = -cast(int, call.params["input_offset"])
    lowest, highest = (np.full(len(weights), end - zero) for end in (INT8_MIN, INT8_MAX))
    padded = op.options.get("padding") != "VALID" and weights.shape[1] > 1
    for channel, value in known.items():
        # Windows have some of the padding's values, too, which are the zero point.
        lowest[channel] = min(0, value - zero) if padded else value - zero
        highest[channel] = max(0, value - zero) if padded else value - zero
    return constant_values(call, weights.astype(np.int64), lowest, highest)


def _lowered(graph: Graph, op: Op) -> KernelCall:
    return cast(KernelCall, _LOWER[op.name](graph, op))
