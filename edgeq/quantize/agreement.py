"""Does an int8 model predict what the model that it was made from predicts?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq import reference
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.quantization import dequantize_output, quantize_input
from edgeq.records import FloatModel, Reference
from edgeq.reference.float_model import float_outputs
from edgeq.reference.rewrite import corrected_for_tflm

if TYPE_CHECKING:
    from numpy.typing import NDArray

REQUIRED = 0.995
"""The share of samples on which a .tflite must predict what the fake-quantized model does."""

SAMPLES = 500
"""At most so many samples are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Of `samples`, so many have the same index of the largest output in both models: `same`.

    `reference` ran the int8 model. `largest_difference` is that of the outputs' real values.
    """

    reference: Reference
    samples: int
    same: int
    largest_difference: float

    @property
    def share(self) -> float:
        """Of samples with the same prediction."""
        return self.same / self.samples

    def note(self) -> str | None:
        """A sentence for the report, if the share is below `REQUIRED`."""
        if self.share >= REQUIRED:
            return None
        return (
            f"Conversion gap: the int8 model predicts what the fake-quantized model predicts on {self.same} of "
            f"{self.samples} samples ({self.share:.1%}; at least {REQUIRED:.1%} is expected)."
        )


def measure_agreement(content: bytes, trained: FloatModel, x: Sequence[NDArray[np.generic]]) -> Agreement | None:
    """Run both on the first `SAMPLES` samples, the .tflite in TFLite Micro (LiteRT's reference kernels, if missing).

    Args:
        content: an int8 .tflite with the inputs and outputs of `trained`, in its order.
        trained: the fake-quantized model.
        x: one array per input, shape (n, *input shape).

    Returns:
        None if the first output is not a vector of at least two values, so that nothing is predicted.

    Raises:
        InterpreterError: the interpreter crashed or refused the model.
    """
    graph = parse_tflite(content)
    output = graph.output_tensors[0]
    if len(output.shape) != 2 or output.shape[-1] < 2:
        return None
    given = tuple(a[:SAMPLES] for a in x)
    inputs = tuple(quantize_input(a, t) for a, t in zip(given, graph.input_tensors, strict=True))
    primary, _ = reference.primary()
    run = corrected_for_tflm(content, graph) if primary is Reference.TFLM else content
    with reference.ReferenceWorker(primary) as worker:
        found = dequantize_output(worker.run(run, inputs)[0], output)
    expected = float_outputs(trained, given)[0]
    found = found.reshape(expected.shape)
    return Agreement(
        reference=primary,
        samples=len(expected),
        same=int((found.argmax(axis=-1) == expected.argmax(axis=-1)).sum()),
        largest_difference=float(np.abs(found - expected).max()),
    )
