"""Whether training took steps that were too large, by what its losses did."""

from __future__ import annotations

import math
from collections.abc import Iterator

from edgeq.comparison.arms import QAT, QAT_TFMOT
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.training import Epoch, TrainingHistory

NAMES = {QAT: "QAT", QAT_TFMOT: "tfmot's QAT"}
"""The arms that are judged, as sentences name them."""


def learning_rate_too_high(evidence: Evidence) -> Iterator[CompareFinding]:
    """Training destroyed what was there before it."""
    for arm, name in NAMES.items():
        runs = [h for h in histories(evidence, arm) if h.epochs]
        broken = [(h, epoch) for h in runs if (epoch := _destroyed_by(h)) is not None]
        if not broken:
            continue
        worst, epoch = max(broken, key=lambda b: _growth(*b))
        rate, before, after = epoch.learning_rate, worst.start.validation_loss, epoch.validation_loss
        number = worst.epochs.index(epoch) + 1
        yield CompareFinding(
            code="qat-learning-rate-too-high",
            severity=Severity.WARNING,
            title=f"{name}'s learning rate of {rate:g} is too high"
            + (f": {len(broken)} of {len(runs)} seeds diverged" if len(runs) > 1 else ""),
            text=f"Before training, the quantized model's validation loss was {before:.3g}; after epoch {number} it "
            f"was {after:.3g}. On training samples the loss went from {worst.start.loss:.3g} to {epoch.loss:.3g}. "
            "The steps are so large that they destroy what the float model had learned.",
            evidence={
                "learning_rate": rate, "epoch": number, "loss_before": before, "loss_after": after,
                "training_loss_before": worst.start.loss, "training_loss": epoch.loss,
                "loss_last_epoch": worst.epochs[-1].validation_loss, "runs": len(runs), "broken_runs": len(broken),
            },
            advice=f"Fine-tune with a tenth to a hundredth of it (--learning-rate {rate / 30:.1g}).",
        )  # fmt: skip


def histories(evidence: Evidence, arm: str) -> list[TrainingHistory]:
    """The training runs of an arm, one per seed."""
    return [run.history for (name, _), run in evidence.runs.items() if name == arm and run.history is not None]


def diverged(history: TrainingHistory) -> bool:
    """The first epoch doubled the validation loss; or an epoch that of the training samples, and ended worse off or was
    won back by the next."""
    return _destroyed_by(history) is not None


def _destroyed_by(history: TrainingHistory) -> Epoch | None:
    """The epoch whose steps were too large; None if they never were."""
    start = history.start
    for number, epoch in enumerate(history.epochs):
        after = epoch.validation_loss
        if not math.isfinite(after):
            return epoch
        if number == 0 and _doubled(history, start.validation_loss, after, least=limit.DIVERGED_ABSOLUTE):
            return epoch
        first = number < limit.FIRST_EPOCHS
        before = start.loss if first else min(e.loss for e in history.epochs[:number])
        worse = after > limit.WORSE_OFF * start.validation_loss
        if worse and _doubled(history, before, epoch.loss, least=limit.DIVERGED_MEANWHILE):
            return epoch
    return history.epochs[0] if _won_back(history) else None


def _won_back(history: TrainingHistory) -> bool:
    """The second epoch won back much of what the first one's steps had destroyed on training samples."""
    if len(history.epochs) < 2:
        return False
    start, first, second = history.start, *history.epochs[:2]
    worse = first.validation_loss > limit.WORSE_AT_FIRST * start.validation_loss
    doubled = _doubled(history, start.loss, first.loss, least=limit.DIVERGED_MEANWHILE)
    return worse and doubled and first.loss > limit.WON_BACK * second.loss


def _growth(history: TrainingHistory, epoch: Epoch) -> float:
    """Of the validation loss, as a factor: infinite where it is no number any more."""
    growth = epoch.validation_loss / max(history.start.validation_loss, 1e-12)
    return growth if math.isfinite(growth) else math.inf


def _doubled(history: TrainingHistory, before: float, after: float, *, least: float) -> bool:
    unit = 1.0 if "crossentropy" in history.loss else before
    return after > limit.DIVERGED * before and after - before > least * unit
