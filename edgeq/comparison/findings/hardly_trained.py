"""The finding that the float model was hardly trained, as what it answers on its own training samples shows."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.learning import TrainedOn, learned_little, short_of
from edgeq.comparison.findings.words import percent
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.comparison.scores import Scores

TRAIN_OUT = "Train the float model until its validation loss stops falling, then compare PTQ with QAT again."
"""What to do about it."""

_OF_NUMBERS = {
    "mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "mean_squared_logarithmic_error", "poisson"
}  # fmt: skip
"""Losses that lead to a mean or a median of the targets."""


def hardly_trained(
    seen: Scores, trained_on: TrainedOn | None, *, losses: frozenset[str], logits: bool, stale: bool = False
) -> Iterator[CompareFinding]:
    """The finding, or none.

    Args:
        seen: the float model on training samples.
        trained_on: that model trained on, if there is one.
        losses: Keras' names of those that it was trained with; empty: nobody knows.
        logits: scores that are no probabilities are logits.
        stale: `seen` is of the model with new batch-norm statistics, the others have stale ones, so that some of the
            gain may be these.
    """
    if seen.errors is None:
        yield from _unsure(seen, trained_on, logits=logits, unsure=limit.UNSURE_FAR if stale else limit.UNSURE)
    elif losses <= _OF_NUMBERS:
        yield from _short(seen, trained_on, squared=losses <= {"mean_squared_error"})


def _unsure(seen: Scores, trained_on: TrainedOn | None, *, logits: bool, unsure: float) -> Iterator[CompareFinding]:
    found = learned_little(seen, trained_on=trained_on, logits=logits, unsure=unsure)
    if found is not None:
        yield _finding(
            f"on its training samples the loss is {found.loss:.3g}, that of guessing {found.guessing_loss:.3g}",
            f"It is right on {percent(found.accuracy)} of them, and on average {percent(found.confidence)} sure. "
            "A model that is trained out is as sure of its training samples as it is right about them; this one",
            {
                "training_accuracy": found.accuracy, "training_confidence": found.confidence,
                "training_loss": found.loss, "guessing_loss": found.guessing_loss,
            },
        )  # fmt: skip


def _short(seen: Scores, trained_on: TrainedOn | None, *, squared: bool) -> Iterator[CompareFinding]:
    found = short_of(seen, trained_on=trained_on, squared=squared)
    if found is None:
        return
    if found.factor is not None:
        yield _finding(
            f"its predictions of training targets are too small, and would be best {found.factor:.1f} times as large",
            "Where training ends, a factor on the predictions gains nothing any more. Here it does, and most of the "
            "targets' variance is left: training",
            {"factor": found.factor, "offset": found.offset},
        )
    else:
        yield _finding(
            f"its predictions of training targets are off by {found.offset:.1f} standard deviations on average",
            "Where training ends, a constant that is added to the predictions gains nothing any more. Here it does (if "
            "the targets are in the unit that the model was trained on): training",
            {"offset": found.offset},
        )


def _finding(seen: str, why: str, evidence: dict[str, float | int | str]) -> CompareFinding:
    return CompareFinding(
        code="float-model-undertrained",
        severity=Severity.WARNING,
        title=f"The float model is hardly trained: {seen}",
        text=f"{why} was stopped on the way there, and whatever trains the model on gains by that alone.",
        evidence=evidence,
        advice=TRAIN_OUT,
    )
