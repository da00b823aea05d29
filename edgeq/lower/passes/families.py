"""Tensors whose channels go together, and the ops that sum over these channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.passes.constants import POOLS
from edgeq.model.graph import DType, Graph, Op, Tensor

MOVES = ("RESHAPE", "SQUEEZE")
"""Ops in front of a dense layer that change no value's place."""


@dataclass(slots=True, kw_only=True)
class Family:
    """Tensors whose channels go together, and who reads them from outside: (op, tensor) pairs."""

    channels: int
    producer: Op
    tensors: list[int]
    channelwise: list[Op] = field(default_factory=list)
    readers: list[tuple[Op, int]] = field(default_factory=list)
    fixed: bool = False


def families(graph: Graph) -> list[Family]:
    """Families in the model's order; what cannot be changed is `fixed`."""
    uses: dict[int, int] = {}
    for op in graph.ops:
        for i in {*op.inputs}:
            uses[i] = uses.get(i, 0) + 1
    own: dict[int, Family] = {}
    found: list[Family] = []
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
            family = Family(channels=target.shape[-1], tensors=[target.index], producer=op)
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


def _absorbs(graph: Graph, op: Op, family: Family) -> bool:
    """Whether the op is a sum over channels whose bias can take what a constant channel adds."""
    weights = graph.tensors[op.inputs[1]] if len(op.inputs) > 1 and op.inputs[1] >= 0 else None
    if op.name == "CONV_2D":
        return weights is not None and weights.shape[3] == family.channels and weights.data is not None
    if op.name == "FULLY_CONNECTED":
        return weights is not None and _is_symmetric(weights) and weights.shape[1] % family.channels == 0
    return op.name in MOVES and _dense_behind(graph, op, family.channels) is not None


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


def summed(graph: Graph, reader: Op, channels: int) -> tuple[Op, NDArray[np.int64]]:
    """The op that sums over channels, and its weights as (outputs, taps, channels)."""
    op = reader
    if reader.name in MOVES:
        op = cast(Op, _dense_behind(graph, reader, channels))
    weights = cast(NDArray[np.int8], graph.tensors[op.inputs[1]].data).astype(np.int64)
    return op, weights.reshape(weights.shape[0], -1, channels)
