"""Takes channels out of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.passes.constants import Values
from edgeq.lower.passes.families import MOVES, Family, summed
from edgeq.model.graph import Graph, Tensor

Int64s = NDArray[np.int64]

FOUR = 4
"""Kernels take channels in fours."""


def zero_of(tensor: Tensor) -> int:
    """The zero point."""
    return tensor.quantization.zero_point if tensor.quantization else 0


def without_channels(
    graph: Graph, family: Family, known: Mapping[int, Values], gone: list[int], idle: list[int]
) -> Graph:
    """The graph without channels `gone` of a family, with nothing that depends on the `idle` ones, which go last."""
    tensors = list(graph.tensors)
    kept = [c for c in range(family.channels) if c not in {*gone, *idle}] + idle
    if len(kept) % FOUR == 0 and len(idle) == 2:  # values are multiplied in pairs: the first and the third of four
        kept[-3], kept[-2] = kept[-2], kept[-3]
    for op in (family.producer, *family.channelwise):
        if op.name in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
            axis = 0 if op.name == "CONV_2D" else 3
            tensors[op.inputs[1]] = _cut(tensors[op.inputs[1]], axis, kept, per_channel=True)
            if len(op.inputs) > 2 and op.inputs[2] >= 0:
                tensors[op.inputs[2]] = _cut(tensors[op.inputs[2]], -1, kept, per_channel=True)
    for reader, tensor in family.readers:
        op, weights = summed(graph, reader, family.channels)
        more = added(weights, known[tensor], zero_of(graph.tensors[tensor]), (*gone, *idle))
        if more.any():
            tensors[op.inputs[2]] = _with_more(tensors[op.inputs[2]], more)
        if reader.name == "CONV_2D":
            tensors[op.inputs[1]] = _cut(_zeroed(tensors[op.inputs[1]], 3, idle), 3, kept)
            continue
        taps = range(weights.shape[1])
        columns, unread = ([t * family.channels + c for t in taps for c in some] for some in (kept, idle))
        tensors[op.inputs[1]] = _cut(_zeroed(tensors[op.inputs[1]], 1, unread), 1, columns)
        if reader.name in MOVES:
            flat = tensors[reader.outputs[0]]
            tensors[reader.outputs[0]] = replace(flat, shape=(*flat.shape[:-1], len(columns)))
    for index in family.tensors:
        t = tensors[index]
        tensors[index] = replace(t, shape=(*t.shape[:-1], len(kept)))
    return replace(graph, tensors=tuple(tensors))


def added(weights: Int64s, known: Values, zero: int, channels: Sequence[int]) -> Int64s:
    """What channels add to sums.

    Args:
        weights: (outputs, taps, channels).
        known: the values of channels that are not unread.
        zero: the values' zero point.
        channels: which ones.

    Returns:
        (outputs,), or (height, width, outputs) where their sum differs from position to position.
    """
    taps = weights.shape[1]
    one_for_all = np.zeros(len(weights), np.int64)
    by_position: Int64s | None = None
    for c in channels:
        values = known[c] - zero if c in known else np.zeros(1, np.int64)
        if not values.any() or not weights[:, :, c].any():
            continue
        if (values == values.flat[0]).all():
            one_for_all += weights[:, :, c].sum(axis=1) * values.flat[0]
        elif taps > 1:  # a dense layer's, one for each position
            one_for_all += weights[:, :, c] @ values.reshape(-1, taps)[0]
        else:
            more = values[0, :, :, None] * weights[:, 0, c]
            by_position = more if by_position is None else by_position + more
    if by_position is None:
        return one_for_all
    total = one_for_all + by_position
    return total[0, 0] if (total == total[0, 0]).all() else total


def _with_more(bias: Tensor, more: Int64s) -> Tensor:
    """The bias with something added, modulo 2^32."""
    total = np.asarray(bias.data, np.int64).reshape(-1, more.shape[-1]).squeeze(0) + more
    if more.ndim == 1:
        total = total.reshape(bias.shape)
    return replace(bias, data=total.astype(np.uint32).view(np.int32), shape=total.shape)


def _zeroed(tensor: Tensor, axis: int, entries: list[int]) -> Tensor:
    """A constant with zeros for some entries along an axis."""
    data = cast(NDArray[np.generic], tensor.data).copy()
    data[(slice(None),) * axis + (entries,)] = 0
    return replace(tensor, data=data)


def _cut(tensor: Tensor, axis: int, kept: list[int], *, per_channel: bool = False) -> Tensor:
    """A constant without the other entries along an axis, and without their scales."""
    data = np.take(cast(NDArray[np.generic], tensor.data), kept, axis=axis)
    quantization = tensor.quantization
    if per_channel and quantization is not None and len(quantization.scales) > 1:
        zeros = quantization.zero_points
        quantization = replace(
            quantization,
            scales=tuple(quantization.scales[c] for c in kept),
            zero_points=tuple(zeros[c] for c in kept) if len(zeros) > 1 else zeros,
        )
    return replace(tensor, data=data, shape=data.shape, quantization=quantization)
