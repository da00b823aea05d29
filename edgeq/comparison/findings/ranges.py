"""Findings about the ranges of models that a user brought, by their own integers."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgeq.comparison.arms import PTQ
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.words import percent
from edgeq.comparison.record import CompareFinding, LayerReport, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """How an arm uses its ranges: shares of its worst tensor, and of its usual one (the median)."""

    worst_clipped: float
    usual_clipped: float
    worst_unused: float
    usual_unused: float


def ranges_lost(evidence: Evidence) -> Iterator[CompareFinding]:
    """A given int8 model whose values pile up at the ends of its ranges, or leave most of the codes unused."""
    if not evidence.given:  # what edgeq makes is compared with the float model's values
        return
    layers = _int8_layers(evidence)
    uses = {arm: _use(found) for arm, found in layers.items()}
    for arm, use in uses.items():
        others = {name: other for name, other in uses.items() if name != arm}
        best = _best(list(others.values())) if others else None
        if _lost(use, best, behind=any(-evidence.gain(name, arm) > evidence.margin_share for name in others)):
            yield _finding(evidence, arm, layers[arm], use, best)


def _int8_layers(evidence: Evidence) -> Mapping[str, Sequence[LayerReport]]:
    found: dict[str, list[LayerReport]] = {}
    for layer in evidence.layers:
        run = evidence.first_run(layer.arm)
        if run is not None and run.scheme == "int8":
            found.setdefault(layer.arm, []).append(layer)
    return found


def _use(layers: Sequence[LayerReport]) -> _Use:
    clipped, unused = [layer.clipped for layer in layers], [layer.unused for layer in layers]
    return _Use(
        worst_clipped=max(clipped), usual_clipped=statistics.median(clipped), worst_unused=max(unused),
        usual_unused=statistics.median(unused),
    )  # fmt: skip


def _best(uses: Sequence[_Use]) -> _Use:
    """The best figures of several arms: what ranges for these samples can be like."""
    return _Use(
        worst_clipped=min(u.worst_clipped for u in uses), usual_clipped=min(u.usual_clipped for u in uses),
        worst_unused=min(u.worst_unused for u in uses), usual_unused=min(u.usual_unused for u in uses),
    )  # fmt: skip


def _lost(use: _Use, other: _Use | None, *, behind: bool) -> bool:
    """Ranges that are wrong by themselves, or beside another int8 model's, which shows what these samples need."""
    if use.usual_clipped > limit.CLIPPED_LOST or use.usual_unused > limit.UNUSED_LOST:
        return True
    if other is None:
        return use.worst_clipped > limit.CLIPPED_LOST
    least = limit.CLIPPED if behind else limit.CLIPPED_LOST
    if use.worst_clipped > max(least, limit.CLIPPED_BESIDE * other.worst_clipped):
        return True
    if 1 - use.worst_unused < (1 - limit.UNUSED_LOST) * (1 - other.worst_unused):
        return True
    return behind and 1 - use.usual_unused < (1 - limit.UNUSED) * (1 - other.usual_unused)


def _finding(
    evidence: Evidence, arm: str, layers: Sequence[LayerReport], use: _Use, other: _Use | None
) -> CompareFinding:
    narrow = use.worst_clipped > limit.CLIPPED
    worst = max(layers, key=lambda layer: layer.clipped if narrow else layer.unused)
    what = (
        f"{percent(worst.clipped)} of the values on the test samples lie at the ends of the range"
        if narrow
        else f"the test samples leave {percent(worst.unused)} of the 256 codes unused: the range is"
    )
    least = other.worst_clipped if other and narrow else other.worst_unused if other else None
    ptq = arm.startswith(PTQ)
    return CompareFinding(
        code="calibration-unrepresentative" if ptq else "activation-ranges-lost",
        severity=Severity.WARNING,
        title=f"{arm}'s activation ranges do not fit what it computes",
        text=f"At {worst.layer}, {what} {worst.low:.3g} to {worst.high:.3g}"
        + (f"; another int8 model has {percent(least)} at its worst tensor. " if least is not None else ". ")
        + (
            "It was calibrated on samples that are not like the test samples."
            if ptq
            else "Ranges that were trained were lost on the way to the .tflite, or training never settled them."
        ),
        evidence={
            "tensors": len(layers), "worst_clipped": use.worst_clipped, "usual_clipped": use.usual_clipped,
            "worst_unused": use.worst_unused, "usual_unused": use.usual_unused,
            **({"others_clipped": other.worst_clipped, "others_unused": other.worst_unused} if other else {}),
        },
        advice="Calibrate on samples that look like those in use, prepared like them (200 to 500 training samples)."
        if ptq
        else "Convert the fake-quantized model as it was trained: nothing stripped, no representative dataset and no "
        "default ranges beside the trained ones; `edgeq inspect` shows the scales. After one or two epochs, train "
        "longer.",
    )  # fmt: skip
