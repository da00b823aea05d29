"""Many models as one, so that one image runs them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema


def merged(contents: Sequence[bytes]) -> bytes:
    """A .tflite with the inputs, ops and outputs of all models, one model's after the other's; of one subgraph each."""
    whole: Any = schema.ModelT(version=3, operatorCodes=[], buffers=[], description="edgeq test")
    graph: Any = schema.SubGraphT(tensors=[], operators=[], inputs=[], outputs=[], name="main")
    whole.subgraphs = [graph]
    for content in contents:
        model: Any = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
        (part,) = model.subgraphs
        buffers, codes, tensors = len(whole.buffers), len(whole.operatorCodes), len(graph.tensors)
        whole.buffers += model.buffers
        whole.operatorCodes += model.operatorCodes
        for tensor in part.tensors:
            tensor.buffer += buffers
        graph.tensors += part.tensors
        for op in part.operators:
            op.opcodeIndex += codes
            op.inputs = np.array([i if i < 0 else i + tensors for i in op.inputs], np.int32)
            op.outputs = np.array([i + tensors for i in op.outputs], np.int32)
        graph.operators += part.operators
        graph.inputs += [int(i) + tensors for i in part.inputs]
        graph.outputs += [int(i) + tensors for i in part.outputs]
    graph.inputs, graph.outputs = np.array(graph.inputs, np.int32), np.array(graph.outputs, np.int32)
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())
