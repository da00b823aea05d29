"""Bias correction: the mean error that quantization leaves in a layer, taken out of its bias.

Nagel et al., 2019 (arXiv:1906.04721), section 4.2 and appendix D, the empirical form: layer after layer, the mean over
calibration samples and positions of each channel before its activation is brought to the float model's, with all
layers before it quantized and corrected already.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq import reference
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Graph, Op, Tensor
from edgeq.model.quantization import dequantize_output, quantize_input
from edgeq.model.roles import Role, input_of
from edgeq.quantize.align import align
from edgeq.quantize.constants import real_values
from edgeq.quantize.excerpt import packed, set_constant, single_op, sources, unpacked
from edgeq.quantize.twin import Twin, float_values
from edgeq.records import Reference
from edgeq.reference import ReferenceWorker
from edgeq.reference.rewrite import corrected_for_tflm

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = 100
"""At most so many calibration samples are used."""

_INT32 = np.iinfo(np.int32)


def correct_biases(content: bytes, twin: Twin, samples: Sequence[NDArray[np.generic]]) -> bytes:
    """The int8 .tflite with the bias of every layer with weights corrected; nothing else is changed.

    The samples go through the integer model op by op, by TFLite Micro's kernels, and through the twin. The mean before
    the activation is that of the layer's linear part, computed in float from the integer model's input to the layer
    and the real values of its integer weights.

    Args:
        content: the int8 .tflite.
        twin: what it was quantized from.
        samples: one array per input, shape (n, *input shape); the first `SAMPLES` are used.

    Raises:
        UnsupportedError: the .tflite was not made from the twin.
        InterpreterError: an interpreter is missing, or refused the model.
    """
    content = _with_zero_biases(content)
    graph, model, float_model = parse_tflite(content), unpacked(content), unpacked(twin.content)
    pairs = align(graph, twin)
    x = [np.ascontiguousarray(values[:SAMPLES], np.float32) for values in samples]
    given = zip(x, graph.input_tensors, strict=True)
    values = {t.index: quantize_input(a, t).reshape(len(a), *t.shape) for a, t in given}
    producers = {i: op for op in twin.graph.ops for i in op.outputs}
    twins = {op.index: producers[pairs[op.outputs[0]]] for op in graph.ops if _can_be_corrected(graph, op, pairs)}
    interpreter, _ = reference.primary()
    with ReferenceWorker(Reference.LITERT_REFERENCE) as in_float, ReferenceWorker(interpreter) as in_integers:
        wanted = _float_means(in_float, twin, float_model, tuple(twins.values()), x)
        for op in graph.ops:
            weights, bias = input_of(graph, op, Role.WEIGHTS), input_of(graph, op, Role.BIAS)
            if op.index in twins and weights is not None and bias is not None:
                other = twins[op.index]
                source = graph.tensors[sources(graph, op)[0]]
                constants = {Role.WEIGHTS: real_values(weights), Role.BIAS: real_values(bias)}
                linear = _linear_part(float_model, twin.graph, other, constants)
                found = _mean_output(in_float, linear, dequantize_output(values[source.index], source))
                set_constant(model, bias.index, _moved(bias, wanted[other.index] - found))
            values |= _run(in_integers, model, graph, op, values)
    return packed(model)


def _with_zero_biases(content: bytes) -> bytes:
    """The .tflite with a bias for every FULLY_CONNECTED that has none: the converter drops those that are all zero."""
    from ai_edge_litert import schema_py_generated as schema

    graph, model = parse_tflite(content), unpacked(content)
    tensors = model.subgraphs[0].tensors
    for op in graph.ops:
        weights, source = input_of(graph, op, Role.WEIGHTS), input_of(graph, op, Role.ACTIVATION)
        if op.name != "FULLY_CONNECTED" or input_of(graph, op, Role.BIAS) is not None:
            continue
        if weights is None or source is None or weights.quantization is None or source.quantization is None:
            continue
        bias = schema.TensorT()
        bias.name = f"bias of op {op.index}".encode()
        bias.shape, bias.type = np.array([weights.shape[0]], np.int32), schema.TensorType.INT32
        quantization = bias.quantization = schema.QuantizationParametersT()
        quantization.scale = np.float32(source.quantization.scale) * np.asarray(weights.quantization.scales, np.float32)
        quantization.zeroPoint, quantization.quantizedDimension = np.zeros(len(quantization.scale), np.int64), 0
        bias.buffer = len(model.buffers)
        model.buffers.append(schema.BufferT())
        model.subgraphs[0].operators[op.index].inputs = np.array([*op.inputs[:2], len(tensors)], np.int32)
        tensors.append(bias)
        set_constant(model, len(tensors) - 1, np.zeros(weights.shape[0], "<i4"))
    return packed(model)


def _can_be_corrected(graph: Graph, op: Op, pairs: Mapping[int, int]) -> bool:
    """Whether the op has constant weights, and a bias that no other op shares, and the float model has it too."""
    weights, bias = input_of(graph, op, Role.WEIGHTS), input_of(graph, op, Role.BIAS)
    if weights is None or bias is None or op.outputs[0] not in pairs:
        return False
    constant = all(t.data is not None and t.quantization is not None for t in (weights, bias))
    return constant and sum(bias.index in other.inputs for other in graph.ops) == 1


def _float_means(
    worker: ReferenceWorker, twin: Twin, model: Any, ops: Sequence[Op], x: Sequence[NDArray[np.float32]]
) -> Mapping[int, NDArray[np.float64]]:
    """The mean of each op before its activation, per channel, in the float model; by the op's index in the twin."""
    models = [_linear_part(model, twin.graph, op) for op in ops]
    sums: list[Any] = [0.0] * len(ops)
    for _, values in float_values(twin, x, [sources(twin.graph, op)[0] for op in ops]):
        for i, (linear, given) in enumerate(zip(models, values, strict=True)):
            sums[i] = sums[i] + len(given) * _mean_output(worker, linear, given)
    return {op.index: total / len(x[0]) for op, total in zip(ops, sums, strict=True)}


def _linear_part(
    model: Any, graph: Graph, op: Op, constants: Mapping[Role, NDArray[np.float64]] | None = None
) -> bytes:
    """A float .tflite of one op of the twin without its activation, with other weights and bias if given."""
    excerpt = single_op(model, graph, op)
    subgraph = excerpt.subgraphs[0]
    operator = copy.copy(subgraph.operators[0])
    operator.builtinOptions = copy.copy(operator.builtinOptions)
    operator.builtinOptions.fusedActivationFunction = 0
    subgraph.operators = [operator]
    subgraph.tensors = [copy.copy(tensor) for tensor in subgraph.tensors]
    for role, values in (constants or {}).items():
        tensor = input_of(graph, op, role)
        if tensor is not None:
            set_constant(excerpt, tensor.index, values.astype(np.float32))
    return packed(excerpt)


def _mean_output(worker: ReferenceWorker, model: bytes, given: NDArray[np.float32]) -> NDArray[np.float64]:
    (values,) = worker.run(model, [given])
    mean: NDArray[np.float64] = values.reshape(-1, values.shape[-1]).mean(axis=0, dtype=np.float64)
    return mean


def _run(
    worker: ReferenceWorker, model: Any, graph: Graph, op: Op, values: Mapping[int, NDArray[np.generic]]
) -> dict[int, NDArray[np.generic]]:
    """The outputs of one op of the integer model, by tensor index."""
    content = packed(single_op(model, graph, op))
    if worker.reference is Reference.TFLM:
        content = corrected_for_tflm(content, parse_tflite(content))
    found = worker.run(content, [values[i] for i in sources(graph, op)])
    return {i: a.reshape(len(a), *graph.tensors[i].shape) for i, a in zip(op.outputs, found, strict=True)}


def _moved(bias: Tensor, change: NDArray[np.float64]) -> NDArray[np.int32]:
    """The bias's integers with `change`, in real values, added."""
    if bias.data is None or bias.quantization is None:
        raise ValueError(f"bias {bias.name} is no quantized constant")
    steps = np.round(change / np.asarray(bias.quantization.scales, np.float64))
    return np.clip(bias.data.astype(np.float64) + steps, _INT32.min, _INT32.max).astype("<i4")
