"""Contrasts: two questions that are never mixed, a declared family that is corrected, and honest conclusions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeq.comparison.contrasts import GROUPS, MCNEMAR, SAMPLES, ScoredArm, contrasts
from edgeq.comparison.record import Contrast
from edgeq.comparison.scores import Scores, figure, score, task_of
from edgeq.errors import DataError
from edgeq.records import Metric, Split
from edgeq.statistics.equivalence import Conclusion
from edgeq.statistics.multiple import holm
from edgeq.validation.accuracy import Task

RNG = np.random.default_rng(11)
N = 600
LABELS = RNG.integers(0, 4, N)
TASK = Task(metric=Metric.TOP1, output=0, labels=LABELS, classes=4)


def answers(wrong: NDArray[np.int64]) -> Scores:
    """Right on all samples but these."""
    values = np.eye(4)[LABELS] * 0.9 + 0.02
    values[wrong] = np.eye(4)[(LABELS[wrong] + 1) % 4]
    return score(TASK, (values,))


def arm(name: str, *wrong: NDArray[np.int64], fixed: bool = False) -> ScoredArm:
    return ScoredArm(name=name, runs=dict(enumerate(map(answers, wrong))), fixed=fixed)


def pick(n: int) -> NDArray[np.int64]:
    return RNG.choice(N, n, replace=False)


def asked(*arms: ScoredArm, groups: NDArray[np.int64] | None = None, margin: float = 0.01) -> tuple[Contrast, ...]:
    by_name = {a.name: a for a in arms}
    first = arms[0].name
    pairs = [(first, a.name, "?") for a in arms[1:]]
    return contrasts(by_name, pairs, [], margin=margin, level=0.05, groups=groups)


def test_a_clear_difference_in_either_direction() -> None:
    base = pick(60)
    worse, better = asked(arm("a", base, fixed=True), arm("b", pick(200), fixed=True), arm("c", base[:5], fixed=True))
    assert worse.artifact.conclusion is Conclusion.WORSE
    assert better.artifact.conclusion is Conclusion.BETTER
    assert worse.artifact.test == MCNEMAR
    assert worse.artifact.interval[0] < worse.artifact.difference < worse.artifact.interval[1] < 0
    assert worse.artifact.only_first is not None and worse.artifact.only_second is not None
    assert worse.artifact.difference == pytest.approx((worse.artifact.only_second - worse.artifact.only_first) / N)


def test_no_difference_is_equivalent_only_if_that_is_shown() -> None:
    same = pick(30)
    (equal,) = asked(arm("a", same, fixed=True), arm("b", same, fixed=True))
    assert equal.artifact.conclusion is Conclusion.EQUIVALENT
    (open_one,) = asked(arm("a", pick(90), fixed=True), arm("b", pick(90), fixed=True))
    assert open_one.artifact.conclusion is Conclusion.INCONCLUSIVE
    assert open_one.artifact.detectable is not None and open_one.artifact.detectable > 0.03


def test_a_real_difference_within_the_margin_says_both() -> None:
    wrong = pick(200)
    (found,) = asked(arm("a", wrong, fixed=True), arm("b", wrong[30:], fixed=True), margin=0.2)
    assert (found.artifact.conclusion, found.artifact.within_margin) == (Conclusion.BETTER, True)


def test_the_declared_family_is_corrected_by_holm() -> None:
    base = pick(40)
    found = asked(
        *(arm(name, np.r_[base, pick(k)], fixed=True) for name, k in (("a", 0), ("b", 8), ("c", 9), ("d", 7)))
    )
    assert tuple(c.artifact.p_holm for c in found) == holm([c.artifact.p_value for c in found])
    (alone,) = asked(arm("a", base, fixed=True), arm("b", pick(50), fixed=True))
    assert alone.artifact.p_holm == alone.artifact.p_value


@pytest.mark.parametrize("seeds", [1, 4])
def test_few_seeds_say_nothing_about_a_method(seeds: int) -> None:
    (found,) = asked(arm("a", pick(40), fixed=True), arm("b", *(pick(80) for _ in range(seeds))))
    assert found.method.conclusion is None
    assert found.method.reason is not None and str(seeds) in found.method.reason


def test_a_method_that_is_better_with_every_seed() -> None:
    (found,) = asked(arm("a", *(pick(120) for _ in range(6))), arm("b", *(pick(20) for _ in range(6))))
    assert found.method.conclusion is Conclusion.BETTER
    assert found.method.seeds == 6
    assert found.method.interval is not None and found.method.interval[0] > 0


def test_the_fixed_arm_may_be_the_second() -> None:
    runs = [pick(120) for _ in range(6)]
    fixed = pick(20)
    (forth,) = asked(arm("a", *runs), arm("b", fixed, fixed=True))
    (back,) = asked(arm("b", fixed, fixed=True), arm("a", *runs))
    assert (forth.method.conclusion, back.method.conclusion) == (Conclusion.BETTER, Conclusion.WORSE)
    assert forth.method.difference == pytest.approx(-back.method.difference)
    assert forth.method.interval == pytest.approx(tuple(-x for x in reversed(back.method.interval or ())))


def test_one_method_is_not_enough_if_nothing_is_random() -> None:
    (found,) = asked(arm("a", pick(4), fixed=True), arm("b", pick(4), fixed=True))
    assert (found.method.conclusion, found.method.seeds) == (None, 0)


def test_groups_are_drawn_whole() -> None:
    groups = np.arange(N) // 60
    wrong = np.flatnonzero(groups < 2)  # two recordings of ten are all wrong: many samples, little evidence
    none = np.array([], np.int64)
    (plain,) = asked(arm("a", wrong, fixed=True), arm("b", none, fixed=True))
    (grouped,) = asked(arm("a", wrong, fixed=True), arm("b", none, fixed=True), groups=groups)
    assert grouped.artifact.test == GROUPS
    assert plain.artifact.p_value < 1e-9 < grouped.artifact.p_value
    assert grouped.artifact.detectable is None
    (few,) = asked(arm("a", wrong, fixed=True), arm("b", none, fixed=True), groups=np.arange(N) // 200)
    assert few.artifact.conclusion is Conclusion.INCONCLUSIVE
    assert "3 groups" in few.artifact.test


def regression(noise: float) -> Scores:
    truth = np.linspace(-1, 1, N)[:, None]
    task = Task(metric=Metric.MSE, output=0, labels=truth)
    return score(task, (truth + noise * RNG.normal(size=(N, 1)),))


def test_errors_are_better_when_smaller() -> None:
    arms = {
        name: ScoredArm(name=name, runs={0: regression(noise)}, fixed=True) for name, noise in (("a", 0.2), ("b", 0.1))
    }
    (found,) = contrasts(arms, [("a", "b", "?")], [], margin=0.05, level=0.05)
    assert found.artifact.test == SAMPLES
    assert found.artifact.difference == pytest.approx(-0.1, abs=0.02)
    assert found.artifact.conclusion is Conclusion.BETTER
    shown = figure(arms["a"].first)
    assert shown.metric is Metric.RMSE
    assert shown.ci95[0] < shown.value < shown.ci95[1]


def test_ties_and_figures() -> None:
    values = np.zeros((N, 4))
    values[:, 2] = values[:, 3] = 1.0
    found = figure(score(TASK, (values,)))
    assert found.ties == N
    assert found.correct == int((LABELS == 2).sum())


@pytest.mark.parametrize(("labels", "said"), [(None, "no labels"), (np.zeros(10, np.int64), "same label")])
def test_labels_that_say_nothing(labels: NDArray[np.int64] | None, said: str) -> None:
    split = Split(x=(np.zeros((10, 1), np.float32),), y=labels)
    with pytest.raises(DataError, match=said):
        task_of(split, (np.zeros((10, 4)),), "d")


def test_nan_scores_are_refused() -> None:
    with pytest.raises(DataError, match="NaN"):
        score(TASK, (np.full((N, 4), np.nan),))


def test_artifacts_are_of_the_lowest_seed_that_both_have() -> None:
    """Seed 0 of the second arm failed: its seed 1 is compared with seed 1 of the first, which started alike."""
    runs = [answers(pick(n)) for n in (20, 40, 60, 41)]
    first = ScoredArm(name="a", runs={0: runs[0], 1: runs[1]}, fixed=False)
    second = ScoredArm(name="b", runs={1: runs[3], 2: runs[2]}, fixed=False)
    (contrast,) = asked(first, second)
    assert contrast.artifact.difference == pytest.approx(runs[3].mean - runs[1].mean)
    (against_fixed,) = asked(ScoredArm(name="a", runs={0: runs[0]}, fixed=True), second)
    assert against_fixed.artifact.difference == pytest.approx(runs[3].mean - runs[0].mean)
