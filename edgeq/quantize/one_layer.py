"""The float model with one layer quantized: what that layer alone costs in accuracy."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.model.graph import Graph, Op
from edgeq.model.roles import Role, input_of
from edgeq.quantize.constants import real_values
from edgeq.quantize.excerpt import packed, set_constant, unpacked
from edgeq.quantize.twin import Twin
from edgeq.records import Reference
from edgeq.reference import ReferenceWorker
from edgeq.validation.accuracy import NoTask, choose_task, measure_accuracy

if TYPE_CHECKING:
    from numpy.typing import NDArray


def accuracy_of_one_layer(
    graph: Graph,
    twin: Twin,
    pairs: Mapping[int, int],
    x: Sequence[NDArray[np.generic]],
    labels: NDArray[np.generic],
) -> tuple[float | None, Mapping[int, float]]:
    """The metric of the twin, and of the twin with one op at a time quantized, by the op's index in `graph`.

    A quantized op has the real values of its integer weights, and its output passes through a fake-quantization with
    its integer output's range. Ops without weights that only move values are left out: they lose nothing.

    Args:
        graph: the integer model.
        twin: of its float model.
        pairs: from `align`.
        x: one array per input, shape (n, *input shape), real values.
        labels: one per sample; (None, {}) is returned where they fit no output.

    Raises:
        InterpreterError: LiteRT is missing, or refused the model.
    """
    inputs = [np.ascontiguousarray(values, np.float32) for values in x]
    with ReferenceWorker(Reference.LITERT_DEFAULT) as worker:
        whole = worker.run(twin.content, inputs)
        task = choose_task(labels, whole)
        if isinstance(task, NoTask):
            return None, {}
        alone = {}
        for op in graph.ops:
            if op.outputs[0] not in pairs or not _changes_values(graph, op):
                continue
            outputs = worker.run(with_one_layer(graph, twin, pairs, op), inputs)
            alone[op.index] = measure_accuracy(task, outputs, None).value
        return measure_accuracy(task, whole, None).value, alone


def with_one_layer(graph: Graph, twin: Twin, pairs: Mapping[int, int], op: Op) -> bytes:
    """The twin with the weights and the output of one op of the integer model quantized; still a float .tflite."""
    from ai_edge_litert import schema_py_generated as schema

    model = unpacked(twin.content)
    subgraph = model.subgraphs[0]
    output = pairs[op.outputs[0]]
    position = next(o.index for o in twin.graph.ops if output in o.outputs)
    operator = subgraph.operators[position]
    weights = input_of(graph, op, Role.WEIGHTS)
    if weights is not None and weights.data is not None:
        set_constant(model, operator.inputs[op.inputs.index(weights.index)], real_values(weights).astype(np.float32))
    _fake_quantize(schema, model, position, output, graph, op)
    return packed(model)


def _fake_quantize(schema: Any, model: Any, position: int, output: int, graph: Graph, op: Op) -> None:
    """Puts a FAKE_QUANT between the operator and its readers: it writes the tensor that the operator wrote before."""
    subgraph, tensor = model.subgraphs[0], graph.tensors[op.outputs[0]]
    quantization = tensor.quantization
    if quantization is None:
        return
    before = copy.deepcopy(subgraph.tensors[output])
    before.name = b"before quantization"
    subgraph.operators[position].outputs = np.array([len(subgraph.tensors)], np.int32)
    fake = schema.OperatorT()
    fake.opcodeIndex = len(model.operatorCodes)
    fake.inputs, fake.outputs = np.array([len(subgraph.tensors)], np.int32), np.array([output], np.int32)
    fake.builtinOptionsType = schema.BuiltinOptions.FakeQuantOptions
    options = fake.builtinOptions = schema.FakeQuantOptionsT()
    limits = np.iinfo(tensor.dtype.value)
    options.min = quantization.scale * (int(limits.min) - quantization.zero_point)
    options.max = quantization.scale * (int(limits.max) - quantization.zero_point)
    options.numBits, options.narrowRange = 8 * tensor.dtype.size, False
    subgraph.tensors.append(before)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FAKE_QUANT
    code.version = 2
    model.operatorCodes.append(code)
    subgraph.operators.insert(position + 1, fake)


def _changes_values(graph: Graph, op: Op) -> bool:
    """Whether quantizing the op changes anything: it has weights, or its output has a scale of its own."""
    if input_of(graph, op, Role.WEIGHTS) is not None:
        return True
    result = graph.tensors[op.outputs[0]].quantization
    return all(graph.tensors[i].quantization != result for i in op.inputs if i >= 0)
