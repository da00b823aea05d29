"""Top-k: which answers are right, how ties are broken, and how many answers hang on that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TopK:
    """Right answers among the k largest scores; of equal scores the lowest index wins, as in `numpy.argmax`.

    `correct` is (n,) bool. `decided_by_index` counts the samples whose k-th largest score is not larger than the next,
    so that the index chose who belongs to the k. `always` and `possibly` count the samples that are right under every
    and under some other order of ties: accuracy lies between always / n and possibly / n whatever the tie-breaking
    rule.
    """

    k: int
    correct: NDArray[np.bool_]
    decided_by_index: int
    always: int
    possibly: int


def top_k(scores: NDArray[np.generic], labels: NDArray[np.integer], k: int = 1) -> TopK:
    """Rank the labels' scores.

    Args:
        scores: (n, classes), integers or floats, larger is likelier. Integers are compared as they are: int8 outputs of
            one model need no dequantization.
        labels: (n,) class indices.
        k: from 1 to classes.

    Raises:
        DataError: shapes that do not fit, NaN scores, labels that are no class index.
    """
    if scores.ndim != 2 or labels.shape != scores.shape[:1]:
        raise DataError(
            f"Top-{k}: scores of shape {scores.shape} for labels of shape {labels.shape}; expected (n, classes), (n,)."
        )
    n, classes = scores.shape
    if not 1 <= k <= classes:
        raise ValueError(f"top-{k} of {classes} classes")
    if n and not (labels.min() >= 0 and labels.max() < classes):
        raise DataError(f"Top-{k}: labels from {labels.min()} to {labels.max()} for {classes} classes.")
    if np.isnan(scores.astype(np.float64)).any():
        raise DataError(
            f"Top-{k}: there are NaN scores.", hint="Check the model's outputs: training may have diverged."
        )
    of_label = np.take_along_axis(scores, labels[:, None].astype(np.int64), axis=1)
    larger = np.count_nonzero(np.greater(scores, of_label), axis=1)
    equal = scores == of_label
    before = np.count_nonzero(equal & (np.arange(classes) < labels[:, None]), axis=1)
    last = np.count_nonzero(equal, axis=1) - 1
    return TopK(
        k=k,
        correct=np.asarray(larger + before < k, dtype=np.bool_),
        decided_by_index=_cut_by_index(scores, k),
        always=int(np.count_nonzero(larger + last < k)),
        possibly=int(np.count_nonzero(larger < k)),
    )


def _cut_by_index(scores: NDArray[np.generic], k: int) -> int:
    classes = scores.shape[1]
    if k == classes:
        return 0
    edge = np.partition(scores, (classes - k - 1, classes - k), axis=1)
    return int(np.count_nonzero(edge[:, classes - k - 1] == edge[:, classes - k]))
