"""How far two lists of answers, or answers and labels, go together, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.scores import Scores

if TYPE_CHECKING:
    from numpy.typing import NDArray


def worth(scores: Scores) -> float:
    """How far a model's answers go with the labels: 0 as by chance, 1 wholly."""
    if scores.predicted is not None:
        return kappa(scores.predicted, scores.task.labels.astype(np.int64))
    return correlation(scores.values, scores.values - scores.per_sample)


def related(one: Scores, two: Scores) -> float:
    """How far two arms' answers go together: 0 as by chance, 1 wholly."""
    if one.predicted is not None and two.predicted is not None:
        return kappa(one.predicted, two.predicted)
    return correlation(one.values, two.values)


def kappa(one: NDArray[np.int64], two: NDArray[np.int64]) -> float:
    """Agreement beyond chance (Cohen, Educational and Psychological Measurement 20, 1960)."""
    size = int(max(one.max(), two.max())) + 1
    a, b = (np.bincount(v, minlength=size) / len(v) for v in (one, two))
    chance = float(a @ b)
    return (float((one == two).mean()) - chance) / (1 - chance) if chance < 1 else 0.0


def correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Pearson's, of all columns together, each centred."""
    a, b = one - one.mean(axis=0), two - two.mean(axis=0)
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / size if size else 0.0
