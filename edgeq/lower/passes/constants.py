"""Which channels of tensors no input can change: those of a convolution, and what follows from them channel by channel.

Their values may differ from position to position: windows at the border have some of the padding's values, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import EdgeqError
from edgeq.lower import bands
from edgeq.lower.constant_channels import results, unchanging
from edgeq.lower.fixedpoint import INT8_MAX, INT8_MIN, Multiplier, multiply
from edgeq.lower.ops.convolution import conv_2d, depthwise_conv_2d
from edgeq.lower.ops.pool import average_pool_2d, max_pool_2d
from edgeq.lower.ops.reduce import mean
from edgeq.lower.program import Alias, KernelCall
from edgeq.model.graph import Graph, Op

Int64s = NDArray[np.int64]

POOLS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")
_LOWER: Mapping[str, Callable[[Graph, Op], KernelCall | Alias]] = {
    "AVERAGE_POOL_2D": average_pool_2d,
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "MAX_POOL_2D": max_pool_2d,
    "MEAN": mean,
}

# Channel -> its quantized values, in the tensor's shape without the channels.
Values = Mapping[int, Int64s]


def constants_of(graph: Graph, producer: Op, channelwise: Sequence[Op]) -> dict[int, Values]:
    """For each output tensor, the channels that no input can change, and their values.

    Args:
        graph: with these ops.
        producer: a CONV_2D of int8 values.
        channelwise: ops that compute each channel from the same channel of a tensor before, in order.
    """
    found: dict[int, Values] = {}
    try:
        found[producer.outputs[0]] = _produced(graph, producer)
        for op in channelwise:
            found[op.outputs[0]] = _through(graph, op, found[op.inputs[0]])
    except EdgeqError:  # lowering reports it, with the op's place
        return {tensor: {} for op in (producer, *channelwise) for tensor in op.outputs}
    return found


def _produced(graph: Graph, op: Op) -> Values:
    """Of a CONV_2D, whose bias may differ from position to position."""
    call = _lowered(graph, op)
    shape = graph.tensors[op.outputs[0]].shape[:-1]
    weights = _weights(graph, op)
    taps = weights.reshape(len(weights), -1)
    if call.kernel != bands.KERNEL:
        return {c: np.full(shape, v) for c, v in unchanging(call, taps).items()}
    by_band = [unchanging(single, taps) for single in bands.single_calls(call)]
    everywhere = [c for c in by_band[0] if all(c in known for known in by_band)]
    where = bands.bands_of(call)
    return {c: where.spread([known[c] for known in by_band]).reshape(shape) for c in everywhere}


def _through(graph: Graph, op: Op, known: Values) -> Values:
    """Such channels of a channelwise op's output, where its input's are `known`."""
    source, target = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    call = _lowered(graph, op)
    shape = target.shape[:-1]
    if op.name == "MEAN":
        given = np.asarray(graph.tensors[op.inputs[1]].data).reshape(-1)
        axes = tuple({int(a) % len(source.shape) for a in given})
        return {c: _means(call, v.sum(axis=axes)).reshape(shape) for c, v in known.items()}
    if op.name in POOLS:
        return {c: _pooled(call, v, largest=op.name == "MAX_POOL_2D") for c, v in known.items()}
    weights = _weights(graph, op)[0]
    others = unchanging(call, weights.reshape(-1, weights.shape[-1]).T)
    filtered = {c: results(call, c, _products(call, v, weights[..., c])) for c, v in known.items()}
    return {**{c: np.full(shape, v) for c, v in others.items()}, **filtered}


def _weights(graph: Graph, op: Op) -> Int64s:
    return cast(NDArray[np.int8], graph.tensors[op.inputs[1]].data).astype(np.int64)


def _products(call: KernelCall, values: Int64s, weights: Int64s) -> Int64s:
    """A channel's sums over windows of (batches, height, width), with weights (height, width)."""
    zero = -cast(int, call.params["input_offset"])
    taps = zip(weights.reshape(-1), _windows(call, values), strict=True)
    return cast(Int64s, sum(weight * np.where(inside, tap - zero, 0) for weight, (tap, inside) in taps))


def _pooled(call: KernelCall, values: Int64s, *, largest: bool) -> Int64s:
    """Pools of (batches, height, width); averages are rounded to nearest, halves away from zero."""
    low, high = cast(int, call.params["activation_min"]), cast(int, call.params["activation_max"])
    taps = list(_windows(call, values))
    if largest:
        found = np.max([np.where(inside, tap, INT8_MIN) for tap, inside in taps], axis=0)
    else:
        total = np.sum([np.where(inside, tap, 0) for tap, inside in taps], axis=0)
        count = np.sum([np.broadcast_to(inside, total.shape) for _, inside in taps], axis=0)
        found = np.sign(total) * ((np.abs(total) + count // 2) // count)
    return cast(Int64s, found.clip(low, high))


def _windows(call: KernelCall, values: Int64s) -> Iterator[tuple[Int64s, NDArray[np.bool_]]]:
    """For each position in the window, row by row: the values there, of each window, and whether they are inside."""
    (rows, rows_inside), (columns, columns_inside) = (
        _positions(call, axis, before, size)
        for axis, before, size in (("height", "pad_top", values.shape[1]), ("width", "pad_left", values.shape[2]))
    )
    for row, row_inside in zip(rows, rows_inside, strict=True):
        for column, column_inside in zip(columns, columns_inside, strict=True):
            yield values[:, row[:, None], column], row_inside[:, None] & column_inside


def _positions(call: KernelCall, axis: str, before: str, size: int) -> tuple[Int64s, NDArray[np.bool_]]:
    """(positions in the window, windows): where they are along an axis, if need be on its last value, and whether that
    is inside."""
    window, stride, pad = (cast(int, call.params[name]) for name in (f"filter_{axis}", f"stride_{axis}", before))
    steps = np.arange(window) * cast(int, call.params.get(f"dilation_{axis}", 1))
    at = steps[:, None] + np.arange(cast(int, call.params[f"output_{axis}"])) * stride - pad
    return at.clip(0, size - 1), (at >= 0) & (at < size)


def _means(call: KernelCall, totals: Int64s) -> Int64s:
    scale = Multiplier(value=cast(int, call.params["multiplier"]), shift=cast(int, call.params["shift"]))
    offset, zero = cast(int, call.params["sum_offset"]), cast(int, call.params["output_offset"])
    found = [multiply(int(total) + offset, scale) + zero for total in totals.reshape(-1)]
    return np.array(found, np.int64).clip(INT8_MIN, INT8_MAX)


def _lowered(graph: Graph, op: Op) -> KernelCall:
    return cast(KernelCall, _LOWER[op.name](graph, op))
