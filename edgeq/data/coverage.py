"""Are all classes among the samples that calibrate?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCoverage:
    """How often each class occurs among some samples (`counts`) and among the test samples (`test_counts`).

    `missing` are the classes that occur not at all, or no more often than other classes are taken for them, although
    chance would hardly leave them out; `missing_share` is their share of the test samples.
    """

    counts: tuple[int, ...]
    test_counts: tuple[int, ...]
    missing: tuple[int, ...]
    missing_share: float

    @property
    def samples(self) -> int:
        """How many samples `counts` is about."""
        return sum(self.counts)


def class_coverage(
    labels: NDArray[np.integer], test_labels: NDArray[np.integer], *, classes: int, chance: float, strays: float
) -> ClassCoverage:
    """Compare class frequencies; labels or predictions, as long as both are the same.

    Args:
        labels: (n,) classes of the samples.
        test_labels: (m,) of the test samples, m at least 1.
        classes: how many there are at least.
        chance: a class is missing if n random test samples would have so few of it with a smaller probability
            (binomial).
        strays: and if it occurs at most this many times as often as among the test samples: a model's predictions of
            samples without a class hold some of it, by mistake.
    """
    from scipy.stats import binom

    size = max(classes, int(labels.max(initial=-1)) + 1, int(test_labels.max()) + 1)
    counts, test_counts = (np.bincount(values, minlength=size) for values in (labels, test_labels))
    shares = test_counts / len(test_labels)
    few = counts <= strays * shares * len(labels)
    missing = np.flatnonzero(few & (binom.cdf(counts, len(labels), shares) < chance))
    return ClassCoverage(
        counts=tuple(counts.tolist()),
        test_counts=tuple(test_counts.tolist()),
        missing=tuple(missing.tolist()),
        missing_share=float(shares[missing].sum()),
    )
