"""Findings about how models were trained."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.comparison.arms import (
    FLOAT,
    FLOAT_BN,
    FLOAT_CONTINUED,
    FLOAT_CONTINUED_TFMOT,
    PTQ,
    PTQ_CONTINUED,
    PTQ_CONTINUED_TFMOT,
    PTQ_EQUALIZED,
    QAT,
    QAT_TFMOT,
)
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.gains import improves
from edgeq.comparison.findings.hardly_trained import TRAIN_OUT, hardly_trained
from edgeq.comparison.findings.labels import labels_fit
from edgeq.comparison.findings.learning import TrainedOn
from edgeq.comparison.findings.learning_rate import NAMES, diverged, histories
from edgeq.comparison.findings.losses import CROSS_ENTROPIES
from edgeq.comparison.findings.words import amount, percent, shown
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.statistics.crossed import too_few_groups
from edgeq.statistics.equivalence import Conclusion
from edgeq.statistics.units import make_units
from edgeq.training import TrainingHistory

_CONTROLS = {QAT: (FLOAT_CONTINUED, PTQ_CONTINUED), QAT_TFMOT: (FLOAT_CONTINUED_TFMOT, PTQ_CONTINUED_TFMOT)}

_UNKNOWN = (
    " The float model was trained on just as briefly, so nobody can tell either whether it is trained out: more epochs "
    "show both."
)


def float_undertrained(evidence: Evidence) -> Iterator[CompareFinding]:
    """The same training as QAT's, without quantization, makes the float model better; or, where there was none or too
    little of it to see that, the model has hardly learned its own training samples."""
    gained = list(_gains_by_training(evidence))
    yield from gained or _hardly_trained(evidence)


def _hardly_trained(evidence: Evidence) -> Iterator[CompareFinding]:
    # Stale statistics look alike: where there are new ones, the model with them is judged. Those of the control are
    # stale then, too: it is held against the model as it was given.
    arm = FLOAT_BN if FLOAT_BN in evidence.arms and FLOAT_BN in evidence.seen else FLOAT
    if arm not in evidence.seen or not labels_fit(evidence):
        return
    stale = improves(evidence, FLOAT, FLOAT_BN)
    losses = {h.loss for control in _CONTROLS for h in histories(evidence, control)}
    if not losses and evidence.loss is not None:
        losses = {evidence.loss}
    yield from hardly_trained(
        evidence.seen[arm], _trained_on(evidence, FLOAT if stale else arm), losses=frozenset(losses),
        logits=bool(losses & CROSS_ENTROPIES), stale=stale,
    )  # fmt: skip


def _trained_on(evidence: Evidence, arm: str) -> TrainedOn | None:
    """The first control; None where there is none, or the test samples are of too few groups to show a gain."""
    control = next((a for a, _ in _CONTROLS.values() if a in evidence.arms), None)
    if control is None or too_few_groups(make_units(evidence.data.test, evidence.groups)):
        return None
    run = evidence.first_run(control)
    epochs = run.history.best if run is not None and run.history is not None else 1
    return TrainedOn(
        before=evidence.arms[arm].first, after=evidence.arms[control].first, epochs=max(1, epochs),
        groups=evidence.groups,
    )  # fmt: skip


def _gains_by_training(evidence: Evidence) -> Iterator[CompareFinding]:
    for continued in (FLOAT_CONTINUED, FLOAT_CONTINUED_TFMOT):
        if not improves(evidence, FLOAT, continued) or not labels_fit(evidence):
            continue
        gain = evidence.gain(FLOAT, continued)
        by_statistics = evidence.gain(FLOAT, FLOAT_BN) if improves(evidence, FLOAT, FLOAT_BN) else 0.0
        if by_statistics >= limit.REMAINING_GAIN * gain:
            return  # the batch norms explain it
        before, after = (shown(evidence, evidence.mean(arm)) for arm in (FLOAT, continued))
        yield CompareFinding(
            code="float-model-undertrained",
            severity=Severity.WARNING,
            title=f"The float model is not trained out: going on brings {amount(evidence, gain)}",
            text=f"Trained on exactly like QAT but without quantization, the float model goes from "
            f"{before} to {after}. QAT is training, too: part of what it gains over PTQ and over the float model is "
            "nothing but these extra epochs.",
            evidence={
                "float": evidence.mean(FLOAT), "float_continued": evidence.mean(continued), "gain": gain,
                "by_batch_norm_statistics": by_statistics,
            },
            advice=TRAIN_OUT,
        )  # fmt: skip
        return


def arm_failed(evidence: Evidence) -> Iterator[CompareFinding]:
    """An arm has no models, or lacks some seeds."""
    for arm, reasons in evidence.failures.items():
        done = len(evidence.arms[arm].runs) if arm in evidence.arms else 0
        diverged = any("NaN" in reason for reason in reasons) and arm in NAMES
        yield CompareFinding(
            code="qat-learning-rate-too-high" if diverged else "arm-failed",
            severity=Severity.WARNING,
            title=f"{NAMES[arm]}'s training diverged" if diverged else f"{arm} could not be made",
            text=f"{len(reasons)} of {len(reasons) + done} runs of {arm} failed. The first one says: "
            f"{reasons[0].splitlines()[0]}",
            evidence={"failed": len(reasons), "done": done},
            advice="Lower --learning-rate." if diverged else _second_line(reasons[0]),
        )


def _second_line(reason: str) -> str:
    """What a message says to do."""
    return " ".join(reason.splitlines()[1:]) or "Leave the method out, or change the model as the message says."


def qat_undertrained(evidence: Evidence) -> Iterator[CompareFinding]:
    """QAT stopped while it was still getting better."""
    for arm, name in NAMES.items():
        runs = [h for h in histories(evidence, arm) if h.epochs]
        if not runs or any(diverged(h) for h in runs):
            continue
        behind = _behind(evidence, arm)
        unfinished = [h for h in runs if _unfinished(h, behind=behind)]
        if len(unfinished) * 2 <= len(runs):
            continue
        first = unfinished[0]
        epochs, fell, moved = len(first.epochs), _fall(first, 1), first.epochs[-1].range_change
        yield CompareFinding(
            code="qat-undertrained",
            severity=Severity.WARNING,
            title=f"{name} stopped too early: {epochs} epoch{'s' if epochs > 1 else ''}",
            text=_how_it_ended(fell, moved)
            + "This is a figure of a training that was cut off, not of quantization-aware training."
            + (_UNKNOWN if epochs <= limit.FEW_EPOCHS and _nobody_knows(evidence, arm) else ""),
            evidence={
                "epochs": epochs, "last_fall": fell, "loss_before": first.start.validation_loss,
                "loss_last_epoch": first.epochs[-1].validation_loss,
                "range_change": moved if moved is not None else "unknown", "runs": len(runs),
                "unfinished_runs": len(unfinished),
            },
            advice=f"Train for more epochs (--epochs {max(10, 4 * epochs)}): early stopping ends it.",
        )  # fmt: skip


def _nobody_knows(evidence: Evidence, arm: str) -> bool:
    """There is a control, and nothing shows that the float model is undertrained."""
    return _CONTROLS[arm][0] in evidence.arms and not any(float_undertrained(evidence))


def _how_it_ended(fell: float, moved: float | None) -> str:
    loss = f"took {percent(fell)} off the validation loss" if fell > 0 else f"added {percent(-fell)} to it"
    ranges = f", and an activation range moved by {percent(moved)}" if moved is not None else ""
    return f"The last epoch {loss}{ranges}: nothing has settled. "


def gain_is_training(evidence: Evidence) -> Iterator[CompareFinding]:
    """QAT beats PTQ, but not PTQ of a float model that had the same extra training."""
    for arm, (_, control) in _CONTROLS.items():
        plain, fair = evidence.contrast(PTQ, arm), evidence.contrast(control, arm)
        if plain is None or fair is None or plain.artifact.conclusion is not Conclusion.BETTER:
            continue
        if fair.artifact.conclusion is Conclusion.BETTER or PTQ_EQUALIZED in evidence.arms:
            continue  # where PTQ fails at some layers, the control shares QAT's remedy for them
        yield CompareFinding(
            code="qat-gain-is-training",
            severity=Severity.INFO,
            title=f"{NAMES[arm]}'s gain over PTQ is extra training, as far as can be seen",
            text=f"{NAMES[arm]} beats PTQ by {amount(evidence, evidence.gain(PTQ, arm))}. Against PTQ of the float "
            f"model that was trained on just as long it is {amount(evidence, evidence.gain(control, arm))}, which is "
            f"{fair.artifact.conclusion.value}.",
            evidence={"over_ptq": evidence.gain(PTQ, arm), "over_control": evidence.gain(control, arm)},
            advice="Train the float model on and quantize it by PTQ: simpler, and not shown to be worse.",
        )


def _unfinished(history: TrainingHistory, *, behind: bool) -> bool:
    """Cut off while it was getting better: after an epoch or two, or after more if the arm is behind."""
    epochs = len(history.epochs)
    if epochs <= limit.FEW_EPOCHS and not history.stopped_early:
        return True
    if history.stopped_early or history.best < epochs:
        return False
    third = max(1, epochs // 3)
    return behind and _fall(history, third) > 1 - (1 - limit.FAR_FROM_DONE) ** third


def _fall(history: TrainingHistory, epochs: int) -> float:
    """The part of the validation loss that the last epochs took away."""
    losses = [history.start.validation_loss, *(epoch.validation_loss for epoch in history.epochs)]
    before = losses[-1 - epochs]
    return 1 - losses[-1] / before if before else 0.0


def _behind(evidence: Evidence, arm: str) -> bool:
    """The arm is worse than PTQ, or than PTQ of its control, by more than the margin."""
    others = (PTQ, _CONTROLS[arm][1])
    return any(o in evidence.arms and -evidence.gain(o, arm) > evidence.margin_share for o in others)
