"""A .tflite taken apart, changed and put together again: the schema's object form, and models of a single op."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.model.graph import Graph, Op

if TYPE_CHECKING:
    from numpy.typing import NDArray


def unpacked(content: bytes) -> Any:
    """The schema's object of a .tflite, which can be changed and packed again by `packed`."""
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(content, 0)


def packed(model: Any) -> bytes:
    """The bytes of a schema's object."""
    import flatbuffers

    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def sources(graph: Graph, op: Op) -> tuple[int, ...]:
    """The op's inputs that are no constants, each once."""
    return tuple(dict.fromkeys(i for i in op.inputs if i >= 0 and graph.tensors[i].data is None))


def single_op(model: Any, graph: Graph, op: Op) -> Any:
    """A model of one op: its `sources` are the inputs, its outputs the outputs. Tensors keep their indices.

    The result shares operators, tensors and buffers with `model`; only what the op uses is packed with it.
    """
    from ai_edge_litert import schema_py_generated as schema

    excerpt, subgraph = copy.copy(model), copy.copy(model.subgraphs[0])
    used = {subgraph.tensors[i].buffer for i in (*op.inputs, *op.outputs) if i >= 0}
    excerpt.buffers = [buffer if i in used else schema.BufferT() for i, buffer in enumerate(model.buffers)]
    excerpt.signatureDefs, excerpt.metadata, excerpt.subgraphs = [], [], [subgraph]
    subgraph.operators = [subgraph.operators[op.index]]
    subgraph.inputs, subgraph.outputs = np.array(sources(graph, op), np.int32), np.array(op.outputs, np.int32)
    return excerpt


def set_constant(model: Any, tensor: int, values: NDArray[np.generic]) -> None:
    """New contents for a constant; the converter lets equal constants share a buffer, which then gets a copy."""
    from ai_edge_litert import schema_py_generated as schema

    tensors = model.subgraphs[0].tensors
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    if sum(other.buffer == tensors[tensor].buffer for other in tensors) > 1:
        tensors[tensor].buffer = len(model.buffers)
        model.buffers.append(buffer)
    else:
        model.buffers[tensors[tensor].buffer] = buffer
