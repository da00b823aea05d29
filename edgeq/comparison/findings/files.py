"""Findings about the files that a user brought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.record import CompareFinding, Severity
from edgeq.model.graph import DType
from edgeq.records import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeq.model.graph import Graph

_INT8_SPAN = 255


def not_full_integer(name: str, graph: Graph, problems: Sequence[Finding]) -> CompareFinding:
    """A .tflite that is no full-integer model: hybrid, dynamic-range, float16, or with float islands."""
    activations = [graph.tensors[i] for op in graph.ops for i in op.outputs]
    floats = sum(t.dtype is DType.FLOAT32 for t in activations)
    weights = any(t.dtype is DType.INT8 and t.data is not None for t in graph.tensors)
    kind = (
        "a dynamic-range model: int8 weights, float activations"
        if weights and floats == len(activations)
        else "a float model"
        if floats == len(activations)
        else f"partly float: {floats} of {len(activations)} activations"
        if floats
        else f"against the rule {problems[0].rule}"
    )
    return CompareFinding(
        code="not-full-integer",
        severity=Severity.ERROR,
        title=f"{name} is no int8 model: it is {kind}",
        text=f"At {problems[0].where}: {problems[0].message} "
        + (
            "Its accuracy says nothing about an int8 model, and a microcontroller cannot run it."
            if floats
            else "TFLite Micro refuses it, or computes something else than it means."
        ),
        evidence={"float_activations": floats, "activations": len(activations), "problems": len(problems)},
        advice="Convert it with a representative dataset, TFLITE_BUILTINS_INT8 and int8 inputs and outputs, or let "
        "`edgeq build` do it.",
    )


def scores_of_other_samples(name: str, rows: int, samples: int) -> CompareFinding:
    """Scores for another number of samples than the test set has."""
    return CompareFinding(
        code="other-samples-evaluated",
        severity=Severity.ERROR,
        title=f"{name} was evaluated on {rows:,} samples, the others on {samples:,}",
        text=f"There are {rows:,} rows of scores for {samples:,} test samples, so they cannot be of the same samples. "
        "Accuracies on different samples cannot be compared: the samples differ, not only the models.",
        evidence={"rows": rows, "samples": samples},
        advice="Evaluate every model on the whole test set, in its order.",
    )


def scores_unscaled(name: str, scores: NDArray[np.float64], model: NDArray[np.float64]) -> Iterator[CompareFinding]:
    """Scores that are raw integers: nobody applied scale and zero point. Whole numbers on the scale of a model's
    outputs for the same samples (`model`, of the same shape) are rounded ones."""
    whole = np.array_equal(scores, np.round(scores))
    spread = float(scores.max() - scores.min()) if scores.size else 0.0
    if not whole or not 2 < spread <= _INT8_SPAN or float(np.abs(scores - model).mean()) < float(model.std()):
        return
    yield CompareFinding(
        code="scores-unscaled",
        severity=Severity.ERROR,
        title=f"{name}'s scores are raw integers",
        text=f"All of them are whole numbers between {scores.min():.0f} and {scores.max():.0f}: an int8 output whose "
        "scale and zero point were not applied. Errors, thresholds and margins of such numbers mean nothing.",
        evidence={"lowest": float(scores.min()), "highest": float(scores.max())},
        advice="Compute scale · (q − zero point) first; get_output_details()[0]['quantization'] has both.",
    )
