"""What the closed-form tests and intervals promise, by enumeration of all outcomes that carry the mass: no chance."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from edgeq.statistics.equivalence import equivalence_p
from edgeq.statistics.proportions import (
    PairedCounts,
    mcnemar_midp,
    newcombe_interval,
    score_statistic,
    tango_interval,
    wilson_interval,
)

_LEFT_OUT = 1e-7


def outcomes(n: int, lose: float, win: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(k, 2) numbers of samples that only first and only second gets right, and their probabilities (k,)."""
    tops = [int(binom.isf(_LEFT_OUT, n, p)) + 1 if p else 0 for p in (lose, win)]
    lost, won = (a.ravel() for a in np.meshgrid(*(np.arange(t + 1) for t in tops), indexing="ij"))
    chance = binom.pmf(lost, n, lose) * binom.pmf(won, n - lost, win / (1 - lose))
    kept = (lost + won <= n) & (chance > _LEFT_OUT / 100)
    return np.column_stack([lost, won])[kept], chance[kept]


def table(n: int, lost: int, won: int) -> PairedCounts:
    return PairedCounts(both=n - lost - won, only_first=int(lost), only_second=int(won), neither=0)


@cache
def midp(lost: int, won: int) -> float:
    return mcnemar_midp(table(lost + won, lost, won))


@pytest.mark.parametrize("level", [0.05, 0.0125])
def test_midp_mcnemar_stays_within_its_level(level):
    for n in (20, 40, 100, 300):
        for discordance in (0.01, 0.03, 0.1, 0.3):
            pairs, chance = outcomes(n, discordance / 2, discordance / 2)
            wrong = sum(c for (b, w), c in zip(pairs.tolist(), chance, strict=True) if midp(b, w) <= level)
            assert wrong <= level, (n, discordance)


def test_wilson_interval_covers():
    # Brown, Cai and DasGupta 2001: on average what it says, with dips towards 0 and 1.
    shares = np.linspace(0.005, 0.995, 199)
    for n in (40, 200, 500):
        ends = np.array([wilson_interval(k, n) for k in range(n + 1)])
        inside = (ends[:, :1] <= shares) & (shares <= ends[:, 1:])
        coverage = (inside * binom.pmf(np.arange(n + 1)[:, None], n, shares)).sum(axis=0)
        assert coverage.mean() >= 0.9495
        assert coverage[(shares > 0.1) & (shares < 0.9)].min() >= 0.925


GRID = [
    (n, discordance, ratio) for n in (40, 100, 500) for discordance in (0.01, 0.05, 0.2) for ratio in (0.0, 0.5, 0.9)
]
"""Samples, discordance, and difference as a part of it."""


@pytest.mark.parametrize(("confidence", "mean", "least"), [(0.95, 0.95, 0.93), (0.9875, 0.9875, 0.984)])
def test_tango_interval_covers(confidence, mean, least):
    # A count is discrete, so coverage goes up and down around what is promised; on average it is kept.
    from scipy.stats import norm

    z = norm.isf((1 - confidence) / 2)
    found = []
    for n, discordance, ratio in GRID:
        delta = discordance * ratio
        pairs, chance = outcomes(n, (discordance - delta) / 2, (discordance + delta) / 2)
        inside = [abs(score_statistic(table(n, b, w), delta)) <= z for b, w in pairs.tolist()]
        found.append(float(chance @ np.array(inside)) + 1 - float(chance.sum()))
    assert np.mean(found) >= mean
    assert min(found) >= least


def test_newcombe_interval_leans_on_the_shares_tangos_does_not():
    # Why Tango's is the default. With 0.5 % discordant, nearly all for one arm: at 60 % right Newcombe's covers 90.5 %;
    # at 98 % right it covers 99.9 % and is a tenth wider than Tango's, which covers 98.9 % in both.
    rng = np.random.default_rng(0)
    n, lose, win = 500, 0.00025, 0.00475
    for share, newcombe_covers in ((0.6, False), (0.98, True)):
        hits = dict.fromkeys((tango_interval, newcombe_interval), 0)
        draws = rng.multinomial(n, [share - lose, lose, win, 1 - share - win], size=2_000).tolist()
        for both, lost, won, neither in draws:
            counts = PairedCounts(both=both, only_first=lost, only_second=won, neither=neither)
            for interval in hits:
                low, high = interval(counts)
                hits[interval] += low <= win - lose <= high
        assert hits[tango_interval] >= 0.95 * len(draws)
        assert (hits[newcombe_interval] >= 0.95 * len(draws)) is newcombe_covers


@pytest.mark.parametrize("margin", [0.01, 0.05])
def test_equivalence_is_rarely_claimed_at_the_margin(margin):
    # The worst cases: the true difference is the margin, all or most discordant samples favour one arm.
    for n in (100, 270, 454, 900):
        for times in (1.0, 1.1, 2.0, 4.0):
            discordance = margin * times
            pairs, chance = outcomes(n, (discordance - margin) / 2, (discordance + margin) / 2)
            wrong = sum(
                c
                for (b, w), c in zip(pairs.tolist(), chance, strict=True)
                if w - b <= margin * n and equivalence_p(table(n, b, w), margin) <= 0.05
            )
            assert wrong <= 0.051, (n, times)
