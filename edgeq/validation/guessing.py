"""Is a classifier better than always answering the commonest class? If not, the data are hardly those of training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.records import Accuracy

_SIGNIFICANT = 0.05


def commonest_share(labels: NDArray[np.generic]) -> float:
    """The share of the commonest class among class indices (n,): what always answering it would be right on."""
    _, counts = np.unique(labels, return_counts=True)
    return float(counts.max() / counts.sum())


def no_better_than_guessing(accuracy: Accuracy, labels: NDArray[np.generic]) -> bool:
    """Whether a top-1 accuracy is not significantly (5 %) above the share of the commonest class.

    One-sided exact binomial test: P(X ≥ correct) for X of Binomial(n, share), the regularized incomplete beta function
    I_share(correct, n − correct + 1). False also where not even a perfect classifier would pass: samples of one class
    alone, or too few samples.

    Args:
        accuracy: of one arm; False for another metric than top-1.
        labels: (n,) class indices of the same samples.
    """
    from scipy.special import betainc

    share = commonest_share(labels) if len(labels) else 1.0
    if accuracy.correct is None or share**accuracy.n >= _SIGNIFICANT:
        return False
    correct = accuracy.correct
    return correct == 0 or float(betainc(correct, accuracy.n - correct + 1, share)) >= _SIGNIFICANT
