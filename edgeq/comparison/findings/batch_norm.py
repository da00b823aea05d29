"""The finding that the float model's batch-norm statistics are stale."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.comparison.arms import FLOAT, FLOAT_BN, FLOAT_CONTINUED, FLOAT_CONTINUED_TFMOT
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.gains import improves, loss_fall
from edgeq.comparison.findings.words import amount, percent, shown
from edgeq.comparison.record import CompareFinding, Severity

_CONTROLS = (FLOAT_CONTINUED, FLOAT_CONTINUED_TFMOT)


def batch_norm_stale(evidence: Evidence) -> Iterator[CompareFinding]:
    """New statistics alone make the float model better, and bring most of what more training brings, as far as there
    was any."""
    yield from (f for f in _stale(evidence) if _most_of_training(evidence))


def batch_norm_stale_besides(evidence: Evidence) -> Iterator[CompareFinding]:
    """The same where more training brings much more."""
    yield from (f for f in _stale(evidence) if not _most_of_training(evidence))


def _most_of_training(evidence: Evidence) -> bool:
    by_metric = improves(evidence, FLOAT, FLOAT_BN)

    def brought(arm: str) -> float:
        if not by_metric:
            return loss_fall(evidence, FLOAT, arm).part
        return evidence.gain(FLOAT, arm) if improves(evidence, FLOAT, arm) else 0.0

    trained = [brought(arm) for arm in _CONTROLS if arm in evidence.arms]
    return brought(FLOAT_BN) >= limit.REMAINING_GAIN * max(trained, default=0.0)


def _stale(evidence: Evidence) -> Iterator[CompareFinding]:
    if FLOAT not in evidence.arms or FLOAT_BN not in evidence.arms:
        return
    gain = evidence.gain(FLOAT, FLOAT_BN)
    by_metric, fall = improves(evidence, FLOAT, FLOAT_BN), loss_fall(evidence, FLOAT, FLOAT_BN)
    large = fall.part >= limit.STALE_LOSS and fall.of_guessing >= limit.STALE_LOSS_LEAST
    if not by_metric and (not large or gain < -evidence.margin_share):
        return
    before, after = (shown(evidence, evidence.mean(arm)) for arm in (FLOAT, FLOAT_BN))
    yield CompareFinding(
        code="batch-norm-statistics-stale",
        severity=Severity.WARNING,
        title="The float model's batch-norm statistics are stale: new ones "
        + (f"bring {amount(evidence, gain)}" if by_metric else f"take {percent(fall.part)} off its loss"),
        text="Taking the mean and variance of each batch norm again on the training data, without changing a weight, "
        + (
            f"moves the float model from {before} to {after}. "
            if by_metric
            else f"takes {percent(fall.part)} off its loss on the test samples; {before} become {after}. "
        )
        + "Its moving averages had not settled when training stopped, so the float figure is no fair one, and whatever "
        "trains on repairs it in passing.",
        evidence={
            "float": evidence.mean(FLOAT), "float_new_statistics": evidence.mean(FLOAT_BN), "gain": gain,
            "loss_fall": fall.part,
        },
        advice="Train longer, lower the batch norms' momentum (0.9 instead of 0.99), or take the statistics again "
        "before you quantize; compare with that model.",
    )  # fmt: skip
