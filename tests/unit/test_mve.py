"""The arithmetic that kernels for the vector extension rely on, value by value."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import EdgeqError
from edgeq.lower.fixedpoint import Multiplier, multiply
from edgeq.lower.mve.matrix import scales_of
from edgeq.lower.packing import Channels, NotExactError

_REACH = 1 << 28


def _channels(value: int, shift: int, zero_point: int, reach: int = _REACH) -> Channels:
    one = np.ones(1, np.int64)
    return Channels(
        bias=0 * one, low=-reach * one, high=reach * one, values=value * one, shifts=shift * one, zero_point=zero_point
    )


def _near_ties(value: int, right: int) -> list[int]:
    """Sums whose results lie beside a half, on both sides, and the extremes."""
    halves = (round((2 * n + 1) * 2.0 ** (right + 30) / value) for n in range(-300, 300))
    near = {x + d for x in halves for d in range(-2, 3)} | set(range(-5, 6)) | {-_REACH, _REACH}
    return sorted(x for x in near if abs(x) <= _REACH)


@pytest.mark.parametrize("value", [1 << 30, (1 << 30) + 1, 0x5A82799A, 3 << 29, (1 << 31) - 1])
@pytest.mark.parametrize("right", [1, 2, 3, 7, 8, 13, 20])
def test_one_shift_rounds_as_tflm_does(value: int, right: int) -> None:
    """edgeq_matrix_mve's formula, with VQRDMULH's rounding, and without `neg` where an activation clamps."""
    for zero_point in (-128, -1, 0, 17, 127):
        m, c, s = (int(n) for n in scales_of(_channels(value, -right, zero_point))[0])
        for x in _near_ties(value, right):
            high = (x * m + (1 << 30)) >> 31
            wanted = multiply(x, Multiplier(value=value, shift=-right)) + zero_point
            assert c + high - 1 >= -(1 << 31) and c + high < 1 << 31
            assert (c + high + (-1 if high < 0 else 0)) >> -s == wanted
            assert max((c + high) >> -s, zero_point) == max(wanted, zero_point)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(NotExactError, match="above 1/2"):
        scales_of(_channels(1 << 30, 0, 0))
    with pytest.raises(NotExactError, match="too large"):
        scales_of(_channels(1 << 30, -1, 0, reach=1 << 30))
    with pytest.raises(NotExactError, match="too small"):
        scales_of(_channels(1 << 30, -30, 127))
    assert not issubclass(NotExactError, EdgeqError)  # it never reaches a user


@pytest.mark.parametrize("count", range(1, 256))
def test_division_by_a_product(count: int) -> None:
    """The divisor of kernels/pool_2d_mve.c, for every amount that a sum and half the count can have."""
    right = (count - 1).bit_length()
    reciprocal = -(-(1 << (15 + right)) // count)
    assert reciprocal < 1 << 16
    n = np.arange(1 << 15, dtype=np.uint32)
    assert np.array_equal((2 * n * np.uint32(reciprocal)) >> 16 >> right, n // count)
