"""Shapes that a .tflite computes at run time although they never change.

TensorFlow's converter, given a Keras model with a free batch size, writes Flatten and Reshape as SHAPE, STRIDED_SLICE
and PACK before a RESHAPE, a transposed convolution likewise. With a batch of one these are constants, and such a model
is as full-integer as any other. TensorFlow Lite Micro runs it as it is: there, too, tensors have the file's shapes.
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
    """The graph with every computed shape as a constant; the ops that compute them are its `shape_ops`.

    Tensors and ops keep their indices, so that what is said about them is true of the file; the file does not change.
    A size that the file leaves free counts as one where it is the first (the batch), and else as unknown.
    """
    known: dict[int, NDArray[np.generic]] = {}
    ops, shape_ops = [], []
    for op in graph.ops:
        value = _value(graph, op, known) if len(op.outputs) == 1 and op.outputs[0] not in graph.outputs else None
        if value is None or value.size != graph.tensors[op.outputs[0]].elements:
            ops.append(op)
        else:
            known[op.outputs[0]] = value
            shape_ops.append(op)
    if not known:
        return graph
    tensors = tuple(
        replace(t, data=known[t.index].reshape(t.shape).astype(t.dtype.value)) if t.index in known else t
        for t in graph.tensors
    )
    return replace(graph, tensors=tensors, ops=tuple(ops), shape_ops=tuple(shape_ops))


def computed_shapes(graph: Graph) -> frozenset[int]:
    """Tensors of whole numbers that ops compute from shapes, and from these: no part of what the model computes."""
    found = {i for op in (*graph.ops, *graph.shape_ops) if op.name == "SHAPE" for i in op.outputs}
    for op in sorted((*graph.ops, *graph.shape_ops), key=lambda op: op.index):
        if any(i in found for i in op.inputs):
            found.update(i for i in op.outputs if graph.tensors[i].dtype in _WHOLE)
    return frozenset(found)


def _value(graph: Graph, op: Op, known: Mapping[int, NDArray[np.generic]]) -> NDArray[np.generic] | None:
    """What an op that computes with shapes gives; None for any other op."""
    output = graph.tensors[op.outputs[0]]
    if output.dtype not in _WHOLE or not op.inputs or min(op.inputs) < 0:
        return None
    if op.name == "SHAPE":
        source = graph.tensors[op.inputs[0]]
        return None if -1 in source.signature[1:] else np.array(source.shape)
    values = [known.get(i, graph.tensors[i].data) for i in op.inputs]
    if not any(i in known for i in op.inputs) or any(value is None for value in values):
        return None
    constants = [np.asarray(value).reshape(-1) for value in values]
    if op.name == "STRIDED_SLICE" and [len(c) for c in constants[1:]] == [1, 1, 1] and constants[3][0] > 0:
        return _sliced(op, *constants)
    if op.name in ("PACK", "CONCATENATION"):
        return np.concatenate(constants)
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
