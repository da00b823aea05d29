"""Findings about int8 models."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from edgeq.comparison.arms import FLOAT, INT16X8, PTQ, PTQ_EQUALIZED, QAT, QAT_TFMOT
from edgeq.comparison.contrasts import artifacts
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.words import amount, points
from edgeq.comparison.made import Made
from edgeq.comparison.record import CompareFinding, LayerReport, Severity
from edgeq.comparison.scores import Scores
from edgeq.comparison.summary import lead, turned
from edgeq.records import Agreement, Metric
from edgeq.statistics.equivalence import Conclusion
from edgeq.validation.agreement import agreement_of, has_gap

LAYERS_QUANTIZE_BADLY = "layers-quantize-badly"
"""The finding for which remedies are tried."""


def conversion_gap(evidence: Evidence) -> Iterator[CompareFinding]:
    """The int8 model answers something else than the fake-quantized model that was trained."""
    for arm in (QAT, QAT_TFMOT):
        run = evidence.first_run(arm)
        if run is None or not run.trained:
            continue
        found = _agreement(evidence.arms[arm].first, run)
        if not has_gap(found):
            continue
        yield CompareFinding(
            code="conversion-gap",
            severity=Severity.ERROR,
            title=f"{arm}: the int8 model is not the model that was trained",
            text=f"On {found.apart} of {found.samples} test samples it answers something else than the fake-quantized "
            "model, and not by rounding. "
            "Ranges or weights were changed on the way to the .tflite, so this arm's figure is not QAT's.",
            evidence={"disagree": found.apart, "samples": found.samples, "agreement": found.share},
            advice="Look at `edgeq inspect` for the scales, and convert without a representative dataset that "
            "overrides the trained ranges.",
        )


def _agreement(int8: Scores, run: Made) -> Agreement:
    at = int8.task.output
    return agreement_of(
        run.trained[at], run.test[at], run.rounding[at], classes=int8.right is not None and not int8.task.binary
    )


def layers_quantize_badly(evidence: Evidence) -> Iterator[CompareFinding]:
    """PTQ loses accuracy, and some layers have hardly any bits."""
    if FLOAT not in evidence.arms or PTQ not in evidence.arms:
        return
    contrast = evidence.contrast(FLOAT, PTQ)
    loss = -evidence.gain(FLOAT, PTQ)
    matters = (
        contrast is not None
        and contrast.artifact.conclusion is Conclusion.WORSE
        and not contrast.artifact.within_margin
    )
    bad = [
        layer
        for layer in evidence.layers
        if layer.arm == PTQ and (_sqnr(layer) < limit.BAD_SQNR_DB or (layer.channel_ratio or 0) > limit.WIDE_CHANNELS)
    ]
    if not bad or not matters:
        return
    worst = max(bad, key=lambda layer: (max(layer.channel_ratio or 0.0, limit.WIDE_CHANNELS), -_sqnr(layer)))
    ratio = worst.channel_ratio or 0.0
    remedies = {
        name: evidence.gain(PTQ, arm)
        for name, arm in (("equalising the layers", PTQ_EQUALIZED), ("16-bit activations", INT16X8), ("QAT", QAT))
        if arm in evidence.arms
    }
    best = max(remedies, key=lambda name: remedies[name], default=None)
    tried = "; ".join(
        f"{name} {'brings' if g > 0 else 'costs'} {amount(evidence, abs(g))}" for name, g in remedies.items()
    )
    yield CompareFinding(
        code=LAYERS_QUANTIZE_BADLY,
        severity=Severity.WARNING,
        title=f"PTQ loses {amount(evidence, loss)}: {_layers(bad)} quantize badly",
        text=f"At {worst.layer} the signal is {_sqnr(worst):.1f} dB above the quantization noise"
        + (f", and the widest channel is {ratio:.0f} times the others" if ratio > limit.WIDE_CHANNELS else "")
        + ". All channels of a tensor share one scale, so small ones are left with a few steps."
        + (f" Tried here: {tried}." if tried else ""),
        evidence={
            "loss": loss, "bad_layers": len(bad), "worst_sqnr_db": _sqnr(worst),
            "worst_channel_ratio": ratio, **{f"gain of {n}": g for n, g in remedies.items()},
        },
        advice=f"Use what helped most here: {best}."
        if best and remedies[best] > 0
        else "Retrain with weight decay, or replace the layers named.",
    )  # fmt: skip


def _sqnr(layer: LayerReport) -> float:
    return math.inf if layer.sqnr_db is None else layer.sqnr_db


def _layers(bad: list[LayerReport]) -> str:
    return bad[0].layer if len(bad) == 1 else f"{len(bad)} layers"


def scores_tie(evidence: Evidence) -> Iterator[CompareFinding]:
    """int8 scores are often equal, so that the order of the classes decides (not of AUC, which counts them half)."""
    if evidence.metric is Metric.AUC:
        return
    found = {
        name: (int(arm.first.tied.sum()), _moved_by_ties(arm.first))
        for name, arm in evidence.arms.items()
        if arm.first.tied is not None and arm.first.tied.any()
    }
    if not found:
        return
    most = max(found, key=lambda name: found[name])
    ties, moved = found[most]
    n = len(evidence.arms[most].first.values)
    yield CompareFinding(
        code="int8-scores-tie",
        severity=Severity.WARNING if moved > max(limit.TIES, evidence.margin) else Severity.INFO,
        title=f"{ties} of {n} predictions of {most} are ties",
        text="Their largest scores are equal, and the lowest class index won. "
        f"By another rule (the highest index, or chance) its accuracy may well be other by {points(moved)}.",
        evidence={"samples": n, "moved": moved, **{f"ties of {name}": count for name, (count, _) in found.items()}},
        advice="Scores that saturate tie: look at the last layer's range, export logits instead of a softmax, or "
        "repair the layers that lose the differences.",
    )


def _moved_by_ties(scores: Scores) -> float:
    """By how much the accuracy depends on the rule that breaks ties: the highest index instead of the lowest, or chance
    (two standard deviations around its mean)."""
    assert scores.tied is not None and scores.right is not None  # noqa: S101 (classes, as the caller has looked)
    if scores.task.binary:
        return float(scores.tied.mean())
    n, k, labels = len(scores.values), scores.scoring.k, scores.task.labels.astype(np.int64)[:, None]
    own = np.take_along_axis(scores.values, labels, axis=1)
    larger, equal = (scores.values > own).sum(axis=1), scores.values == own
    behind = (equal & (np.arange(equal.shape[1]) > labels)).sum(axis=1)
    chance = np.clip((k - larger) / equal.sum(axis=1), 0.0, 1.0)
    reported = float(scores.right.mean())
    by_chance = abs(float(chance.mean()) - reported) + 2 * float(np.sqrt((chance * (1 - chance)).sum())) / n
    return max(abs(float((larger + behind < k).mean()) - reported), by_chance)


def host_kernels(evidence: Evidence) -> Iterator[CompareFinding]:
    """LiteRT's default kernels predict something else than the device's."""
    found = []
    for name, arm in evidence.arms.items():
        run = evidence.first_run(name)
        if run is not None and run.host and arm.first.predicted is not None:
            found.append((name, len(turned(arm.first, run.host)), len(arm.first.values)))
    if any(flips for _, flips, _ in found):
        shown = ", ".join(f"{name} {flips} of {n}" for name, flips, n in found if flips)
        yield CompareFinding(
            code="host-kernels-disagree",
            severity=Severity.INFO,
            title="The host's default interpreter predicts some samples differently from the device",
            text=f"Predictions that LiteRT's default kernels turn: {shown}. They round differently from TFLite "
            "Micro's, which are what a microcontroller runs and what all figures here are of.",
            evidence={name: flips for name, flips, _ in found},
            advice="Do not compare figures from Interpreter(...) on the host with these to the last digit.",
        )


def flips_at_margins(evidence: Evidence) -> Iterator[CompareFinding]:
    """Where PTQ and float disagree, float itself was nearly undecided."""
    if FLOAT not in evidence.arms or PTQ not in evidence.arms:
        return
    one, two = artifacts(evidence.arms[FLOAT], evidence.arms[PTQ])
    if one.predicted is None or two.predicted is None:
        return
    turned_at = np.flatnonzero(one.predicted != two.predicted)
    if not len(turned_at):
        return
    leads = sorted(lead(one, int(i), int(two.predicted[i])) for i in turned_at)
    everyone = np.sort(one.values, axis=1)
    usual = float(np.median(everyone[:, -1] - everyone[:, -2])) if everyone.shape[1] > 1 else 0.5
    middle = leads[len(leads) // 2]
    if middle < 0.25 * usual:
        yield CompareFinding(
            code="flips-at-small-margins",
            severity=Severity.INFO,
            title=f"PTQ turns {len(leads)} of {len(one.values)} predictions, nearly all of them close calls",
            text=f"On these samples the float model's class led by {middle:.2g} (median), on all samples by "
            f"{usual:.2g}. They could have gone either way: such flips hit right and wrong answers alike, and can even "
            "raise accuracy.",
            evidence={"flips": len(leads), "median_lead": middle, "usual_lead": usual, "largest_lead": leads[-1]},
            advice="Nothing to repair; more test samples average such flips out.",
        )
