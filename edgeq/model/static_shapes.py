"""Shapes that a .tflite computes at run time although they never change.

TensorFlow's converter, given a Keras model with a free batch size, writes Flatten and Reshape as SHAPE, STRIDED_SLICE
and PACK before a RESHAPE. With a batch of one these are constants, and such a model is as full-integer as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgeq.model.graph import DType, Graph, Op

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WHOLE = (DType.INT32, DType.INT64)


def with_constant_shapes(graph: Graph) -> Graph:
    """The graph with every computed shape as a constant, and without the ops that compute them.

    Tensors and ops keep their indices, so that what is said about them is true of the file; the file does not change.
    """
    known: dict[int, NDArray[np.generic]] = {}
    ops = []
    for op in graph.ops:
        value = _value(graph, op, known)
        if value is None:
            ops.append(op)
        else:
            known[op.outputs[0]] = value
    if not known:
        return graph
    tensors = tuple(
        replace(t, data=known[t.index].reshape(t.shape).astype(t.dtype.value)) if t.index in known else t
        for t in graph.tensors
    )
    return replace(graph, tensors=tensors, ops=tuple(ops))


def _value(graph: Graph, op: Op, known: Mapping[int, NDArray[np.generic]]) -> NDArray[np.generic] | None:
    """What an op that computes with shapes gives; None for any other op."""
    output = graph.tensors[op.outputs[0]]
    if output.dtype not in _WHOLE:
        return None
    if op.name == "SHAPE":
        return np.array(graph.tensors[op.inputs[0]].shape)
    values = [known.get(i, graph.tensors[i].data) for i in op.inputs if i >= 0]
    if not any(i in known for i in op.inputs) or any(value is None for value in values):
        return None
    constants = [np.asarray(value) for value in values]
    if op.name == "STRIDED_SLICE" and constants[0].ndim == 1:
        return _sliced(op, *(c.reshape(-1) for c in constants))
    if op.name in ("PACK", "CONCATENATION"):
        return np.concatenate([c.reshape(-1) for c in constants])
    return None


def _sliced(
    op: Op,
    values: NDArray[np.generic],
    begin: NDArray[np.generic],
    end: NDArray[np.generic],
    strides: NDArray[np.generic],
) -> NDArray[np.generic]:
    start = None if _bit(op, "begin_mask") else int(begin[0])
    if _bit(op, "shrink_axis_mask"):
        return values[start or 0 :][:1]
    return values[slice(start, None if _bit(op, "end_mask") else int(end[0]), int(strides[0]))]


def _bit(op: Op, mask: str) -> bool:
    return bool(int(op.options.get(mask, 0)) & 1)  # type: ignore[arg-type]
