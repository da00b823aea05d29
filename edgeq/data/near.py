"""Samples of one split that are nearly the same as samples of another: augmented a little, re-encoded, re-sampled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgeq.data.moments import moments, moments_of_all

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR = 0.01
"""Two samples are near if the root mean square of their difference is at most this, in standard deviations of the
test samples: rounding to 8 bits is 0.003 to 0.005, other pictures of the same thing are 0.3 and more."""

_PROJECTIONS = 8
_REACH = 5.0  # standard deviations of a projected difference: one in two million is farther
_CANDIDATES = 4
_CHUNK = 4096


class Neighbours:
    """The samples of a split, ready to be asked for near ones.

    Samples are projected on a few random directions: a difference of root mean square e becomes N(0, e²) in each, so
    that near samples are near in all of them, and others hardly ever. What a k-d tree finds there is then compared
    value by value (random projections: Johnson and Lindenstrauss, 1984).
    """

    def __init__(self, x: Sequence[NDArray[np.generic]], units: Sequence[NDArray[np.float32]]) -> None:
        """`x` has one array per input, shape (n, *input shape); `units` is from `units_of` the test samples."""
        from scipy.spatial import cKDTree

        self._x, self._units = x, units
        self._tree = cKDTree(_projected(x, units))

    def near(self, x: Sequence[NDArray[np.generic]], *, own: NDArray[np.intp] | None = None) -> NDArray[np.bool_]:
        """Which samples of `x` have a near one here.

        Args:
            x: one array per input, shape (m, *input shape).
            own: the index here of each sample of `x`, which does not count; None: they are others.

        Returns:
            (m,)
        """
        _, found = self._tree.query(
            _projected(x, self._units), k=_CANDIDATES, p=np.inf, distance_upper_bound=_REACH * NEAR
        )
        result = np.zeros(len(x[0]), np.bool_)
        for candidates in found.T:
            open_ = ~result & (candidates < self._tree.n)
            if own is not None:
                open_ &= candidates != own
            rows = np.flatnonzero(open_)
            for start in range(0, len(rows), _CHUNK):
                part = rows[start : start + _CHUNK]
                result[part] = self._distances(x, part, candidates[part]) <= NEAR
        return result

    def _distances(
        self, x: Sequence[NDArray[np.generic]], rows: NDArray[np.intp], here: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Root mean square of the differences, in units."""
        squares, values = np.zeros(len(rows)), 0
        for a, b, unit in zip(x, self._x, self._units, strict=True):
            difference = (_flat(a[rows]) - _flat(b[here])) / unit
            squares += np.square(difference, dtype=np.float64).sum(axis=1)
            values += difference.shape[1]
        return np.sqrt(squares / values)


def units_of(x: Sequence[NDArray[np.generic]]) -> tuple[NDArray[np.float32], ...]:
    """What differences are measured in, per input: the standard deviation of its values.

    One per value of an input that is a vector, whose values may be of different kinds; one for all of a picture or
    signal. Values that never change count as they are.
    """
    found = []
    for array in x:
        std = moments(array)[1] if array.ndim == 2 else np.array([moments_of_all(array)[1]])
        found.append(np.where(std > 0, std, 1.0).astype(np.float32))
    return tuple(found)


def _projected(x: Sequence[NDArray[np.generic]], units: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """(n, projections)"""
    rng = np.random.default_rng(0)  # the same directions for every split
    sizes = [int(np.prod(a.shape[1:], dtype=np.int64)) for a in x]
    directions = [
        (rng.normal(size=(size, _PROJECTIONS)) / np.sqrt(sum(sizes))).astype(np.float32) / _column(unit)
        for size, unit in zip(sizes, units, strict=True)
    ]
    result = np.zeros((len(x[0]), _PROJECTIONS), np.float32)
    for start in range(0, len(result), _CHUNK):
        for array, direction in zip(x, directions, strict=True):
            result[start : start + _CHUNK] += _flat(array[start : start + _CHUNK]) @ direction
    return result


def _column(unit: NDArray[np.float32]) -> NDArray[np.float32]:
    return unit[:, None] if unit.size > 1 else unit


def _flat(array: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.asarray(array, np.float32).reshape(len(array), -1)
