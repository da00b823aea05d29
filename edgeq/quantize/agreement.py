"""Runs an int8 model and the fake-quantized model that it was made from on the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeq import reference
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.quantization import dequantize_output, quantize_input
from edgeq.records import Agreement, FloatModel, Reference
from edgeq.reference.float_model import float_outputs
from edgeq.reference.rewrite import corrected_for_tflm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLES = 500
"""At most so many samples are compared."""


def measure_agreement(
    content: bytes, trained: FloatModel, x: Sequence[NDArray[np.generic]], *, classes: bool
) -> Agreement:
    """Run both on the first `SAMPLES` samples, the .tflite in TFLite Micro (LiteRT's reference kernels, if missing).

    Args:
        content: an int8 .tflite with the inputs and outputs of `trained`, in its order.
        trained: the fake-quantized model; its first output is looked at.
        x: one array per input, shape (n, *input shape).
        classes: as `edgeq.validation.agreement.agreement_of`.

    Raises:
        InterpreterError: the interpreter crashed or refused the model.
    """
    from edgeq.validation.agreement import agreement_of, rounding_of

    graph = parse_tflite(content)
    given = tuple(a[:SAMPLES] for a in x)
    inputs = tuple(quantize_input(a, t) for a, t in zip(given, graph.input_tensors, strict=True))
    primary, _ = reference.primary()
    run = corrected_for_tflm(content, graph) if primary is Reference.TFLM else content
    with reference.ReferenceWorker(primary) as worker:
        found = dequantize_output(worker.run(run, inputs)[0], graph.output_tensors[0])
    return agreement_of(float_outputs(trained, given)[0], found, rounding_of(graph)[0], classes=classes)
