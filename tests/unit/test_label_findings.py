"""Labels in another order of the classes, or of other samples: what shows it, and what does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeq.comparison.arms import FLOAT
from edgeq.comparison.contrasts import ScoredArm
from edgeq.comparison.findings.labels import class_order, labels_do_not_fit, labels_fit
from edgeq.comparison.record import Severity
from edgeq.comparison.scores import Scores, score
from edgeq.records import Metric
from edgeq.validation.accuracy import Task

CLASSES = 6
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, CLASSES, 600)
ANSWERS = np.where(RNG.random(600) < 0.9, LABELS, RNG.integers(0, CLASSES, 600))


def scored(labels: NDArray[np.int64], answers: NDArray[np.int64] = ANSWERS) -> Scores:
    task = Task(metric=Metric.TOP1, output=0, labels=labels, classes=CLASSES)
    return score(task, (np.eye(CLASSES)[answers],))


def evidence(test: Scores, training: Scores | None, *, trained: bool = False) -> Any:
    return SimpleNamespace(
        arms={FLOAT: ScoredArm(name=FLOAT, runs={0: test}, fixed=True)},
        seen={} if training is None else {FLOAT: training},
        data=SimpleNamespace(class_names=("ant", "bee", "cow"), calibration="training"), checks=None,
        runs={(FLOAT, 0): SimpleNamespace(history=object() if trained else None)},
    )  # fmt: skip


def test_classes_in_another_order() -> None:
    """Two of six exchanged: the model is right on two thirds, and would be on all."""
    order = np.array([1, 0, 2, 3, 4, 5])
    found = evidence(scored(order[LABELS]), scored(LABELS))
    (finding,) = labels_do_not_fit(found)
    assert finding.code == "class-order-differs"
    assert finding.severity is Severity.ERROR
    assert "ant as bee, bee as ant" in finding.text
    assert finding.evidence["moved_classes"] == 2
    assert float(finding.evidence["accuracy_in_that_order"]) > 0.9 > 0.7 > float(finding.evidence["accuracy"])
    assert not labels_fit(found)
    (both,) = labels_do_not_fit(evidence(scored(order[LABELS]), scored(order[LABELS])))
    assert both.title.startswith("The test and training labels")


@pytest.mark.parametrize(("trained", "severity"), [(False, Severity.WARNING), (True, Severity.ERROR)])
def test_training_labels_matter_to_what_was_trained(trained: bool, severity: Severity) -> None:
    (finding,) = labels_do_not_fit(evidence(scored(LABELS), scored((LABELS + 1) % CLASSES), trained=trained))
    assert finding.code == "class-order-differs"
    assert finding.title.startswith("The training labels")
    assert finding.severity is severity


def test_labels_of_other_samples() -> None:
    shuffled = scored(np.random.default_rng(1).permutation(LABELS))
    (finding,) = labels_do_not_fit(evidence(shuffled, scored(LABELS)))
    assert finding.code == "test-labels-do-not-fit"
    (finding,) = labels_do_not_fit(evidence(scored(LABELS), shuffled))
    assert finding.code == "training-labels-do-not-fit"
    assert labels_fit(evidence(shuffled, shuffled))  # a model that knows nothing tells nothing
    assert labels_fit(evidence(shuffled, None))


@pytest.mark.parametrize(
    "answers",
    [
        np.full(600, 3),  # nothing was learned but one class
        np.where(LABELS == 1, 4, LABELS),  # two classes are taken for one
        np.where((LABELS == 1) | (LABELS == 4), np.where(RNG.random(600) < 0.5, 1, 4), LABELS),
        np.where(LABELS < 4, (LABELS + 1) % 5, LABELS),  # confusion that does not come back
        RNG.integers(0, CLASSES, 600),
    ],
)
def test_confusion_is_no_other_order(answers: NDArray[np.int64]) -> None:
    assert class_order(scored(LABELS, answers)) is None


def test_a_handful_of_samples_shows_nothing() -> None:
    assert class_order(scored(np.array([0, 1, 2, 3, 0, 1]), np.array([1, 0, 2, 3, 1, 0]))) is None


def test_a_class_that_nearly_all_samples_have_shows_nothing() -> None:
    """97 % right, and no agreement beyond chance: the model may know all that there is to know."""
    rng = np.random.default_rng(2)
    labels, answers = (rng.random((2, 1000)) < 0.02).astype(np.int64)
    assert labels_fit(evidence(scored(labels, answers), scored(LABELS)))
    assert labels_fit(evidence(scored(LABELS), scored(np.zeros(600, np.int64), np.zeros(600, np.int64))))


def test_few_samples_are_no_proof_of_other_labels() -> None:
    """Of 12 samples a model that is right on three quarters gets half by bad luck, now and then."""
    labels = np.array([0, 1] * 6)
    answers = np.array([0, 1] * 3 + [1, 0] * 3)
    assert labels_fit(evidence(scored(labels, answers), scored(LABELS)))
