"""Whether a float model was trained out, by its certainty: on probabilities made by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgeq.comparison.arms import FLOAT, FLOAT_CONTINUED
from edgeq.comparison.findings.hardly_trained import hardly_trained
from edgeq.comparison.findings.learning import TrainedOn, learned_little, short_of
from edgeq.comparison.findings.training import float_undertrained
from edgeq.comparison.scores import Scores, score
from edgeq.records import Metric
from edgeq.validation.accuracy import Task

N, CLASSES = 600, 4
RNG = np.random.default_rng(3)
LABELS = RNG.integers(0, CLASSES, N)
TASK = Task(metric=Metric.TOP1, output=0, labels=LABELS, classes=CLASSES)
NOISE = RNG.normal(size=(N, CLASSES))


def logits(knowledge: float, scale: float) -> np.ndarray:
    """`knowledge` says how often the largest is the right one, `scale` how large they are."""
    return scale * (NOISE + knowledge * np.eye(CLASSES)[LABELS])


def softmax(knowledge: float, scale: float) -> Scores:
    powers = np.exp(logits(knowledge, scale))
    return score(TASK, (powers / powers.sum(axis=1, keepdims=True),))


def on(before: Scores, after: Scores | None, *, epochs: int = 1, groups: np.ndarray | None = None) -> TrainedOn | None:
    return None if after is None else TrainedOn(before=before, after=after, epochs=epochs, groups=groups)


def little(seen: Scores, continued: Scores | None = None, *, logits: bool = False, **how: Any) -> bool:
    return learned_little(seen, trained_on=on(seen, continued, **how), logits=logits) is not None


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (softmax(1.5, 0.05), True),  # right, and nearly undecided: the first epoch
        (softmax(1.5, 1.5), False),  # as sure as right, on a hard task
        (softmax(1.5, 3.0), False),  # surer than right
        (softmax(0.0, 0.01), False),  # guesses, and knows it: perhaps there is nothing to learn
        (softmax(0.0, 3.0), False),  # sure of what is wrong: something else is the matter
        (softmax(6.0, 0.45), False),  # smoothed labels: always right, never quite sure
    ],
)
def test_a_trained_model_is_as_sure_as_right(seen: Scores, found: bool) -> None:
    assert little(seen) == found


def test_more_training_tells_it_from_dropout_and_smoothed_labels() -> None:
    seen = softmax(1.5, 0.6)
    assert not little(seen)
    assert not little(seen, continued=seen)
    assert not little(seen, continued=softmax(1.5, 1.4))  # surer, and knows no more
    assert not little(seen, continued=softmax(1.503, 0.6))
    assert little(seen, continued=softmax(1.8, 0.62))
    first = softmax(0.4, 0.05)  # right a little more often than by chance
    assert not little(first) and little(first, continued=softmax(0.8, 0.06))
    guesses = softmax(0.0, 0.01)
    assert not little(guesses, continued=softmax(0.02, 0.01)) and little(guesses, continued=softmax(0.8, 0.06))


@pytest.mark.parametrize(("groups", "found"), [(N, True), (60, True), (6, False)])
def test_a_gain_within_a_few_groups_is_no_certainty(groups: int, found: bool) -> None:
    """The first group answers better, the others as before."""
    seen, better = softmax(1.5, 0.6), softmax(2.5, 0.7)
    belongs = np.arange(N) % groups
    gained = belongs < max(1, groups // 6)
    after = score(TASK, (np.where(gained[:, None], better.values, seen.values),))
    assert little(seen, continued=after)
    assert little(seen, continued=after, groups=belongs) == found


def test_a_control_with_stale_statistics_must_show_more() -> None:
    """Right much more often than sure with new ones: hardly trained, even if some of the gain is statistics."""
    seen, old, after = softmax(1.5, 0.2), softmax(1.0, 0.2), softmax(1.3, 0.2)
    slightly = softmax(1.5, 0.9)
    for given, found in ((seen, True), (slightly, False)):
        findings = hardly_trained(given, on(old, after), losses=frozenset(), logits=False, stale=True)
        assert bool(list(findings)) == found
    assert list(hardly_trained(slightly, on(old, after), losses=frozenset(), logits=False))


def test_rare_classes_that_are_hard_to_tell_are_no_lack_of_training() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=4000)
    p = 1 / (1 + np.exp(3 - 0.5 * x))
    task = Task(metric=Metric.TOP1, output=0, labels=(rng.random(4000) < p).astype(np.int64), classes=2, binary=True)
    true = score(task, (p[:, None],))
    assert not little(true) and not little(true, continued=true)


def test_scores_are_logits_only_if_something_says_so() -> None:
    seen = score(TASK, (logits(1.5, 0.05),))
    assert not little(seen)
    assert little(seen, logits=True)


def test_one_probability_of_two_classes() -> None:
    labels = LABELS % 2
    task = Task(metric=Metric.TOP1, output=0, labels=labels, classes=2, binary=True)
    p = 1 / (1 + np.exp(-(NOISE[:, 0] + 2 * labels - 1)))
    assert not little(score(task, (p[:, None],)))
    assert not little(score(task, (0.5 + 0.02 * (p[:, None] - 0.5),)))  # half sure is as sure as that one can be
    better = 1 / (1 + np.exp(-(NOISE[:, 0] + 4 * labels - 2)))
    assert little(score(task, (0.5 + 0.02 * (p[:, None] - 0.5),)), score(task, (0.5 + 0.03 * (better[:, None] - 0.5),)))


def test_the_finding_needs_no_gain_in_accuracy() -> None:
    seen, after = softmax(1.5, 0.05), softmax(1.8, 0.06)
    arms = {name: SimpleNamespace(first=s, runs={0: s}) for name, s in ((FLOAT, seen), (FLOAT_CONTINUED, after))}
    given: Any = SimpleNamespace(
        metric=Metric.TOP1, margin_share=0.01, seen={FLOAT: seen}, arms=arms, runs={}, contrast=lambda a, b: None,
        gain=lambda a, b: 0.0, checks=None, groups=None, data=SimpleNamespace(test=N),
        first_run=lambda name: None, loss=None,
    )  # fmt: skip
    (found,) = float_undertrained(given)
    assert found.code == "float-model-undertrained" and "hardly trained" in found.title
    assert found.evidence["training_confidence"] < 0.5 * found.evidence["training_accuracy"]


@pytest.mark.parametrize("epochs", [1, 20])
def test_more_epochs_of_a_trained_model_bring_more(epochs: int) -> None:
    """What one epoch brings to a model of one epoch, twenty bring to one that is trained out."""
    assert little(softmax(1.5, 0.6), continued=softmax(1.6, 0.62), epochs=epochs) == (epochs == 1)


def numbers(seen: np.ndarray, targets: np.ndarray) -> Scores:
    return score(Task(metric=Metric.RMSE, output=0, labels=targets, classes=0), (seen,))


@pytest.mark.parametrize(
    ("shrunk", "known", "gain", "found"),
    [
        (0.4, 1.0, 0.05, True),  # predictions of the first epoch
        (1.0, 1.0, 0.05, False),  # as large as they should be, on a hard task
        (0.4, 1.0, 0.0, False),  # more training does not help
        (0.4, 0.0, 0.05, False),  # nothing to do with the targets
    ],
)
@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_predictions_that_are_too_small(shrunk: float, known: float, gain: float, found: bool, offset: float) -> None:
    """Also of targets whose mean is to be learned, too."""
    signal = NOISE[:, :1]
    targets = signal + NOISE[:, 1:2] + offset

    def predicted(scale: float) -> Scores:
        return numbers(scale * (known * signal + (1 - known) * NOISE[:, 2:3]) + offset * (0.8 + gain), targets)

    seen = predicted(shrunk)
    factor = getattr(short_of(seen, trained_on=on(seen, predicted(shrunk + gain)), squared=True), "factor", None)
    assert (factor is not None) == found
    assert factor is None or factor == pytest.approx(1 / shrunk, rel=0.1)


@pytest.mark.parametrize(
    ("off", "gain", "losses", "found"),
    [
        (2.0, 0.2, {"mean_squared_error"}, True),
        (0.7, 0.1, {"mean_squared_error"}, True),
        (0.7, 0.1, {"mean_absolute_error"}, False),  # a median may be as far from the mean
        (2.0, 0.2, {"mean_absolute_error"}, True),
        (2.0, 0.2, {"mean_absolute_percentage_error"}, False),  # leads below the median
        (2.0, 0.0, {"mean_squared_error"}, True),  # nor does more training have to prove it
        (0.7, 0.001, {"mean_squared_error"}, True),  # a step at a time
        (0.7, 0.0, {"mean_squared_error"}, False),
        (2.0, None, set(), True),  # nothing was trained, and no loss leaves so much
        (0.7, None, set(), False),
        (0.1, 0.1, {"mean_squared_error"}, False),
    ],
)
def test_an_offset_that_was_not_learned(off: float, gain: float | None, losses: set[str], found: bool) -> None:
    """In standard deviations of the targets; all else is learned."""
    targets = 40.0 + 5.0 * NOISE[:, :1]
    spread = float(targets.std())
    known = targets + NOISE[:, 1:2]
    seen = numbers(known - off * spread, targets)
    after = None if gain is None else numbers(known - (off - gain) * spread, targets)
    findings = list(hardly_trained(seen, on(seen, after), losses=frozenset(losses), logits=False))
    assert [f.code for f in findings] == ["float-model-undertrained"] * found
    assert all(float(f.evidence["offset"]) == pytest.approx(off, abs=0.1) for f in findings)


@pytest.mark.parametrize("loss", ["categorical_focal_crossentropy", "sparse_categorical_crossentropy", None])
@pytest.mark.parametrize("trained", [True, False])
def test_the_loss_says_that_scores_are_logits(loss: str | None, trained: bool) -> None:
    """That of the control's training, or the one that the model's file names."""
    seen = score(TASK, (logits(1.5, 0.05),))
    arms = {FLOAT: SimpleNamespace(first=seen, runs={0: seen})}
    runs = {}
    if trained:
        after = score(TASK, (logits(1.8, 0.06),))
        arms[FLOAT_CONTINUED] = SimpleNamespace(first=after, runs={0: after})
        runs[FLOAT_CONTINUED, 0] = SimpleNamespace(history=SimpleNamespace(loss=loss or "mean_squared_error", best=1))
    given: Any = SimpleNamespace(
        metric=Metric.TOP1, margin_share=0.01, seen={FLOAT: seen}, arms=arms, runs=runs, contrast=lambda a, b: None,
        gain=lambda a, b: 0.0, checks=None, groups=None, data=SimpleNamespace(test=N),
        first_run=lambda name: runs.get((name, 0)), loss=loss,
    )  # fmt: skip
    assert bool(list(float_undertrained(given))) == (loss is not None)
