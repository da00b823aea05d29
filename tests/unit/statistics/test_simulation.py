"""What is promised and has no closed form, by simulation: error rates within their level, intervals that cover.

A simulated share may miss its limit by three binomial standard errors (EDGEQ_FULL=1: ten times the runs, so by less).
Seeds are fixed: a test passes always or never.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from edgeq.statistics.auc import artifact_auc_difference
from edgeq.statistics.bootstrap import Measure, artifact_difference, method_difference
from edgeq.statistics.crossed import Seeding
from edgeq.statistics.difference import Difference
from edgeq.statistics.equivalence import Conclusion, conclude, equivalence_p
from edgeq.statistics.multiple import corrected_level, holm
from edgeq.statistics.power import mcnemar_power, samples_needed, smallest_difference
from edgeq.statistics.proportions import PairedCounts, count_pairs, mcnemar_midp

FULL = "EDGEQ_FULL" in os.environ
TIMES = 10 if FULL else 1


def at_most(share: float, limit: float, runs: int) -> bool:
    return share <= limit + 3 * math.sqrt(limit * (1 - limit) / runs)


def at_least(share: float, limit: float, runs: int) -> bool:
    return share >= limit - 3 * math.sqrt(limit * (1 - limit) / runs)


class Latent:
    """Right answers from a probit model: a sample has its difficulty (with `groups`, partly that of its group), a
    seed its luck, and each answer a part of its own. Shares of right answers in the population are known exactly."""

    def __init__(self, *, seed_spread: float, own: float = 0.4, groups: int = 0) -> None:
        self.seed_spread, self.own, self.groups = seed_spread, own, groups
        self.spread = math.sqrt(1 + seed_spread**2 + own**2)

    def answers(
        self, rng: np.random.Generator, n: int, arms: list[tuple[float, int]], *, paired: bool = False
    ) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.float64]]]:
        """For arms of (share right in the population, seeds): answers (seeds, n), and the seeds' shares (seeds,)."""
        difficulty, answers, shares = rng.normal(size=n), [], []
        luck = rng.normal(size=(arms[0][1], 1)) * self.seed_spread
        group = self.group_of(n)
        if self.groups:
            difficulty = (difficulty + rng.normal(size=self.groups)[group]) / math.sqrt(2)
        for share, seeds in arms:
            level = norm.ppf(share) * self.spread
            if not paired:
                luck = rng.normal(size=(seeds, 1)) * self.seed_spread
            own = rng.normal(size=(seeds, n))
            if self.groups:
                own = (own + rng.normal(size=(seeds, self.groups))[:, group]) / math.sqrt(2)
            answers.append(level + luck + difficulty + self.own * own > 0)
            shares.append(norm.cdf((level + luck[:, 0]) / math.sqrt(1 + self.own**2)))
        return answers, shares

    def group_of(self, n: int) -> NDArray[np.int64]:
        return np.arange(n) * max(1, self.groups) // n


def coverage(runs: int, find: Callable[[np.random.Generator, int], tuple[Difference, float]]) -> None:
    """Intervals cover the truth, a difference is rarely found where there is none, nor equivalence at the margin."""
    rng = np.random.default_rng(20_26)
    levels = {0.95: 0, 0.9875: 0}
    claims = 0
    for run in range(runs):
        found, truth = find(rng, run)
        for confidence in levels:
            low, high = found.interval(confidence)
            levels[confidence] += low <= truth <= high
        claims += abs(truth) > 1e-9 and found.equivalence_p(abs(truth)) <= 0.05
    for confidence, covered in levels.items():
        assert at_least(covered / runs, confidence, runs), (confidence, covered / runs)
    assert at_most(claims / runs, 0.05, runs), claims / runs


@pytest.mark.parametrize("seeding", list(Seeding))
@pytest.mark.parametrize(
    ("seeds", "n", "share", "seed_spread"),
    [
        pytest.param(5, 120, 0.9, 0.0, id="samples alone matter"),
        pytest.param(5, 250, 0.8, 0.15, id="both matter"),
        pytest.param(6, 250, 0.8, 0.25, id="seeds matter most"),
        pytest.param(5, 2_000, 0.9, 0.1, id="many samples", marks=pytest.mark.full),
        pytest.param(5, 500, 0.97, 0.2, id="few errors", marks=pytest.mark.full),
        pytest.param(10, 120, 0.7, 0.3, id="ten seeds", marks=pytest.mark.full),
    ],
)
def test_crossed_bootstrap_covers(seeding, seeds, n, share, seed_spread):
    model = Latent(seed_spread=seed_spread)
    gain = 0.02

    def find(rng: np.random.Generator, run: int) -> tuple[Difference, float]:
        fixed = seeding is Seeding.FIRST_FIXED
        arms = [(share, 1 if fixed else seeds), (share + gain, seeds)]
        (first, second), (of_seed, _) = model.answers(rng, n, arms, paired=seeding is Seeding.PAIRED)
        found = method_difference(first, second, seeding=seeding, draws=500, seed=run)
        assert isinstance(found, Difference)
        # A given model is what it is: the truth is about this one.
        return found, share + gain - float(of_seed[0]) if fixed else gain

    coverage((150 if n < 1_000 else 40) * TIMES, find)


@pytest.mark.parametrize(
    ("groups", "n"),
    [
        (5, 200),
        (20, 200),
        pytest.param(8, 800, marks=pytest.mark.full),
        pytest.param(60, 600, marks=pytest.mark.full),
    ],
)
def test_group_bootstrap_covers_where_mcnemar_does_not(groups, n):
    model = Latent(seed_spread=0.0, own=0.8, groups=groups)
    runs, wrong = 300 * TIMES, {"grouped": 0, "McNemar": 0}

    def find(rng: np.random.Generator, run: int) -> tuple[Difference, float]:
        (first, second), _ = model.answers(rng, n, [(0.8, 1), (0.8, 1)])
        found = artifact_difference(first[0], second[0], groups=model.group_of(n), draws=500, seed=run)
        assert isinstance(found, Difference)
        wrong["grouped"] += found.p_value() <= 0.05
        wrong["McNemar"] += mcnemar_midp(count_pairs(first[0], second[0])) <= 0.05
        return found, 0.0

    coverage(runs, find)
    assert at_most(wrong["grouped"] / runs, 0.05, runs)
    assert wrong["McNemar"] / runs > 0.08


@pytest.mark.parametrize("measure", [Measure.MAE, Measure.RMSE])
def test_regression_bootstrap_covers(measure):
    # Normal errors: E|e| = σ √(2/π), √E e² = σ.
    scale = math.sqrt(2 / math.pi) if measure is Measure.MAE else 1.0

    def find(rng: np.random.Generator, run: int) -> tuple[Difference, float]:
        common, own = rng.normal(size=(1, 60)), rng.normal(size=(2, 60))
        first, second = 0.8 * common + 0.6 * own
        found = artifact_difference(first, 1.1 * second, measure=measure, draws=500, seed=run)
        assert isinstance(found, Difference)
        return found, 0.1 * scale

    coverage(300 * TIMES, find)


def test_auc_bootstrap_covers():
    # Normal scores, d apart: AUC = Φ(d / √2). Second has other noise and is a little closer.
    truth = norm.cdf(1.0 / math.sqrt(2)) - norm.cdf(1.2 / math.sqrt(2))
    labels = np.repeat([0, 1], [70, 50])

    def find(rng: np.random.Generator, run: int) -> tuple[Difference, float]:
        common, own = rng.normal(size=(1, 120)), rng.normal(size=(2, 120))
        first, second = 0.8 * common + 0.6 * own + np.array([[1.2], [1.0]]) * labels
        found = artifact_auc_difference(first, second, labels, draws=500, seed=run)
        assert isinstance(found, Difference)
        return found, float(truth)

    coverage(300 * TIMES, find)


def four_contrasts(right: dict[str, NDArray[np.bool_]]) -> Iterator[PairedCounts]:
    """The declared family of a comparison: what they have in common makes them dependent."""
    for first, second in (("float", "ptq"), ("float", "qat"), ("ptq", "qat"), ("continued", "qat")):
        yield count_pairs(right[first], right[second])


def drawn_arms(rng: np.random.Generator, n: int, flips: dict[str, float]) -> dict[str, NDArray[np.bool_]]:
    """A sample is right at 90 %; each arm turns answers, with a chance that keeps 90 % right, and loses some more."""
    common, arms = rng.random(n) < 0.9, {}
    for name, lost in flips.items():
        chance = np.where(common, 0.01, 0.09)
        arms[name] = (common ^ (rng.random(n) < chance)) & (rng.random(n) >= lost)
    return arms


@pytest.mark.parametrize(
    ("lost", "true_nulls"),
    [
        ({"float": 0.0, "ptq": 0.0, "qat": 0.0, "continued": 0.0}, (0, 1, 2, 3)),
        ({"float": 0.0, "ptq": 0.15, "qat": 0.0, "continued": 0.0}, (1, 3)),
    ],
    ids=["nothing differs", "PTQ is worse"],
)
def test_family_of_contrasts_has_few_false_claims(lost, true_nulls):
    rng, runs, wrong, unadjusted, powerful = np.random.default_rng(11), 1_500 * TIMES, 0, 0, 0
    for _ in range(runs):
        found = list(four_contrasts(drawn_arms(rng, 600, lost)))
        raw = [mcnemar_midp(c) for c in found]
        equal = holm([equivalence_p(c, 0.01) for c in found])
        claims = [
            conclude(difference=c.difference, p_difference=p, p_equivalence=e).conclusion
            for c, p, e in zip(found, holm(raw), equal, strict=True)
        ]
        wrong += any(claims[i] in {Conclusion.BETTER, Conclusion.WORSE} for i in true_nulls)
        powerful += claims[0] is Conclusion.WORSE
        unadjusted += any(raw[i] <= 0.05 for i in true_nulls)
    assert at_most(wrong / runs, 0.05, runs), wrong / runs
    assert unadjusted > 1.3 * wrong
    if 0 not in true_nulls:
        assert powerful / runs > 0.99


@pytest.mark.parametrize(("n", "discordance", "level"), [(500, 0.03, 0.0125), (60, 0.3, 0.05)])
def test_smallest_difference_is_shown_in_four_of_five(n, discordance, level):
    seen = PairedCounts(both=n - int(discordance * n), only_first=int(discordance * n), only_second=0, neither=0)
    delta = smallest_difference(seen, level)
    assert delta is not None
    assert_power(n, discordance, delta, level, expected=0.8)


def test_samples_needed_show_the_difference_in_four_of_five():
    seen = PairedCounts(both=480, only_first=6, only_second=14, neither=0)
    n = samples_needed(seen, corrected_level(0.05, 4))
    assert n is not None
    assert_power(n, 0.04, seen.difference, 0.0125, expected=0.8)
    assert_power(500, 0.04, seen.difference, 0.0125, expected=mcnemar_power(500, 0.04, seen.difference, 0.0125))


def assert_power(n: int, discordance: float, delta: float, level: float, *, expected: float) -> None:
    runs, rng = 4_000 * TIMES, np.random.default_rng(12)
    lose, win = (discordance - delta) / 2, (discordance + delta) / 2
    shown = 0
    for lost, won, rest in rng.multinomial(n, [lose, win, 1 - lose - win], size=runs).tolist():
        counts = PairedCounts(both=rest, only_first=lost, only_second=won, neither=0)
        shown += mcnemar_midp(counts) <= level
    # Three standard errors, and what one sample more or less changes.
    assert shown / runs == pytest.approx(expected, abs=3 * math.sqrt(0.25 / runs) + 0.005)
