from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from edgeq.errors import DataError
from edgeq.statistics.proportions import (
    PairedCounts,
    count_pairs,
    mcnemar_midp,
    newcombe_interval,
    paired_interval,
    score_statistic,
    tango_interval,
    wilson_interval,
)

cells = st.integers(0, 300)
counts = st.builds(PairedCounts, both=cells, only_first=cells, only_second=cells, neither=cells)


def table(both: int, only_first: int, only_second: int, neither: int) -> PairedCounts:
    return PairedCounts(both=both, only_first=only_first, only_second=only_second, neither=neither)


BENTUR = table(1, 1, 7, 12)
"""Airway hyper-responsiveness before and after a transplantation (Bentur et al. 2009)."""
CAVO = table(59, 6, 16, 80)
"""Complete response before and after consolidation therapy (Cavo et al. 2012)."""


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (29, 29, 0.8830, 1.0)],
)
def test_wilson_interval_has_published_values(correct, n, low, high):
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3; and 1 / (1 + z²/n) at the ends.
    assert wilson_interval(correct, n) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@settings(deadline=None)
@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_interval_holds_the_share(pair, confidence):
    correct, n = pair
    low, high = wilson_interval(correct, n, confidence)
    assert 0.0 <= low <= correct / n <= high <= 1.0
    assert wilson_interval(n - correct, n, confidence) == (pytest.approx(1 - high), pytest.approx(1 - low))
    expected = binomtest(correct, n).proportion_ci(confidence, "wilson")
    assert (low, high) == (pytest.approx(expected.low, abs=1e-12), pytest.approx(expected.high, abs=1e-12))


def test_pairs_are_counted():
    first = np.array([1, 1, 1, 0, 0, 1, 0], bool)
    second = np.array([1, 0, 0, 1, 0, 1, 0], bool)
    found = count_pairs(first, second)
    assert found == table(2, 2, 1, 2)
    assert (found.n, found.discordant, found.difference) == (7, 3, pytest.approx(-1 / 7))
    assert count_pairs(second, first) == found.swapped()


@pytest.mark.parametrize(
    "second", [np.zeros(3, bool), np.zeros(4), np.zeros((4, 1), bool)], ids=["length", "dtype", "shape"]
)
def test_pairs_must_fit(second):
    with pytest.raises(DataError, match="same samples"):
        count_pairs(np.zeros(4, bool), second)


def test_published_paired_examples():
    # Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014), table IV and V: the first; their book Statistical
    # Analysis of Contingency Tables (2017), chapter 8: the second. Their difference is first − second.
    assert mcnemar_midp(BENTUR) == pytest.approx(0.0391, abs=5e-5)
    assert tango_interval(BENTUR) == (pytest.approx(0.026, abs=5e-4), pytest.approx(0.517, abs=5e-4))
    assert newcombe_interval(BENTUR) == (pytest.approx(0.026, abs=5e-4), pytest.approx(0.507, abs=5e-4))
    assert mcnemar_midp(CAVO) == pytest.approx(0.034690, abs=5e-7)
    assert tango_interval(CAVO) == (pytest.approx(0.0054, abs=5e-5), pytest.approx(0.1240, abs=5e-5))
    assert newcombe_interval(CAVO) == (pytest.approx(0.0046, abs=5e-5), pytest.approx(0.1186, abs=5e-5))


@settings(deadline=None)
@given(counts)
def test_midp_is_the_exact_value_less_half_the_tie(found):
    fewer = min(found.only_first, found.only_second)
    exact = binomtest(fewer, found.discordant).pvalue if found.discordant else 1.0
    assert mcnemar_midp(found) <= exact + 1e-12
    if found.only_first != found.only_second:
        assert mcnemar_midp(found) == pytest.approx(exact - binom.pmf(fewer, found.discordant, 0.5), abs=1e-12)
    else:
        assert mcnemar_midp(found) == pytest.approx(1.0)
    assert mcnemar_midp(found) == mcnemar_midp(found.swapped())


@pytest.mark.parametrize("interval", [tango_interval, newcombe_interval, paired_interval])
class TestPairedIntervals:
    @settings(deadline=None)
    @given(found=counts, confidence=st.sampled_from([0.8, 0.9, 0.95, 0.9875, 0.999]))
    def test_hold_the_estimate_and_swap(self, interval, found, confidence):
        low, high = interval(found, confidence)
        assert -1.0 <= low <= found.difference <= high <= 1.0
        assert interval(found.swapped(), confidence) == (pytest.approx(-high, abs=1e-9), pytest.approx(-low, abs=1e-9))

    @settings(deadline=None)
    @given(found=counts)
    def test_widen_with_confidence(self, interval, found):
        nested = [interval(found, c) for c in (0.8, 0.9, 0.95, 0.99)]
        assert all(b[0] <= a[0] and a[1] <= b[1] for a, b in pairwise(nested))

    @pytest.mark.parametrize("n", [1, 40, 500, 50_000])
    def test_are_never_points(self, interval, n):
        # Agreement on all samples is no proof of equality: the interval shrinks as 1 / n.
        low, high = interval(table(n, 0, 0, 0))
        assert -low == pytest.approx(high)
        assert high == pytest.approx(3.8415 / (n + 3.8415), rel=1e-4)

    def test_take_extremes(self, interval):
        assert interval(table(0, 0, 0, 0)) == (-1.0, 1.0)
        low, high = interval(table(0, 0, 9, 0))
        assert 0.0 < low < high == 1.0

    def test_refuse_a_confidence_in_percent(self, interval):
        with pytest.raises(ValueError, match="confidence 95"):
            interval(CAVO, 95)


@settings(deadline=None)
@given(counts.filter(lambda c: c.discordant > 0), st.floats(-0.9, 0.9), st.sampled_from([0.8, 0.95, 0.99]))
def test_tango_interval_inverts_the_score_test(found, delta, confidence):
    from scipy.stats import norm

    low, high = tango_interval(found, confidence)
    distance = abs(score_statistic(found, delta)) - norm.isf((1 - confidence) / 2)
    if abs(distance) > 1e-6:
        assert (low <= delta <= high) == (distance < 0)


def test_score_statistic_is_mcnemars_at_zero():
    assert score_statistic(CAVO, 0.0) == pytest.approx((16 - 6) / (16 + 6) ** 0.5)
