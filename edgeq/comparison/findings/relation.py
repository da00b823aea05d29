"""How far two lists of answers, or answers and labels, go together, row by row."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.scores import Scores
from edgeq.statistics.proportions import wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


_SURE, _ALL_BUT_ONE = 0.999, 0.999999


def worth(scores: Scores) -> float:
    """How far a model's answers go with the labels: 0 as by chance, 1 wholly."""
    if scores.predicted is not None:
        return kappa(scores.predicted, scores.task.labels.astype(np.int64))
    return correlation(scores.values, scores.values - scores.per_sample)


def worth_within(scores: Scores) -> tuple[float, float]:
    """Between what bounds that is for samples like these, at 99.9 % confidence; (-1, 1) where nothing can be told.

    Of classes by the bounds of the agreement (Wilson) over what chance agrees on: a class that nearly all samples have
    leaves little for a model to show. Of values by Fisher's transformation.
    """
    n = len(scores.values)
    if scores.predicted is not None:
        labels = scores.task.labels.astype(np.int64)
        by_chance = chance(scores.predicted, labels)
        if by_chance == 1.0:
            return -1.0, 1.0
        ends = wilson_interval(int((scores.predicted == labels).sum()), n, _SURE)
        low, high = ((end - by_chance) / (1.0 - by_chance) for end in ends)
        return low, high
    if n < 4:
        return -1.0, 1.0
    middle = float(np.arctanh(np.clip(worth(scores), -_ALL_BUT_ONE, _ALL_BUT_ONE)))
    half = NormalDist().inv_cdf((1.0 + _SURE) / 2.0) / (n - 3) ** 0.5
    return float(np.tanh(middle - half)), float(np.tanh(middle + half))


def related(one: Scores, two: Scores) -> float:
    """How far two arms' answers go together: 0 as by chance, 1 wholly."""
    if one.predicted is not None and two.predicted is not None:
        return kappa(one.predicted, two.predicted)
    return correlation(one.values, two.values)


def kappa(one: NDArray[np.int64], two: NDArray[np.int64]) -> float:
    """Agreement beyond chance (Cohen, Educational and Psychological Measurement 20, 1960)."""
    by_chance = chance(one, two)
    return (float((one == two).mean()) - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0


def chance(one: NDArray[np.int64], two: NDArray[np.int64]) -> float:
    """How often two lists of classes agree if they have nothing to do with each other."""
    size = int(max(one.max(), two.max())) + 1
    a, b = (np.bincount(v, minlength=size) / len(v) for v in (one, two))
    return float(a @ b)


def correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Pearson's, of all columns together, each centred."""
    a, b = one - one.mean(axis=0), two - two.mean(axis=0)
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / size if size else 0.0
