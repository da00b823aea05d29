"""Losses of a model on labelled samples, one per sample, and whether they have fallen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.scores import Scores
from edgeq.statistics.bootstrap import Measure, artifact_difference
from edgeq.statistics.difference import Difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

CROSS_ENTROPIES = frozenset(
    {
        "sparse_categorical_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy",
        "binary_crossentropy", "binary_focal_crossentropy",
    }
)  # fmt: skip
"""Keras' names of losses that take probabilities, or logits: scores of a model that was trained with one of them, and
are no probabilities, are logits."""

_LEAST = 1e-7  # of a probability, as Keras clips it
_MOST = 500.0  # of a logit: its exponential is a number


def lower(
    before: NDArray[np.float64], after: NDArray[np.float64], *, groups: NDArray[np.int64] | None, least: float
) -> bool:
    """Whether losses (n,) of the same samples have fallen: by the part `least` of them, and with certainty.

    By a paired t test; by a bootstrap of whole groups where samples come in groups (n,): below five of these nothing
    is certain.
    """
    if len(before) < 2 or after.mean() > (1 - least) * before.mean():
        return False
    if groups is None:
        from scipy.stats import ttest_rel

        return bool(ttest_rel(before, after, alternative="greater").pvalue <= limit.EXPLORATORY_LEVEL)
    found = artifact_difference(before, after, measure=Measure.MAE, groups=groups)
    return isinstance(found, Difference) and found.p_below(0.0) <= limit.EXPLORATORY_LEVEL


def probabilities(scores: Scores, *, logits: bool) -> NDArray[np.float64] | None:
    """(n, classes); None where scores are no probabilities, and nothing says that they are logits."""
    values = scores.values
    if scores.task.binary:
        p = values[:, 0]
        if p.min() < 0.0 or p.max() > 1.0:
            if not logits:
                return None
            p = 1.0 / (1.0 + np.exp(-np.clip(p, -_MOST, _MOST)))
        return np.column_stack([1.0 - p, p])
    if values.min() >= 0.0 and np.allclose(values.sum(axis=1), 1.0, atol=1e-3):
        return values
    if not logits:
        return None
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def cross_entropies(p: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) of probabilities (n, classes), in nats."""
    return np.asarray(-np.log(np.clip(p[np.arange(len(p)), labels], _LEAST, 1.0)), np.float64)


def guessing(labels: NDArray[np.int64]) -> float:
    """The cross-entropy of answering each time with the shares of the classes, in nats; 0 where there is one class."""
    shares = np.bincount(labels) / len(labels)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def best_cross_entropies(p: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) at the temperature that makes their mean smallest (Guo et al., "On Calibration of Modern Neural Networks",
    2017)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logarithms = np.log(np.clip(p, _LEAST, 1.0))

    def losses(exponent: float) -> NDArray[np.float64]:
        scaled = log_softmax(math.exp(exponent) * logarithms, axis=1)
        return np.asarray(-scaled[np.arange(len(labels)), labels], np.float64)

    return losses(minimize_scalar(lambda e: losses(e).mean(), bounds=(-5, 5), method="bounded").x)
