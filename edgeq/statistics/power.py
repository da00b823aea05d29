"""What a test set can show: the smallest detectable difference, and the samples that a difference needs.

Both are for mid-p McNemar at a given (corrected) level, by enumeration: discordant samples are binomial in n, and of
these the ones in favour of second are binomial again; the chance of rejection is summed over both. There is no
"observed power" here: the power at the observed difference says nothing that the p-value does not (Hoenig and Heisey,
The American Statistician 55, 2001).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.statistics.proportions import PairedCounts

POWER = 0.8
"""The chance of showing a difference that is asked for."""

MOST_SAMPLES = 1_000_000
"""A search for the number of samples ends here: nobody labels more."""


def mcnemar_power(n: int, discordance: float, difference: float, level: float) -> float:
    """The chance that mid-p McNemar rejects at `level` with n samples.

    Args:
        n: samples.
        discordance: probability that exactly one arm is right.
        difference: true difference of the shares; its size is at most `discordance`.
        level: two-sided.
    """
    if n == 0 or discordance <= 0.0:
        return 0.0
    return _rejected(_Discordant.of(n, min(1.0, discordance), level), min(1.0, abs(difference) / discordance))


def smallest_difference(counts: PairedCounts, level: float, power: float = POWER) -> float | None:
    """The smallest true difference that a test set of this size and discordance shows with probability `power`.

    The discordance is the observed one, or the difference itself where that is larger (a difference needs as many
    discordant samples): so there is an answer also if no sample is discordant.

    Args:
        counts: n and the discordance are used, the observed difference is not.
        level: corrected for the declared family (`multiple.corrected_level`).
        power: chance to show it.

    Returns:
        A share; None if not even all samples in favour of one arm would do.
    """
    _check(level, power)
    seen = counts.discordant / counts.n if counts.n else 0.0

    def all_for_one(difference: float) -> float:
        return mcnemar_power(counts.n, difference, difference, level)

    if seen > 0.0:
        # As long as the discordance is the observed one, only the share in favour of an arm changes.
        discordant = _Discordant.of(counts.n, seen, level)
        if _rejected(discordant, 1.0) >= power:
            return seen * _crossing(lambda lopsided: _rejected(discordant, lopsided), power, 0.0, 1.0)
    return _crossing(all_for_one, power, seen, 1.0) if all_for_one(1.0) >= power else None


def samples_needed(counts: PairedCounts, level: float, power: float = POWER) -> int | None:
    """How many samples would show the observed difference, at the observed discordance, with probability `power`.

    Args:
        counts: the observed counts.
        level: corrected for the declared family.
        power: chance to show it.

    Returns:
        Number of samples in all (not in addition), beyond 10,000 to 0.01 %; None if the observed difference
        is 0, or if more than `MOST_SAMPLES` would be needed.
    """
    _check(level, power)
    difference = abs(counts.difference)
    if difference == 0.0:
        return None
    discordance = counts.discordant / counts.n

    def enough(n: int) -> bool:
        return mcnemar_power(n, discordance, difference, level) >= power

    guess = _normal_estimate(discordance, difference, level, power)
    if guess > 2 * MOST_SAMPLES:
        return None
    low = high = guess
    while low > 0 and enough(low):
        low, high = low - max(1, low // 64), low
    while high == low or not enough(high):
        if high >= MOST_SAMPLES:
            return None
        low, high = high, high + max(1, high // 64)
    while high - low > max(1, low // 10_000):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high if high <= MOST_SAMPLES else None


@dataclass(frozen=True, slots=True, eq=False)
class _Discordant:
    """Numbers of discordant samples that carry the mass, each with its probability and the largest k with which mid-p
    McNemar rejects for (k, pairs − k)."""

    pairs: NDArray[np.int64]
    chance: NDArray[np.float64]
    k: NDArray[np.float64]

    @classmethod
    def of(cls, n: int, discordance: float, level: float) -> _Discordant:
        from scipy.stats import binom

        # Bernstein's inequality leaves less than 1e-10 outside.
        mean, reach = n * discordance, 7.0 * math.sqrt(n * discordance * (1.0 - discordance)) + 20.0
        pairs = np.arange(math.floor(max(0.0, mean - reach)), math.ceil(min(float(n), mean + reach)) + 1)
        k = _largest_rejected(pairs, level)
        can = k >= 0
        chance = np.asarray(binom.pmf(pairs[can], n, discordance), dtype=np.float64)
        return cls(pairs[can], chance, k[can])


def _largest_rejected(pairs: NDArray[np.int64], level: float) -> NDArray[np.float64]:
    """The largest k with P(X < k) + P(X ≤ k) ≤ level for X binomial in `pairs` with one half; −1 if none."""
    from scipy.special import bdtr, ndtri

    # From a little below the normal approximation upwards, one probability after the other.
    k = np.maximum(0.0, np.floor(pairs / 2 + ndtri(level / 2) * np.sqrt(pairs) / 2) - 2)
    below = np.where(k > 0, bdtr(np.maximum(k - 1, 0), pairs, 0.5), 0.0)
    here = bdtr(k, pairs, 0.5) - below
    found = np.full(len(pairs), -1.0)
    while (rejected := 2.0 * below + here <= level).any():
        found = np.where(rejected, k, found)
        below, here, k = below + here, here * (pairs - k) / (k + 1.0), k + 1.0
    return found


def _rejected(discordant: _Discordant, lopsided: float) -> float:
    """The chance of rejection if (1 + lopsided) / 2 of the discordant samples favour one arm."""
    from scipy.special import bdtr, bdtrc

    pairs, k = discordant.pairs, discordant.k
    favour = (1.0 + lopsided) / 2
    return min(1.0, float(discordant.chance @ (bdtr(k, pairs, favour) + bdtrc(pairs - k - 1, pairs, favour))))


def _crossing(chance: Callable[[float], float], power: float, low: float, high: float) -> float:
    """Where a rising chance, below `power` at `low` and not at `high`, reaches it."""
    from scipy.optimize import brentq

    return float(brentq(lambda at: chance(at) - power, low, high, xtol=1e-9, rtol=1e-6))


def _normal_estimate(discordance: float, difference: float, level: float, power: float) -> int:
    """Connor, Biometrics 43, 1987, equation 2: where the search starts."""
    from scipy.special import ndtri

    reach = -ndtri(level / 2) * math.sqrt(discordance) + ndtri(power) * math.sqrt(discordance - difference**2)
    return math.ceil(min(1e15, float(reach / difference) ** 2))


def _check(level: float, power: float) -> None:
    if not 0.0 < level < power < 1.0:
        raise ValueError(f"level {level}, power {power}: expected 0 < level < power < 1")
