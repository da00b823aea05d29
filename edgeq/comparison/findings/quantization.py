"""Findings about int8 models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.comparison.arms import FLOAT, INT16X8, PTQ, PTQ_EQUALIZED, QAT, QAT_TFMOT
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.words import amount, points
from edgeq.comparison.record import CompareFinding, LayerReport, Severity
from edgeq.comparison.scores import Scores, score
from edgeq.comparison.summary import lead, turned
from edgeq.statistics.equivalence import Conclusion
from edgeq.statistics.topk import top_k

LAYERS_QUANTIZE_BADLY = "layers-quantize-badly"
"""The finding for which remedies are tried."""


def conversion_gap(evidence: Evidence) -> Iterator[CompareFinding]:
    """The int8 model predicts something else than the fake-quantized model that was trained."""
    for arm in (QAT, QAT_TFMOT):
        run = evidence.first_run(arm)
        if run is None or not run.trained or evidence.arms[arm].first.predicted is None:
            continue
        scored = evidence.arms[arm].first
        wrong, n = _really_other(scored, score(scored.task, run.trained), run.steps), len(scored.values)
        if wrong < 2 or 1 - wrong / n >= limit.AGREEMENT:
            continue
        yield CompareFinding(
            code="conversion-gap",
            severity=Severity.ERROR,
            title=f"{arm}: the int8 model is not the model that was trained",
            text=f"On {wrong} of {n} test samples it predicts another class than the fake-quantized model. "
            "Ranges or weights were changed on the way to the .tflite, so this arm's figure is not QAT's.",
            evidence={"disagree": wrong, "samples": n, "agreement": 1 - wrong / n},
            advice="Look at `edgeq inspect` for the scales, and convert without a representative dataset that "
            "overrides the trained ranges.",
        )


def _really_other(int8: Scores, trained: Scores, steps: tuple[float, ...]) -> int:
    """Samples whose predictions differ although the trained model's scores are further apart than int8 can round."""
    assert int8.predicted is not None  # noqa: S101 (classes, as the caller has looked)
    tie = limit.AGREEMENT_STEPS * steps[int8.task.output] if steps else 0.0
    at = np.flatnonzero(trained.predicted != int8.predicted)
    return sum(lead(trained, int(i), int(int8.predicted[i])) > tie for i in at)


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
        if layer.arm == PTQ and (layer.sqnr_db < limit.BAD_SQNR_DB or (layer.channel_ratio or 0) > limit.WIDE_CHANNELS)
    ]
    if not bad or not matters:
        return
    worst = min(bad, key=lambda layer: layer.sqnr_db)
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
        text=f"At {worst.layer} the signal is {worst.sqnr_db:.1f} dB above the quantization noise"
        + (f", and the widest channel is {worst.channel_ratio:.0f} times the others" if worst.channel_ratio else "")
        + ". All channels of a tensor share one scale, so small ones are left with a few steps."
        + (f" Tried here: {tried}." if tried else ""),
        evidence={
            "loss": loss, "bad_layers": len(bad), "worst_sqnr_db": worst.sqnr_db,
            "worst_channel_ratio": worst.channel_ratio or 0.0, **{f"gain of {n}": g for n, g in remedies.items()},
        },
        advice=f"Use what helped most here: {best}."
        if best and remedies[best] > 0
        else "Retrain with weight decay, or replace the layers named.",
    )  # fmt: skip


def _layers(bad: list[LayerReport]) -> str:
    return bad[0].layer if len(bad) == 1 else f"{len(bad)} layers"


def scores_tie(evidence: Evidence) -> Iterator[CompareFinding]:
    """int8 scores are often equal, so that the order of the classes decides."""
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
        f"With another rule its accuracy could be other by {points(moved)}.",
        evidence={"samples": n, "moved": moved, **{f"ties of {name}": count for name, (count, _) in found.items()}},
        advice="Scores that saturate tie: look at the last layer's range, export logits instead of a softmax, or "
        "repair the layers that lose the differences.",
    )


def _moved_by_ties(scores: Scores) -> float:
    """By how much the accuracy depends on the rule that breaks ties."""
    if scores.task.binary or scores.tied is None:
        return float(scores.tied.mean()) if scores.tied is not None else 0.0
    ranked = top_k(scores.values, scores.task.labels.astype(np.int64))
    return (ranked.possibly - ranked.always) / len(scores.values)


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
    one, two = evidence.arms[FLOAT].first, evidence.arms[PTQ].first
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
