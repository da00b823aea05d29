from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.errors import DataError
from edgeq.statistics.bootstrap import Measure, artifact_difference, method_difference
from edgeq.statistics.crossed import Seeding
from edgeq.statistics.difference import Difference, TooFewGroups, TooFewSeeds
from edgeq.statistics.proportions import count_pairs, tango_interval


def right(
    seeds: int, n: int, *, accuracy: float = 0.9, flips: float = 0.05, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two arms, (seeds, n) each, that agree on most samples."""
    rng = np.random.default_rng(seed)
    common = rng.random(n) < accuracy
    return tuple(common ^ (rng.random((seeds, n)) < flips) for _ in range(2))


def test_estimate_is_second_less_first():
    first, second = right(6, 200)
    found = method_difference(first, second, seeding=Seeding.PAIRED)
    assert isinstance(found, Difference)
    assert found.estimate == pytest.approx(second.mean() - first.mean())
    assert (found.seeds, found.units, found.larger_is_better) == (6, 200, True)
    alone = artifact_difference(first[0], second[0])
    assert alone.estimate == pytest.approx(second[0].mean() - first[0].mean())
    assert (alone.seeds, alone.seed_share) == (None, 0.0)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([Seeding.PAIRED, Seeding.INDEPENDENT]), st.booleans())
def test_result_is_coherent(seed, seeding, grouped):
    first, second = right(5, 60, flips=0.1, seed=seed)
    groups = np.arange(60) // 6 if grouped else None
    found = method_difference(first, second, seeding=seeding, groups=groups, draws=2_000)
    intervals = [found.interval(c) for c in (0.5, 0.8, 0.95, 0.99)]
    assert all(low <= found.estimate <= high for low, high in intervals)
    assert all(b[0] <= a[0] and a[1] <= b[1] for a, b in pairwise(intervals))
    # Interval and p-value are one thing, up to one draw on either side.
    step = 2 / 2_000
    low, high = found.interval(0.95)
    assert found.p_value(low - 1e-9) <= 0.05 + step
    assert found.p_value(high + 1e-9) <= 0.05 + step
    assert found.p_value(low + 0.02 * (high - low)) > 0.05
    low, high = found.interval(0.9)
    assert found.equivalence_p(max(-low, high) + 1e-9) <= 0.05 + step
    assert found.equivalence_p(max(1e-9, max(-low, high) * 0.95)) >= 0.05 - step
    swapped = method_difference(second, first, seeding=seeding, groups=groups, draws=2_000)
    assert swapped.estimate == pytest.approx(-found.estimate)
    assert swapped.standard_error == pytest.approx(found.standard_error, rel=0.1)


def test_same_seed_same_bytes():
    first, second = right(5, 300)
    one, two = (method_difference(first, second, seeding=Seeding.INDEPENDENT, seed=7) for _ in range(2))
    assert one.distribution.tobytes() == two.distribution.tobytes()
    other = method_difference(first, second, seeding=Seeding.INDEPENDENT, seed=8)
    assert other.interval() != one.interval()
    assert other.interval() == pytest.approx(one.interval(), abs=0.002)


def test_too_few_is_an_answer():
    first, second = right(5, 100)
    assert method_difference(first[:4], second[:4], seeding=Seeding.PAIRED) == TooFewSeeds(found=4, needed=5)
    assert method_difference(first[:2], second, seeding=Seeding.INDEPENDENT) == TooFewSeeds(found=2)
    few = artifact_difference(first[0], second[0], groups=np.arange(100) // 50)
    assert few == TooFewGroups(found=2)
    assert few.reason == "2 groups say too little about other groups: it takes at least 5"
    assert TooFewSeeds(found=1).reason == "1 seed says too little about the method: it takes at least 5"
    assert TooFewSeeds(found=3).reason == "3 seeds say too little about the method: it takes at least 5"


def test_a_given_float_model_is_fixed():
    first, second = right(8, 400)
    fixed = method_difference(first[:1], second, seeding=Seeding.FIRST_FIXED)
    assert fixed.seeds == 8
    # Eight copies of one arm are no eight draws of it; as a fixed arm they come to the same.
    copies = method_difference(np.repeat(first[:1], 8, axis=0), second, seeding=Seeding.PAIRED)
    assert fixed.standard_error == pytest.approx(copies.standard_error, rel=0.1)
    with pytest.raises(DataError, match="one model; 8"):
        method_difference(first, second, seeding=Seeding.FIRST_FIXED)


def test_spread_between_seeds_counts_with_its_degrees_of_freedom():
    # All samples of a seed move together: what is left is a t-test on five values.
    rng = np.random.default_rng(3)
    first, second = np.zeros((5, 4_000)), np.repeat(rng.normal(0.2, 1.0, (5, 1)), 4_000, axis=1)
    found = method_difference(first, second, seeding=Seeding.PAIRED)
    values = second[:, 0]
    assert found.seed_share == pytest.approx(1.0)
    assert found.standard_error == pytest.approx(values.std(ddof=1) / 5**0.5)
    from scipy.stats import t

    low, high = found.interval(0.95)
    half = t.isf(0.025, 4) * values.std(ddof=1) / 5**0.5
    assert (high - low) / 2 == pytest.approx(half, rel=0.15)


def test_spread_between_samples_alone_is_the_paired_standard_error():
    rng = np.random.default_rng(4)
    first = np.repeat(rng.normal(size=(1, 900)), 5, axis=0)
    second = first + np.repeat(rng.normal(0.1, 0.5, (1, 900)), 5, axis=0)
    found = method_difference(first, second, seeding=Seeding.INDEPENDENT)
    assert found.standard_error == pytest.approx((second - first)[0].std(ddof=1) / 30, rel=0.03)
    assert found.seed_share == pytest.approx(0.0, abs=1e-12)


def test_without_discordant_samples_nothing_is_certain():
    same = np.ones((5, 500), bool)
    low, high = artifact_difference(same[0], same[0]).interval()
    exact = tango_interval(count_pairs(same[0], same[0]))
    assert low < -0.5 * exact[1] < 0.5 * exact[1] < high
    assert artifact_difference(same[0], same[0]).p_value() > 0.5
    for seeding in (Seeding.PAIRED, Seeding.INDEPENDENT):
        low, high = method_difference(same, same, seeding=seeding).interval()
        assert low < 0.0 < high


def test_groups_that_repeat_samples_do_not_add_evidence():
    first, second = right(5, 80)
    groups = np.arange(800) // 10
    repeated = artifact_difference(np.repeat(first[0], 10), np.repeat(second[0], 10), groups=groups)
    single = artifact_difference(first[0], second[0])
    assert repeated.interval() == pytest.approx(single.interval(), rel=0.05, abs=0.003)
    naive = artifact_difference(np.repeat(first[0], 10), np.repeat(second[0], 10))
    assert naive.standard_error < 0.4 * repeated.standard_error
    names = np.array([f"patient {g}" for g in groups])
    assert artifact_difference(np.repeat(first[0], 10), np.repeat(second[0], 10), groups=names).units == 80


@pytest.mark.parametrize("n", [30, 5_000])
def test_errors_of_a_regression(n):
    rng = np.random.default_rng(5)
    first = rng.normal(size=(n, 2))
    second = 0.9 * first + 0.1 * rng.normal(size=(n, 2))
    for measure, value in (
        (Measure.MAE, lambda e: np.abs(e).mean()),
        (Measure.RMSE, lambda e: np.sqrt((e**2).mean())),
    ):
        found = artifact_difference(first, second, measure=measure)
        assert not found.larger_is_better
        assert found.estimate == pytest.approx(value(second) - value(first))
        assert found.p_value() < 0.01
        draws = [value(second[i]) - value(first[i]) for i in (rng.integers(0, n, n) for _ in range(500))]
        assert found.standard_error == pytest.approx(np.std(draws) * np.sqrt(n / (n - 1)), rel=0.12)


def test_equal_errors_are_equal():
    error = np.random.default_rng(6).normal(size=50)
    found = artifact_difference(error, error, measure=Measure.RMSE)
    assert (found.estimate, found.interval(), found.p_value()) == (0.0, (0.0, 0.0), 1.0)


@pytest.mark.parametrize(
    ("first", "second", "groups", "said"),
    [
        (np.zeros(4), np.zeros(5), None, "same samples"),
        (np.zeros(4), np.array([0, 1, np.nan, 0]), None, "NaN or infinity"),
        (np.zeros(0), np.zeros(0), None, "there are none"),
        (np.zeros(6), np.ones(6), np.zeros(5), "one group"),
    ],
)
def test_refuses_what_does_not_fit(first, second, groups, said):
    with pytest.raises(DataError, match=said):
        artifact_difference(first, second, groups=groups)


def test_paired_seeds_must_be_as_many():
    first, second = right(6, 50)
    with pytest.raises(DataError, match="same seeds"):
        method_difference(first, second[:5], seeding=Seeding.PAIRED)
    assert isinstance(method_difference(first, second[:5], seeding=Seeding.INDEPENDENT), Difference)


def test_confidence_and_margin_are_checked():
    found = artifact_difference(np.zeros(9, bool), np.ones(9, bool))
    with pytest.raises(ValueError, match="confidence 95"):
        found.interval(95)
    with pytest.raises(ValueError, match="margin 0"):
        found.equivalence_p(0.0)
