"""The finding that the float model was hardly trained, as what it answers on its own training samples shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgeq.comparison.findings.learning import learned_little, timid_by
from edgeq.comparison.findings.words import percent
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.comparison.scores import Scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRAIN_OUT = "Train the float model until its validation loss stops falling, then compare PTQ with QAT again."
"""What to do about it."""


def hardly_trained(
    seen: Scores, before: Scores, continued: Scores | None, *, logits: bool, groups: NDArray[np.int64] | None
) -> Iterator[CompareFinding]:
    """The finding, or none. `seen` is the float model on training samples, `before` the same on test samples,
    `continued` that model trained on, if there is one; `logits` says what scores are that are no probabilities,
    `groups` (n,) which test samples belong together."""
    if seen.errors is not None:
        factor = timid_by(seen, before=before, continued=continued, groups=groups) if continued is not None else None
        if factor is not None:
            yield _finding(
                f"its predictions of training targets are too small, and would be best {factor:.1f} times as large",
                "Where training ends, a factor on the predictions gains nothing any more. Here it does, and most of "
                "the targets' variance is left: training",
                {"factor": factor},
            )
        return
    found = learned_little(seen, before=before, continued=continued, logits=logits, groups=groups)
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


def _finding(seen: str, why: str, evidence: dict[str, float | int | str]) -> CompareFinding:
    return CompareFinding(
        code="float-model-undertrained",
        severity=Severity.WARNING,
        title=f"The float model is hardly trained: {seen}",
        text=f"{why} was stopped on the way there, and whatever trains the model on gains by that alone.",
        evidence=evidence,
        advice=TRAIN_OUT,
    )
