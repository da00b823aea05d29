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

    `missing` are the classes that do not occur although chance would hardly leave them out; `missing_share` is their
    share of the test samples.
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
    labels: NDArray[np.integer], test_labels: NDArray[np.integer], *, classes: int, chance: float
) -> ClassCoverage:
    """Compare class frequencies; labels or predictions, as long as both are the same.

    Args:
        labels: (n,) classes of the samples.
        test_labels: (m,) of the test samples, m at least 1.
        classes: how many there are at least.
        chance: a class is missing if n random test samples would lack it with a smaller probability: (1 − share)ⁿ.
    """
    size = max(classes, int(labels.max(initial=-1)) + 1, int(test_labels.max()) + 1)
    counts, test_counts = (np.bincount(values, minlength=size) for values in (labels, test_labels))
    shares = test_counts / len(test_labels)
    missing = np.flatnonzero((counts == 0) & ((1 - shares) ** len(labels) < chance))
    return ClassCoverage(
        counts=tuple(counts.tolist()),
        test_counts=tuple(test_counts.tolist()),
        missing=tuple(missing.tolist()),
        missing_share=float(shares[missing].sum()),
    )
