"""Mean and standard deviation of large arrays, in double precision, without a copy of the array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 1 << 18  # values that stay in the cache


def moments(x: NDArray[np.generic]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (of the population) of each column.

    Chunks are joined by the pairwise update of Chan, Golub and LeVeque (1983).

    Args:
        x: (n, columns), n at least 1.

    Returns:
        Two arrays of shape (columns,).
    """
    rows = max(1, _CHUNK // x.shape[1])
    count, mean, squares = 0, np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for start in range(0, len(x), rows):
        values = x[start : start + rows].astype(np.float64)
        n, centre = len(values), values.mean(axis=0)
        values -= centre
        delta, total = centre - mean, count + n
        squares += np.einsum("ij,ij->j", values, values) + delta**2 * (count * n / total)
        mean, count = mean + delta * (n / total), total
    return mean, np.sqrt(squares / count)


def moments_of_all(x: NDArray[np.generic]) -> tuple[float, float]:
    """Mean and standard deviation of all values of an array that is not empty."""
    (mean,), (std,) = moments(x.reshape(-1, 1))
    return float(mean), float(std)
