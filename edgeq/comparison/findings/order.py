"""Scores that a user computed, of as many samples as the test set has, but not of these, or not in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.relation import related as related_by
from edgeq.comparison.findings.relation import worth
from edgeq.comparison.findings.words import percent
from edgeq.comparison.made import SCORES_FILE
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.comparison.scores import Scores

if TYPE_CHECKING:
    from numpy.typing import NDArray


_SMALL = 1e-6  # scores above it are compared by their logarithms


def scores_in_other_order(evidence: Evidence) -> Iterator[CompareFinding]:
    """Given scores that look like a model's, and have nothing to do with the samples that they should be of."""
    models = [name for name in evidence.arms if _evaluated_by(evidence, name) != SCORES_FILE]
    if not models:
        return
    best = max(models, key=lambda name: worth(evidence.arms[name].first))
    reference = evidence.arms[best].first
    if worth(reference) < limit.ORDER_KNOWN:
        return  # nobody can tell the order by the answers of a model that knows nothing
    for name in evidence.arms:
        if _evaluated_by(evidence, name) != SCORES_FILE:
            continue
        scores = evidence.arms[name].first
        related = related_by(scores, reference)
        fits = any(related_by(scores, evidence.arms[model].first) >= limit.ORDER_LOST for model in models)
        if related < limit.ORDER_LOST and not fits and _alike(scores, reference):
            every = (_row_of(scores.values, evidence.arms[model].first.values) for model in models)
            rows = next((found for found in every if found is not None and not _in_order(found)), None)
            yield _finding(name, best, related, rows, len(scores.values))


def _finding(name: str, best: str, related: float, rows: NDArray[np.int64] | None, samples: int) -> CompareFinding:
    found = ""
    if rows is not None:
        first = int(np.flatnonzero(rows != np.arange(samples))[0])
        found = f" They are of the same samples in another order: row {first} belongs to test sample {rows[first]}."
    return CompareFinding(
        code="other-samples-evaluated",
        severity=Severity.ERROR,
        title=f"{name}'s scores are of other samples, or in another order",
        text=f"As a whole they are like {best}'s, but row by row they agree no better than by chance "
        f"({percent(max(related, 0.0))} of the way to full agreement).{found}",
        evidence={"samples": samples, "agreement_beyond_chance": related, "same_samples": int(rows is not None)},
        advice="Evaluate every model on the whole test set in its order: no shuffling loader, no generator that was "
        "read before.",
    )


def _in_order(rows: NDArray[np.int64]) -> bool:
    return bool((rows == np.arange(len(rows))).all())


def _evaluated_by(evidence: Evidence, name: str) -> str:
    run = evidence.first_run(name)
    return run.evaluated_by if run is not None else ""


def _alike(one: Scores, two: Scores) -> bool:
    """Whether both answer alike as a whole: the same classes as often, or values of the same mean and spread. A model
    that was destroyed does not: it gives one class, or values of its own."""
    if one.predicted is not None and two.predicted is not None:
        size = int(max(one.predicted.max(), two.predicted.max())) + 1
        a, b = (np.bincount(p, minlength=size) / len(p) for p in (one.predicted, two.predicted))
        return float(np.abs(a - b).sum()) / 2 < limit.ORDER_ALIKE
    spread, other = one.values.std(axis=0).mean(), two.values.std(axis=0).mean()
    shift = np.abs(one.values.mean(axis=0) - two.values.mean(axis=0)).mean()
    return bool(0.5 < spread / max(other, 1e-30) < 2.0 and shift < other / 2)


def _row_of(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """For every row the sample whose outputs it resembles most; None unless nearly all samples are found so."""
    # The small scores tell apart the samples of which a model is sure.
    values, reference = np.arcsinh(values / _SMALL), np.arcsinh(reference / _SMALL)
    rows = np.empty(len(values), np.int64)
    squares = (reference**2).sum(axis=1)
    for start in range(0, len(values), 1000):
        part = values[start : start + 1000]
        rows[start : start + 1000] = np.argmin(squares - 2 * part @ reference.T, axis=1)
    return rows if len(np.unique(rows)) > limit.ORDER_FOUND * len(rows) else None
