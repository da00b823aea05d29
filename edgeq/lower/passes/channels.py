"""Channels that are constant, or that nothing reads, are removed, and what they add goes into biases.

Channels of tensors that are computed channel by channel from each other (depthwise convolutions, pools, means) go
together. A channel goes if wherever something else reads it, it is constant or meets weights of zero only. Biases wrap
modulo 2^32 as TFLM's sums do, so the outputs stay the same bits. Some stay to make whole fours: behind the others, read
by weights of zero only, so that nobody need compute them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.passes.constants import POOLS, Values, constants_of
from edgeq.lower.passes.record import Passed, counted
from edgeq.model.graph import DType, Graph, Op, Tensor

# Kernels take channels in fours.
_FOUR = 4
_MOVES = ("RESHAPE", "SQUEEZE")


@dataclass(slots=True, kw_only=True)
class _Family:
    """Tensors whose channels go together, and who reads them from outside: (op, tensor) pairs."""

    channels: int
    producer: Op
    tensors: list[int]
    channelwise: list[Op] = field(default_factory=list)
    readers: list[tuple[Op, int]] = field(default_factory=list)
    fixed: bool = False


def remove_channels(graph: Graph) -> Passed:
    """The graph without such channels; `changed` are the tensors that have fewer."""
    families = _families(graph)
    removed = weights = left = 0
    changed: set[int] = set()
    read: dict[int, int] = {}
    for family in families:
        if family.fixed or not family.readers:
            continue
        known = constants_of(graph, family.producer, family.channelwise)
        gone = [c for c in range(family.channels) if _removable(graph, family, known, c)]
        count = family.channels - len(gone)
        # A layer keeps a channel, and whole fours.
        spare = min(max(-count % _FOUR, 1 - count), len(gone))
        gone, idle = gone[: len(gone) - spare], gone[len(gone) - spare :]
        if gone or idle:
            before = _weights(graph)
            graph = _without(graph, family, known, gone, idle)
            removed += len(gone)
            left += len(idle)
            weights += before - _weights(graph)
            changed |= set(family.tensors)
            changed |= {op.outputs[0] for op, _ in family.readers if op.name in _MOVES}
            read |= {tensor: max(1, count) for tensor in family.tensors if idle}
    words = f"{counted(removed, 'constant or unread channel')} removed, {weights:,} bytes of weights" if removed else ""
    words += f"{', ' if words else ''}{left} left to make fours" if left else ""
    return Passed(graph=graph, changed=frozenset(changed), count=removed + left, saved=words, read=read)


def _weights(graph: Graph) -> int:
    return sum(t.nbytes for t in graph.tensors if t.data is not None)


def _families(graph: Graph) -> list[_Family]:
    """Families in the model's order; what cannot be changed is `fixed`."""
    uses: dict[int, int] = {}
    for op in graph.ops:
        for i in {*op.inputs}:
            uses[i] = uses.get(i, 0) + 1
    own: dict[int, _Family] = {}
    found: list[_Family] = []
    for op in graph.ops:
        source = own.get(op.inputs[0]) if op.inputs else None
        private = all(uses.get(i, 0) == 1 for i in op.inputs[1:3] if i >= 0)
        joins = source is not None and private and _channelwise(graph, op)
        for position, tensor in enumerate(op.inputs):
            family = own.get(tensor)
            if family is None:
                continue
            if position == 0 and (joins or (private and _absorbs(graph, op, family))):
                if not joins:
                    family.readers.append((op, tensor))
            else:
                family.fixed = True
        target = graph.tensors[op.outputs[0]]
        if source is not None and joins:
            source.channelwise.append(op)
            source.tensors.append(target.index)
            own[target.index] = source
        elif op.name == "CONV_2D" and private and len(op.outputs) == 1:
            family = _Family(channels=target.shape[-1], tensors=[target.index], producer=op)
            # Grouped convolutions tie outputs to inputs; 16x8 has other arithmetic than `_requantized`.
            grouped = graph.tensors[op.inputs[1]].shape[3] != graph.tensors[op.inputs[0]].shape[3]
            family.fixed = grouped or target.dtype is not DType.INT8
            own[target.index] = family
            found.append(family)
    for tensor in graph.outputs:
        if tensor in own:
            own[tensor].fixed = True
    return found


def _channelwise(graph: Graph, op: Op) -> bool:
    source, target = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    if op.name == "MEAN":
        axes = graph.tensors[op.inputs[1]].data
        rank = len(source.shape)
        reduced = {int(a) % rank for a in np.asarray(axes).reshape(-1)} if axes is not None else {rank - 1}
        return rank - 1 not in reduced
    if op.name == "DEPTHWISE_CONV_2D":
        return source.shape[-1] == target.shape[-1]
    return op.name in POOLS


def _absorbs(graph: Graph, op: Op, family: _Family) -> bool:
    """Whether the op is a sum over channels whose bias can take what a constant channel adds."""
    weights = graph.tensors[op.inputs[1]] if len(op.inputs) > 1 and op.inputs[1] >= 0 else None
    if op.name == "CONV_2D":
        return weights is not None and weights.shape[3] == family.channels and weights.data is not None
    if op.name == "FULLY_CONNECTED":
        return weights is not None and _is_symmetric(weights) and weights.shape[1] % family.channels == 0
    return op.name in _MOVES and _dense_behind(graph, op, family.channels) is not None


def _is_symmetric(weights: Tensor) -> bool:
    return weights.data is not None and weights.quantization is not None and not any(weights.quantization.zero_points)


def _dense_behind(graph: Graph, move: Op, channels: int) -> Op | None:
    """The FULLY_CONNECTED that alone reads a flattened tensor, if its weights are constant and symmetric."""
    tensor = move.outputs[0]
    users = [op for op in graph.ops if tensor in op.inputs]
    if tensor in graph.outputs or len(users) != 1 or users[0].name != "FULLY_CONNECTED" or users[0].inputs[0] != tensor:
        return None
    constants = {i for i in users[0].inputs[1:] if i >= 0}
    if any(constants & set(op.inputs) for op in graph.ops if op is not users[0]):
        return None
    plain = _is_symmetric(graph.tensors[users[0].inputs[1]])
    return users[0] if plain and graph.tensors[tensor].shape[-1] % channels == 0 else None


def _sum(graph: Graph, reader: Op, channels: int) -> tuple[Op, NDArray[np.int64]]:
    """The op that sums over channels, and its weights as (outputs, taps, channels)."""
    op = reader
    if reader.name in _MOVES:
        op = cast(Op, _dense_behind(graph, reader, channels))
    weights = cast(NDArray[np.int8], graph.tensors[op.inputs[1]].data).astype(np.int64)
    return op, weights.reshape(weights.shape[0], -1, channels)


def _zero(tensor: Tensor) -> int:
    return tensor.quantization.zero_point if tensor.quantization else 0


def _removable(graph: Graph, family: _Family, known: Mapping[int, Values], channel: int) -> bool:
    for reader, tensor in family.readers:
        op, weights = _sum(graph, reader, family.channels)
        if not weights[:, :, channel].any():
            continue
        value = known[tensor].get(channel)
        if value is None:
            return False
        padded = op.name == "CONV_2D" and op.options.get("padding") != "VALID" and weights.shape[1] > 1
        if value != _zero(graph.tensors[tensor]) and (padded or len(op.inputs) < 3 or op.inputs[2] < 0):
            return False
    return True


def _without(graph: Graph, family: _Family, known: Mapping[int, Values], gone: list[int], idle: list[int]) -> Graph:
    """The graph without channels `gone` of a family, with nothing that depends on the `idle` ones, which go last."""
    tensors = list(graph.tensors)
    kept = [c for c in range(family.channels) if c not in {*gone, *idle}] + idle
    if len(kept) % _FOUR == 0 and len(idle) == 2:  # values are multiplied in pairs: the first and the third of four
        kept[-3], kept[-2] = kept[-2], kept[-3]
    for op in (family.producer, *family.channelwise):
        if op.name in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
            axis = 0 if op.name == "CONV_2D" else 3
            tensors[op.inputs[1]] = _cut(tensors[op.inputs[1]], axis, kept, per_channel=True)
            if len(op.inputs) > 2 and op.inputs[2] >= 0:
                tensors[op.inputs[2]] = _cut(tensors[op.inputs[2]], 0, kept, per_channel=True)
    for reader, tensor in family.readers:
        op, weights = _sum(graph, reader, family.channels)
        zero = _zero(graph.tensors[tensor])
        more = np.zeros(len(weights), np.int64)
        for c in (*gone, *idle):
            more += weights[:, :, c].sum(axis=1) * (known[tensor].get(c, zero) - zero)
        if more.any():
            bias = tensors[op.inputs[2]]
            total = np.asarray(bias.data, np.int64) + more.reshape(bias.shape)
            tensors[op.inputs[2]] = replace(bias, data=total.astype(np.uint32).view(np.int32))
        if reader.name == "CONV_2D":
            tensors[op.inputs[1]] = _cut(_zeroed(tensors[op.inputs[1]], 3, idle), 3, kept)
            continue
        taps = range(weights.shape[1])
        columns, unread = ([t * family.channels + c for t in taps for c in some] for some in (kept, idle))
        tensors[op.inputs[1]] = _cut(_zeroed(tensors[op.inputs[1]], 1, unread), 1, columns)
        if reader.name in _MOVES:
            flat = tensors[reader.outputs[0]]
            tensors[reader.outputs[0]] = replace(flat, shape=(*flat.shape[:-1], len(columns)))
    for index in family.tensors:
        t = tensors[index]
        tensors[index] = replace(t, shape=(*t.shape[:-1], len(kept)))
    return replace(graph, tensors=tuple(tensors))


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
