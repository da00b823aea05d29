"""AUC and top-k as what a comparison measures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeq.comparison.contrasts import GROUPS, MCNEMAR, STRATIFIED, ScoredArm, contrasts
from edgeq.comparison.record import Contrast
from edgeq.comparison.scores import Scores, figure, score
from edgeq.comparison.scoring import TOP1, Scoring, parse_scoring, scoring_for
from edgeq.errors import InputError
from edgeq.records import Metric
from edgeq.statistics.auc import auc
from edgeq.statistics.equivalence import Conclusion
from edgeq.validation.accuracy import Task

RNG = np.random.default_rng(5)
N = 400
LABELS = RNG.integers(0, 5, N)
CLASSES = Task(metric=Metric.TOP1, output=0, labels=LABELS, classes=5)
BINARY = Task(metric=Metric.TOP1, output=0, labels=LABELS % 2, classes=2, binary=True)
NOISES = ((1.2, 1), (0.5, 2))
AREA, TOP2 = Scoring(metric=Metric.AUC), Scoring(metric=Metric.TOP_K, k=2)


def values(noise: float, seed: int) -> NDArray[np.float64]:
    return np.eye(5)[LABELS] + noise * np.random.default_rng(seed).normal(size=(N, 5))


def probability(noise: float, seed: int) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-(LABELS % 2 - 0.5 + noise * np.random.default_rng(seed).normal(size=N))))[:, None]


def contrast(first: list[Scores], second: list[Scores], groups: NDArray[np.int64] | None = None) -> Contrast:
    arms = {
        name: ScoredArm(name=name, runs=dict(enumerate(runs)), fixed=len(runs) == 1)
        for name, runs in (("a", first), ("b", second))
    }
    (found,) = contrasts(arms, [("a", "b", "?")], [], margin=0.01, level=0.05, groups=groups)
    return found


def test_what_may_be_asked_for() -> None:
    assert parse_scoring("auc") == AREA
    assert parse_scoring("top2") == TOP2
    assert parse_scoring("top1") == TOP1
    assert TOP2.title == "top-2 accuracy"
    for text in ("top0", "top", "mse"):
        with pytest.raises(InputError, match="no metric"):
            parse_scoring(text)


def test_what_labels_allow() -> None:
    numbers = Task(metric=Metric.MSE, output=0, labels=RNG.normal(size=(N, 1)))
    assert scoring_for(CLASSES, None) == TOP1
    assert scoring_for(numbers, None).metric is Metric.RMSE
    with pytest.raises(InputError, match="the test labels are numbers"):
        scoring_for(numbers, AREA)
    with pytest.raises(InputError, match="always among 5"):
        scoring_for(CLASSES, Scoring(metric=Metric.TOP_K, k=5))


def test_top_k_counts_the_k_largest() -> None:
    scores = score(CLASSES, (values(0.8, 1),), TOP2)
    order = np.argsort(-scores.values, axis=1)[:, :2]
    expected = (order == LABELS[:, None]).any(axis=1)
    np.testing.assert_array_equal(scores.right, expected)
    shown = figure(scores)
    assert (shown.metric, shown.value, shown.ties) == (Metric.TOP_K, expected.mean(), 0)
    assert contrast([scores], [score(CLASSES, (values(0.3, 2),), TOP2)]).artifact.test == MCNEMAR


@pytest.mark.parametrize(
    ("task", "make"), [(CLASSES, values), (BINARY, probability)], ids=["several classes", "a probability"]
)
def test_auc_of_models_and_methods(task: Task, make: Callable[[float, int], NDArray[np.float64]]) -> None:
    bad, good = ([score(task, (make(noise, 10 * i + start),), AREA) for i in range(5)] for noise, start in NOISES)
    shown = figure(good[0])
    expected = auc(good[0].values[:, 0] if task.binary else good[0].values, task.labels)
    assert shown.value == pytest.approx(expected)
    assert shown.ci95[0] < shown.value < shown.ci95[1] <= 1.0
    found = contrast(bad, good)
    assert found.artifact.test == STRATIFIED
    assert found.artifact.difference == pytest.approx(good[0].mean - bad[0].mean)
    assert found.artifact.conclusion is Conclusion.BETTER
    assert (found.artifact.only_first, found.artifact.detectable) == (None, None)
    assert found.method.conclusion is Conclusion.BETTER
    assert found.method.seeds == 5


def test_groups_are_honoured() -> None:
    first, second = (score(BINARY, (probability(noise, 3),), AREA) for noise in (1.0, 0.6))
    groups = np.arange(N) // 40
    found = contrast([first], [second], groups).artifact
    alone = contrast([first], [second]).artifact
    assert found.test == GROUPS
    assert found.difference == pytest.approx(alone.difference)
    assert found.interval != alone.interval
    few = contrast([first], [second], np.arange(N) // 200).artifact
    assert few.test.startswith("none: 2 groups say too little")


def test_the_same_model_twice_is_no_difference() -> None:
    scores = score(BINARY, (probability(0.5, 3),), AREA)
    found = contrast([scores], [scores]).artifact
    assert (found.difference, found.conclusion) == (0.0, Conclusion.EQUIVALENT)
