"""Where the values of a split lie and how far they are spread, what single values cannot move; and how much that varies
within the split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLES, _VALUES = 2000, 100_000
_BLOCKS = 8
_LEVELS = np.linspace(0.1, 0.9, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Of one input, or of one channel of it, in a split.

    `deviation` is the median distance from `median` of the values that differ from it: most values of a sparse input
    are alike. The others are of eight contiguous blocks of samples, as those of a subject or a day are often
    neighbours: the largest difference of their means, the largest ratio of their standard deviations, and the root mean
    square of these.
    """

    median: float
    deviation: float
    mean_range: float
    scale_range: float
    within: float


def spread_of(x: NDArray[np.generic]) -> Spread:
    """The spread of (n, …) values, of 100,000 of them at most."""
    values = _some(x)
    median = float(np.median(values))
    distances = np.abs(values - median)
    apart = distances[distances > 0]
    blocks = [block for block in np.array_split(values, _BLOCKS) if block.size]
    means, deviations = ([float(f(block)) for block in blocks] for f in (np.mean, np.std))
    spread = [deviation for deviation in deviations if deviation > 0]
    return Spread(
        median=median, deviation=float(np.median(apart)) if apart.size else 0.0,
        mean_range=max(means) - min(means), scale_range=max(spread) / min(spread) if spread else 1.0,
        within=float(np.sqrt(np.mean(np.square(deviations)))),
    )  # fmt: skip


def disagreement(x: NDArray[np.generic], test: NDArray[np.generic]) -> float:
    """Mean squared difference, in squared standard errors, of the shares of values below nine levels, which are
    quantiles of the test samples' values: 1 on average where both splits are samples of the same, and samples are
    independent."""
    a, b = _some(x), _some(test)
    levels = np.quantile(b, _LEVELS)
    (share, error), (test_share, test_error) = (_shares(values, levels) for values in (a, b))
    return float(np.mean((share - test_share) ** 2 / (error + test_error)))


def _shares(x: NDArray[np.float64], levels: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of the values of (n, values) at or below each level, and their squared standard errors."""
    per_sample = np.stack([(x <= level).mean(axis=1) for level in levels], axis=-1)
    least = 0.25 / len(x) ** 2  # of a share that no sample disagrees about: half a sample
    return per_sample.mean(axis=0), per_sample.var(axis=0) / len(x) + least


def _some(x: NDArray[np.generic]) -> NDArray[np.float64]:
    """(n, values): `_VALUES` at most, of samples and places that are spread evenly."""
    rows = np.linspace(0, len(x) - 1, min(len(x), _SAMPLES)).astype(np.int64)
    flat = x[rows].reshape(len(rows), -1)
    keep = max(1, _VALUES // len(rows))
    if flat.shape[1] > keep:
        flat = flat[:, np.linspace(0, flat.shape[1] - 1, keep).astype(np.int64)]
    return flat.astype(np.float64)
