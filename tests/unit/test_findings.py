"""Findings on evidence made by hand: what sets them off, and what does not."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgeq.comparison.arms import FLOAT, PTQ, QAT
from edgeq.comparison.contrasts import ScoredArm
from edgeq.comparison.findings.learning_rate import learning_rate_too_high
from edgeq.comparison.findings.overfitting import float_overfits, float_overfits_besides
from edgeq.comparison.findings.quantization import scores_tie
from edgeq.comparison.findings.ranges import ranges_lost
from edgeq.comparison.record import LayerReport, Severity
from edgeq.comparison.scores import Scores, score
from edgeq.records import Metric
from edgeq.training import Epoch, TrainingHistory
from edgeq.validation.accuracy import Task

N = 1000
LABELS = np.random.default_rng(0).integers(0, 10, N)
TASK = Task(metric=Metric.TOP1, output=0, labels=LABELS, classes=10)


def answers(accuracy: float) -> Scores:
    values = np.eye(10)[LABELS]
    wrong = np.arange(N) >= round(accuracy * N)
    values[wrong] = np.roll(values[wrong], 1, axis=1)
    return score(TASK, (values,))


def evidence(**known: Any) -> Any:
    usual = {
        "metric": Metric.TOP1, "margin": 0.01, "margin_share": 0.01, "seen": {}, "contrast": lambda a, b: None,
        "given": True, "checks": None, "runs": {}, "groups": None,
    }  # fmt: skip
    return SimpleNamespace(**{**usual, **known})


def arm(name: str, scores: Scores) -> ScoredArm:
    return ScoredArm(name=name, runs={0: scores}, fixed=True)


@pytest.mark.parametrize(
    ("training", "test", "overfits"),
    [
        (1.0, 0.85, True),
        (1.0, 0.97, False),  # a gap that every network has
        (0.98, 0.88, True),
        (0.984, 0.905, False),  # a hard task for few samples, of which some are wrong in training, too
        (0.91, 0.82, False),  # wrong on its training samples half as often: a hard task
    ],
)
def test_overfitting_is_knowing_samples_by_heart(training: float, test: float, overfits: bool) -> None:
    found = list(float_overfits(evidence(seen={FLOAT: answers(training)}, arms={FLOAT: arm(FLOAT, answers(test))})))
    assert bool(found) == overfits


@pytest.mark.parametrize(("groups", "overfits"), [(None, True), (200, True), (5, False)])
def test_few_groups_do_not_show_that_a_model_overfits(groups: int | None, overfits: bool) -> None:
    """All wrong answers are of one group: another five people may have none like it."""
    belongs = None if groups is None else np.arange(N) * groups // N
    given = evidence(seen={FLOAT: answers(1.0)}, arms={FLOAT: arm(FLOAT, answers(0.85))}, groups=belongs)
    assert bool(list(float_overfits(given))) == overfits


@pytest.mark.parametrize(("lost", "first"), [(0.05, True), (0.5, False)])
def test_what_costs_more_than_overfitting_comes_before_it(lost: float, first: bool) -> None:
    arms = {FLOAT: arm(FLOAT, answers(0.85)), PTQ: arm(PTQ, answers(0.85 - lost))}
    given = evidence(seen={FLOAT: answers(1.0)}, arms=arms, gain=lambda *_: -lost)
    assert [bool(list(find(given))) for find in (float_overfits, float_overfits_besides)] == [first, not first]


def history(losses: tuple[tuple[float, float], ...], loss: str) -> TrainingHistory:
    """Loss on training and on validation samples, before training and of the epochs."""
    start, *epochs = (Epoch(loss=a, validation_loss=b, validation_metric=0.0, learning_rate=0.01) for a, b in losses)
    return TrainingHistory(
        start=start, epochs=tuple(epochs), best=0, stopped_early=False, optimizer="adam", loss=loss, batch_size=32,
        training_samples=1000, validation_samples=300, validation_seen=False,
    )  # fmt: skip


CLASSES, VALUES = "sparse_categorical_crossentropy", "mean_squared_error"


@pytest.mark.parametrize(
    ("losses", "loss", "too_high"),
    [
        (((0.03, 0.13), (3.4, 2.3)), CLASSES, True),
        (((0.06, 0.15), (0.23, 0.22)), CLASSES, True),  # won back within the epoch
        (((0.009, 0.27), (0.078, 0.35)), CLASSES, True),
        (((0.06, 0.15), (0.35, 0.16)), CLASSES, False),  # dropout
        (((0.03, 0.13), (0.08, 0.17)), CLASSES, False),
        (((0.001, 0.058), (0.021, 0.129), (0.112, 0.155), (0.195, 0.224)), CLASSES, True),  # epoch after epoch
        (((0.001, 0.20), (0.003, 0.30), (0.002, 0.45)), CLASSES, False),  # overfits: nothing is destroyed
        (((0.03, 0.14), (0.20, 0.15), (0.15, 0.21), (0.12, 0.16)), CLASSES, True),
        (((0.06, 0.30), (0.35, 0.31), (0.34, 0.33), (0.33, 0.36), (0.31, 0.40)), CLASSES, False),  # with dropout, too
        (((0.05, 0.27), (0.38, 0.33), (0.20, 0.31), (0.19, 0.31)), CLASSES, True),  # won back by the next one
        (((0.05, 0.27), (0.38, 0.31), (0.36, 0.32), (0.35, 0.32)), CLASSES, False),  # dropout stays
        (((2.30, 2.30), (1.10, 0.80)), CLASSES, False),
        (((0.015, 0.028), (0.016, 0.032)), VALUES, False),
        (((0.006, 0.021), (0.089, 0.071)), VALUES, True),
    ],
)
def test_too_high_a_rate_destroys_what_was_there(
    losses: tuple[tuple[float, float], ...], loss: str, too_high: bool
) -> None:
    run = SimpleNamespace(history=history(losses, loss))
    assert bool(list(learning_rate_too_high(evidence(runs={(QAT, 0): run})))) == too_high


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_worst_seed_is_the_one_whose_loss_is_no_number(order: tuple[int, ...]) -> None:
    losses = [((0.03, 0.13), (3.4, 2.3)), ((0.03, 0.13), (3.4, float("nan"))), ((0.03, 0.13), (3.4, 9.1))]
    runs = {(QAT, seed): SimpleNamespace(history=history(losses[i], CLASSES)) for seed, i in enumerate(order)}
    (found,) = learning_rate_too_high(evidence(runs=runs))
    assert math.isnan(found.evidence["loss_after"])
    assert found.evidence["broken_runs"] == 3


def tied(share: float) -> Scores:
    """The label and another class have the same largest score on a share of the samples, either first as often."""
    values = np.eye(10)[LABELS]
    at = np.arange(round(share * N))
    values[at, (LABELS[at] + np.where(at % 2, 1, 9)) % 10] = 1.0
    return score(TASK, (values,))


def test_ties_that_turn_right_as_often_as_wrong_matter_little() -> None:
    """A tenth of all predictions ties, and two standard deviations of chance are a point."""
    (few,) = scores_tie(evidence(arms={PTQ: arm(PTQ, tied(0.1))}))
    assert few.severity is Severity.INFO
    (many,) = scores_tie(evidence(arms={PTQ: arm(PTQ, tied(1.0))}))
    assert many.severity is Severity.WARNING


def use(arm: str, *tensors: tuple[float, float]) -> tuple[LayerReport, ...]:
    return tuple(
        LayerReport(
            arm=arm, layer=f"{i} CONV_2D", tensor=f"t{i}", low=-1.0, high=1.0, sqnr_db=None, clipped=clipped,
            unused=unused, channel_ratio=None,
        )
        for i, (clipped, unused) in enumerate(tensors)
    )  # fmt: skip


GOOD = ((0.0, 0.1), (0.004, 0.05), (0.001, 0.2))


@pytest.mark.parametrize(
    ("qat", "behind", "lost"),
    [
        (GOOD, True, False),
        (((0.0, 0.6),) * 3, False, False),  # a bit is lost, and nothing by it
        (((0.0, 0.6),) * 3, True, True),
        (((0.0, 0.8),) * 3, False, True),
        (((0.0, 0.1), (0.3, 0.0), (0.0, 0.1)), False, True),
        (((0.0, 0.1), (0.03, 0.0), (0.0, 0.1)), False, False),  # as trained clipping does
        (((0.0, 0.1), (0.03, 0.0), (0.0, 0.1)), True, True),
        (((0.0, 0.1), (0.0, 0.9), (0.0, 0.1)), False, True),  # one tensor's range
    ],
)
def test_lost_ranges_beside_another_model(qat: tuple[tuple[float, float], ...], behind: bool, lost: bool) -> None:
    found = list(ranges_lost(given(use(PTQ, *GOOD) + use("qat", *qat), behind=behind)))
    assert [f.code for f in found] == ["activation-ranges-lost"] * lost


def test_what_the_data_do_by_nature_is_no_loss() -> None:
    """Values of both models pile up at an end, or leave codes unused: long tails, clocks that stop."""
    natural = ((0.3, 0.1), (0.0, 0.7), (0.0, 0.1))
    assert not list(ranges_lost(given(use(PTQ, *natural) + use("qat", *natural), behind=False)))


def test_a_model_alone_is_judged_by_itself() -> None:
    (found,) = ranges_lost(given(use(PTQ, (0.2, 0.0), (0.0, 0.1)), behind=False))
    assert found.code == "calibration-unrepresentative"
    assert not list(ranges_lost(given(use(PTQ, *GOOD), behind=False)))


def given(layers: tuple[LayerReport, ...], *, behind: bool) -> Any:
    """Evidence of given int8 arms; `behind`: qat is worse than PTQ."""
    return evidence(
        layers=layers, first_run=lambda name: SimpleNamespace(scheme="int8"),
        gain=lambda first, second: -0.05 if behind and second == "qat" else 0.0,
    )  # fmt: skip
