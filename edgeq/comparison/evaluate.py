"""Outputs of a model on samples, as real values: what arms are compared by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq import reference
from edgeq.host import content_for
from edgeq.model.graph import DType
from edgeq.model.quantization import quantize_input
from edgeq.records import FloatModel, Quantized, Reference
from edgeq.reference.float_model import float_outputs
from edgeq.validation.drift import dequantize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeq.model.graph import Graph

Outputs = tuple["NDArray[np.float64]", ...]
Samples = tuple["NDArray[np.generic]", ...]


def float_answers(model: FloatModel, x: Samples) -> Outputs:
    """The float model's outputs.

    Raises:
        ModelError: the model fails on these inputs.
    """
    return tuple(a.astype(np.float64) for a in float_outputs(model, x))


def tflite_answers(quantized: Quantized, x: Samples, interpreter: Reference) -> Outputs:
    """A .tflite's outputs in an interpreter: the samples quantized as the device does it, the outputs dequantized.

    Raises:
        DataError: a sample has no integer form.
        InterpreterError: the interpreter is missing, refused the model or crashed.
    """
    graph = quantized.graph
    inputs = [quantize_input(a, t) for a, t in zip(x, graph.input_tensors, strict=True)]
    answer = reference.run_reference(content_for(quantized, interpreter), inputs, interpreter)
    return _real(graph, answer.outputs)


def _real(graph: Graph, outputs: tuple[NDArray[np.generic], ...]) -> Outputs:
    return tuple(
        np.asarray(a if t.dtype is DType.FLOAT32 else dequantize(a, t), dtype=np.float64)
        for a, t in zip(outputs, graph.output_tensors, strict=True)
    )
