"""Stale batch-norm statistics: by the accuracy, by the loss alone, and beside what more training brings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgeq.comparison.arms import FLOAT, FLOAT_BN, FLOAT_CONTINUED
from edgeq.comparison.contrasts import ScoredArm
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings.batch_norm import batch_norm_stale, batch_norm_stale_besides
from edgeq.comparison.scores import Scores, score
from edgeq.records import Metric
from edgeq.validation.accuracy import Task

N, CLASSES = 400, 5
RNG = np.random.default_rng(11)
LABELS = RNG.integers(0, CLASSES, N)
NOISE = RNG.normal(size=(N, CLASSES))
TASK = Task(metric=Metric.TOP1, output=0, labels=LABELS, classes=CLASSES)


def answers(knowledge: float, scale: float) -> Scores:
    """`knowledge` says how often the largest score is the right one, `scale` how sure of it the model is."""
    powers = np.exp(scale * (NOISE + knowledge * np.eye(CLASSES)[LABELS]))
    return score(TASK, (powers / powers.sum(axis=1, keepdims=True),))


def evidence(groups: np.ndarray | None = None, **arms: Scores) -> Evidence:
    """Of float arms by name; no contrast shows a difference of accuracies."""
    known: Any = SimpleNamespace()
    names = {"plain": FLOAT, "new": FLOAT_BN, "continued": FLOAT_CONTINUED}
    scored = {names[n]: ScoredArm(name=names[n], runs={0: s}, fixed=True) for n, s in arms.items()}
    return Evidence(
        metric=Metric.TOP1, given=False, margin=0.01, level=0.05, data=known, checks=None, arms=scored, runs={},
        seen={}, contrasts=(), layers=(), groups=groups,
    )  # fmt: skip


def test_a_loss_that_falls_by_statistics_alone_is_enough() -> None:
    """The same answers, but much less sure."""
    (found,) = batch_norm_stale(evidence(plain=answers(4.0, 0.4), new=answers(4.0, 1.5)))
    assert found.code == "batch-norm-statistics-stale"
    assert "off its loss" in found.title
    assert found.evidence["gain"] == 0.0
    assert float(found.evidence["loss_fall"]) > 0.5


@pytest.mark.parametrize(
    "new",
    [
        answers(4.0, 0.41),  # hardly any difference
        answers(4.0, 0.3),  # worse
        answers(2.0, 1.5),  # a lower loss, and worse answers
    ],
)
def test_what_is_not_better_is_not_stale(new: Scores) -> None:
    given = evidence(plain=answers(4.0, 0.4), new=new)
    assert not [*batch_norm_stale(given), *batch_norm_stale_besides(given)]


def test_training_that_brings_much_more_comes_first() -> None:
    given = evidence(plain=answers(2.0, 0.2), new=answers(2.0, 0.9), continued=answers(6.0, 1.5))
    assert not list(batch_norm_stale(given))
    (found,) = batch_norm_stale_besides(given)
    assert found.code == "batch-norm-statistics-stale"


def test_a_fall_within_few_groups_is_no_certainty() -> None:
    plain, new = answers(4.0, 0.4), answers(4.0, 1.5)
    few = np.arange(N) % 4
    assert not list(batch_norm_stale(evidence(few, plain=plain, new=new)))
    assert list(batch_norm_stale(evidence(np.arange(N) % 40, plain=plain, new=new)))
