"""A model that TensorFlow Lite Micro computes as the original says, where its own kernel does not.

TFLM's RELU6 takes its limits from the input's scale and stores them with the output's (docs/exceptions.md). RELU with
an upper limit says the same, and TFLM computes both right: RELU6 becomes RELU, and MINIMUM where 6 is not the largest
value that the output can hold.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from edgeq.model.graph import DType, Graph, Op

_LARGEST = 127


def corrected_for_tflm(content: bytes, graph: Graph) -> bytes:
    """The .tflite with every RELU6 replaced whose output has another scale or zero point than its input.

    Tensors keep their indices, so that values inside the model can be compared as before; new ones come behind them.

    Args:
        content: the .tflite.
        graph: the same, parsed.

    Returns:
        Other bytes only if something had to be replaced.
    """
    wrong = [op for op in graph.ops if op.name == "RELU6" and _unequal(graph, op)]
    if not wrong:
        return content
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    subgraph = model.subgraphs[0]
    builtin = schema.BuiltinOperator
    # From the last one on: inserting an op moves those behind it.
    for op in reversed(wrong):
        operator = subgraph.operators[op.index]
        operator.opcodeIndex = _opcode(schema, model, builtin.RELU)
        limit = _six(graph, op)
        if limit >= _LARGEST:
            continue
        (output,) = op.outputs
        whole = copy.deepcopy(subgraph.tensors[output])
        whole.name = b"RELU6, before its upper limit"
        bound = copy.deepcopy(whole)
        bound.name, bound.shape, bound.shapeSignature = b"RELU6, upper limit", np.array([1], np.int32), None
        bound.buffer = len(model.buffers)
        buffer = schema.BufferT()
        buffer.data = np.array([limit], np.int8).view(np.uint8)
        model.buffers.append(buffer)
        first = len(subgraph.tensors)
        subgraph.tensors += [whole, bound]
        operator.outputs = np.array([first], np.int32)
        minimum = schema.OperatorT()
        minimum.opcodeIndex = _opcode(schema, model, builtin.MINIMUM)
        minimum.inputs = np.array([first, first + 1], np.int32)
        minimum.outputs = np.array([output], np.int32)
        minimum.builtinOptionsType = schema.BuiltinOptions.MaximumMinimumOptions
        minimum.builtinOptions = schema.MaximumMinimumOptionsT()
        subgraph.operators.insert(op.index + 1, minimum)
    builder = flatbuffers.Builder(len(content) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _unequal(graph: Graph, op: Op) -> bool:
    given, made = (graph.tensors[i] for i in (op.inputs[0], op.outputs[0]))
    return made.dtype is DType.INT8 and given.quantization != made.quantization


def _six(graph: Graph, op: Op) -> int:
    """The integer of 6 in the output: zero point + round(6 / scale), `CalculateActivationRangeQuantized`."""
    quantization = graph.tensors[op.outputs[0]].quantization
    if quantization is None:
        return _LARGEST
    steps = np.floor(np.float32(6) / np.float32(quantization.scale) + np.float32(0.5))
    return int(min(_LARGEST, quantization.zero_point + steps))


def _opcode(schema: Any, model: Any, builtin: int) -> int:
    for i, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin:
            return i
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 2
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
