"""Does an int8 model answer what the fake-quantized model answers that it was made from?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq.model.graph import Graph
from edgeq.records import Agreement

if TYPE_CHECKING:
    from numpy.typing import NDArray

REQUIRED = 0.995
"""The share of samples on which a .tflite must answer what the fake-quantized model does."""

CERTAINTY = 0.01
"""Level of the test that fewer than `REQUIRED` of all samples agree: 3 of 500 samples may be chance, 8 are not."""

NEAR_CLASSES = 2.0
"""Steps between the scores of two classes up to which neither wins: both scores may be rounded the other way."""

NEAR_VALUES = 4.0
"""Steps between two answers that are the same number: the sums of both models are rounded at different places."""

_MOST = 0.5  # more than this share of a sample's positions or values

_SQUASHED = ("SOFTMAX", "LOGISTIC")
_LEAST = 1e-30  # of a probability whose logarithm is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """How an int8 model rounds an output: in steps of its scale, and before a softmax or `sigmoid` in steps of `logits`
    (0: there is none). A step of the logits is many steps of the output where a decision is close."""

    step: float
    logits: float = 0.0
    sigmoid: bool = False


def rounding_of(graph: Graph) -> tuple[Rounding, ...]:
    """Of every output of a .tflite; of float outputs the step is 0."""
    makers = {i: op for op in graph.ops for i in op.outputs}
    found = []
    for index in graph.outputs:
        own, maker = graph.tensors[index].quantization, makers.get(index)
        before = graph.tensors[maker.inputs[0]].quantization if maker and maker.name in _SQUASHED else None
        found.append(
            Rounding(
                step=own.scale if own else 0.0,
                logits=before.scale if before else 0.0,
                sigmoid=maker is not None and maker.name == "LOGISTIC",
            )
        )
    return tuple(found)


def agreement_of(
    trained: NDArray[np.floating], int8: NDArray[np.floating], rounding: Rounding, *, classes: bool
) -> Agreement:
    """Compare two models' outputs, sample by sample.

    Classes are those of the largest value along the last axis, the first one among equals, after rounding the trained
    model's outputs to the int8 output's steps. A sample is *apart* if the answers differ by more than rounding: the
    trained model's lead of its own class over the other's is more than `NEAR_CLASSES` steps of the output and of the
    logits. A sample with a class for each of its positions (a segmentation) agrees if all of them do, and is apart if
    more than half of them are. Without classes it is apart if more than half of its values are more than `NEAR_VALUES`
    steps apart.

    Args:
        trained: the fake-quantized model's output, real values, (n, …).
        int8: the int8 model's, of the same shape.
        rounding: the int8 output's.
        classes: the last axis is a choice among classes; of one value only, no choice.
    """
    expected, found = np.asarray(trained, np.float64), np.asarray(int8, np.float64).reshape(trained.shape)
    width = expected.shape[-1] if expected.ndim > 1 else 1
    largest = float(np.abs(found - expected).max(initial=0.0))
    if classes and width > 1:
        rows, there = expected.reshape(-1, width), found.reshape(-1, width).argmax(axis=1)
        here = (np.round(rows / rounding.step) if rounding.step else rows).argmax(axis=1)
        at = np.arange(len(rows))
        same = here == there
        apart = ~same & _beyond(rows[at, here], rows[at, there], rounding, NEAR_CLASSES)
        same = same.reshape(len(expected), -1).all(axis=1)
        apart = apart.reshape(len(expected), -1).mean(axis=1) > _MOST
    else:
        apart = _beyond(expected, found, rounding, NEAR_VALUES).reshape(len(expected), -1).mean(axis=1) > _MOST
        same = ~apart
    return Agreement(samples=len(same), same=int(same.sum()), apart=int(apart.sum()), largest_difference=largest)


def has_gap(agreement: Agreement) -> bool:
    """Whether the int8 model is another model than the one that was trained: fewer than `REQUIRED` of all samples
    agree but for rounding, with certainty (a binomial test)."""
    from scipy.stats import binom

    if agreement.apart == 0:
        return False
    return bool(binom.sf(agreement.apart - 1, agreement.samples, 1 - REQUIRED) < CERTAINTY)


def describe(agreement: Agreement) -> str:
    """A sentence for the report."""
    answers = (
        f"The int8 model answers as the fake-quantized one for {100 * agreement.share:.1f} % of "
        f"{agreement.samples} samples"
    )
    if not has_gap(agreement):
        return f"{answers}."
    return (
        f"Conversion gap: {answers[0].lower()}{answers[1:]}; for {agreement.apart} the answers differ by more than "
        f"rounding, and at least {100 * REQUIRED:.1f} % are expected to agree."
    )


def _beyond(one: NDArray[np.float64], two: NDArray[np.float64], rounding: Rounding, steps: float) -> NDArray[np.bool_]:
    """Where two of the trained model's scores, or two answers, are further apart than rounding takes them."""
    beyond = np.abs(one - two) > steps * rounding.step
    if rounding.logits:
        beyond &= np.abs(_logits(one, rounding) - _logits(two, rounding)) > steps * rounding.logits
    return np.asarray(beyond)


def _logits(values: NDArray[np.float64], rounding: Rounding) -> NDArray[np.float64]:
    """What the softmax (but for a constant) or sigmoid was computed from."""
    logits = np.log(np.maximum(values, _LEAST))
    return np.asarray(logits - np.log(np.maximum(1 - values, _LEAST)) if rounding.sigmoid else logits)
