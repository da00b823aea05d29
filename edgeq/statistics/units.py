"""Resampling: how often each sample, or each whole group of samples, is drawn in a bootstrap."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError

_CHUNK = 4_000_000
"""Weights held at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """What is drawn with replacement: single samples, or whole groups.

    `of_sample` is (n,) int64, the unit of each sample, below `count`; `sizes` is (count,) float64, the samples of each
    unit; `grouped` is False where every sample is a unit of its own.
    """

    of_sample: NDArray[np.int64]
    sizes: NDArray[np.float64]
    grouped: bool

    @property
    def count(self) -> int:
        """Number of units."""
        return len(self.sizes)

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums within units: (rows, n) to (rows, count)."""
        if not self.grouped:
            return values
        return np.stack([np.bincount(self.of_sample, weights=row, minlength=self.count) for row in values])


def make_units(n: int, groups: NDArray[np.generic] | None) -> Units:
    """Units from an optional `groups` array: (n,), equal values (of any type that sorts) belong together.

    Raises:
        DataError: no samples, or `groups` is not of shape (n,).
    """
    if n == 0:
        raise DataError("A comparison needs samples; there are none.")
    if groups is None:
        return Units(of_sample=np.arange(n), sizes=np.ones(n), grouped=False)
    if groups.shape != (n,):
        raise DataError(
            f"Groups: shape {groups.shape} for {n} samples.", hint="Give one group (recording, patient …) per sample."
        )
    _, index = np.unique(groups, return_inverse=True)
    return Units(of_sample=index.astype(np.int64), sizes=np.bincount(index).astype(np.float64), grouped=True)


def standard_error(values: NDArray[np.float64], groups: NDArray[np.generic] | None) -> float:
    """Of the mean of `values` (n,); with groups the "sandwich" of whole groups (Liang and Zeger, Biometrika 73, 1986),
    times G / (G − 1). Infinite where there are fewer than two units.

    Raises:
        DataError: as `make_units`.
    """
    units = make_units(len(values), groups)
    if units.count < 2:
        return math.inf
    sums = units.sums((values - values.mean())[None])[0]
    return math.sqrt(float((sums**2).sum()) * units.count / (units.count - 1)) / len(values)


def draw_weights(count: int, draws: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """How often each of `count` units is drawn when `count` are drawn with replacement: chunks of (rows, count)."""
    for rows in _chunks(draws, count):
        drawn = rng.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)


def draw_repeated(repeats: NDArray[np.int64], draws: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """The same where unit i stands for `repeats[i]` equal ones: their common weight, by multinomial draws."""
    total = int(repeats.sum())
    for rows in _chunks(draws, len(repeats)):
        yield rng.multinomial(total, repeats / total, size=rows).astype(np.float64)


def draw_stratified(strata: NDArray[np.int64], draws: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Weights of single samples, each stratum drawn for itself: every draw keeps the strata's sizes.

    `strata` is (n,) int64, the stratum of each sample.
    """
    n = len(strata)
    members = [np.flatnonzero(strata == s) for s in np.unique(strata)]
    for rows in _chunks(draws, n):
        weights = np.empty((rows, n))
        for member in members:
            weights[:, member] = next(draw_weights(len(member), rows, rng))
        yield weights


def _chunks(draws: int, width: int) -> Iterator[int]:
    rows = max(1, _CHUNK // width)
    for start in range(0, draws, rows):
        yield min(rows, draws - start)
