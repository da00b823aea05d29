from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from edgeq.statistics.power import MOST_SAMPLES, mcnemar_power, samples_needed, smallest_difference
from edgeq.statistics.proportions import PairedCounts, mcnemar_midp


def counts(n: int, only_first: int, only_second: int) -> PairedCounts:
    return PairedCounts(both=n - only_first - only_second, only_first=only_first, only_second=only_second, neither=0)


@pytest.mark.parametrize(
    ("n", "discordance", "difference", "level"),
    [(40, 0.2, 0.1, 0.05), (25, 0.9, 0.6, 0.0125), (60, 0.05, 0.05, 0.05), (50, 1.0, 0.3, 0.01), (30, 0.3, 0.0, 0.1)],
)
def test_power_is_the_sum_over_all_tables(n, discordance, difference, level):
    # Every table of the trinomial, each tested by `mcnemar_midp` itself.
    expected = 0.0
    for pairs in range(n + 1):
        wins = np.arange(pairs + 1)
        chance = binom.pmf(pairs, n, discordance) * binom.pmf(wins, pairs, 0.5 + difference / discordance / 2)
        expected += sum(c for k, c in zip(wins, chance, strict=True) if mcnemar_midp(counts(n, pairs - k, k)) <= level)
    assert mcnemar_power(n, discordance, difference, level) == pytest.approx(expected, abs=1e-9)
    assert mcnemar_power(n, discordance, -difference, level) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(st.integers(40, 20_000), st.floats(0.0, 0.4), st.sampled_from([0.05, 0.0125]))
def test_smallest_difference_has_the_power(n, discordance, level):
    seen = counts(n, 0, int(discordance * n))
    found = smallest_difference(seen, level)
    assert found is not None
    at = max(found, seen.discordant / n)
    assert mcnemar_power(n, at, found, level) == pytest.approx(0.8, abs=1e-3)


def test_smallest_difference_looks_at_the_discordance_only():
    assert smallest_difference(counts(500, 20, 5), 0.05) == smallest_difference(counts(500, 12, 13), 0.05)


def test_larger_test_sets_show_smaller_differences():
    found = [smallest_difference(counts(n, n // 50, n // 50), 0.0125) for n in (100, 500, 2_500, 12_500, 62_500)]
    assert all(a > b for a, b in pairwise(found))


def test_without_discordant_samples_the_difference_brings_its_own():
    # Eight of eight discordant samples for one arm are needed (2 · 2⁻⁸ − 2⁻⁸ = 0.004; seven give 0.0078 ≤ 0.0125 …).
    found = smallest_difference(counts(40, 0, 0), 0.0125)
    fewest = min(k for k in range(1, 41) if mcnemar_midp(counts(40, 0, k)) <= 0.0125)
    assert binom.sf(fewest - 1, 40, found) == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_nothing_can_be_shown_with_a_handful(n):
    assert smallest_difference(counts(n, 0, 0), 0.0125) is None


@pytest.mark.parametrize(
    ("n", "lost", "won"), [(500, 5, 15), (40, 1, 2), (2_000, 20, 30), (300, 0, 3), (50_000, 900, 1_000)]
)
def test_samples_needed_is_the_crossing(n, lost, won):
    found = samples_needed(counts(n, lost, won), 0.0125)
    at = ((lost + won) / n, (won - lost) / n, 0.0125)
    assert mcnemar_power(found, *at) >= 0.8 > mcnemar_power(found - max(1, found // 5_000), *at)
    assert found == samples_needed(counts(n, won, lost), 0.0125)


def test_no_number_of_samples_shows_no_difference():
    assert samples_needed(counts(500, 7, 7), 0.05) is None
    assert samples_needed(counts(0, 0, 0), 0.05) is None
    assert samples_needed(counts(MOST_SAMPLES, 100_000, 100_001), 0.05) is None
