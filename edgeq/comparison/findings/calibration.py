"""Findings about the samples that calibrated PTQ."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.comparison.arms import FLOAT, PTQ
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.words import percent
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.data.coverage import class_coverage
from edgeq.statistics.equivalence import Conclusion


def calibration_classes(evidence: Evidence) -> Iterator[CompareFinding]:
    """A class that the test samples have hardly turns up among the calibration samples, by the float model's word."""
    found = evidence.calibration_classes
    test = evidence.arms[FLOAT].first.predicted if FLOAT in evidence.arms else None
    if found is None or test is None:
        return
    if evidence.given and evidence.data.calibration != "calibration":  # who knows which of the training samples did
        return
    coverage = class_coverage(
        found, test, classes=evidence.data.classes, chance=limit.ABSENT_BY_CHANCE, strays=limit.STRAY_PREDICTIONS
    )
    if not coverage.missing:
        return
    missing, classes, share = coverage.missing, len(coverage.counts), coverage.missing_share
    strays = sum(coverage.counts[i] for i in missing)
    names = evidence.data.class_names
    shown = ", ".join(names[i] if i < len(names) else str(i) for i in missing[:8])
    yield CompareFinding(
        code="calibration-classes-missing",
        severity=Severity.WARNING,
        title=f"The calibration samples lack {len(missing)} of {classes} classes",
        text=f"Among {len(found)} calibration samples "
        + (f"the float model takes {strays} for" if strays else "there is none of")
        + f" the classes {shown}, which make {percent(share)} of the test samples. "
        "Their activations had no part in the choice of the int8 ranges.",
        evidence={
            "missing": len(missing),
            "classes": classes,
            "samples": len(found),
            "strays": strays,
            "test_share": share,
        },
        advice="Calibrate on samples of all classes: a random choice of the training samples is a good one.",
    )


def calibration_ranges(evidence: Evidence) -> Iterator[CompareFinding]:
    """PTQ's ranges do not fit the test samples: too many values are cut off, or half of a range is never used."""
    if evidence.given:  # its float model may be another one (equalised, trained on): see `ranges.ranges_lost`
        return
    layers = [layer for layer in evidence.layers if layer.arm == PTQ]
    samples, test = evidence.data.calibration_samples, evidence.data.test
    few = samples < limit.FEW_CALIBRATION_SAMPLES
    most = limit.CLIPPED if few else max(limit.CLIPPED, _outside_by_chance(samples, test))
    clipped = [layer for layer in layers if layer.clipped > most]
    least = limit.UNUSED if _ptq_loses(evidence) else max(limit.UNUSED, _unreached_by_chance(samples, test))
    unused = [layer for layer in layers if layer.unused > least]
    if not clipped and not unused:
        return
    worst = max((*clipped, *unused), key=lambda layer: max(layer.clipped, layer.unused))
    lost = (
        f"{percent(worst.clipped)} of the values on test samples are outside of the range"
        if worst in clipped
        else f"{percent(worst.unused)} of the range is never reached: the range is"
    )
    tensors = len({*clipped, *unused})
    yield CompareFinding(
        code="calibration-set-too-small" if few else "calibration-unrepresentative",
        severity=Severity.WARNING,
        title=f"The calibrated ranges do not fit the test samples in {tensors} of {len(layers)} tensors",
        text=f"At {worst.layer}, {lost} {worst.low:.3g} to {worst.high:.3g}. "
        f"{samples} {evidence.data.calibration} samples chose it.",
        evidence={
            "tensors": len(layers), "clipped_tensors": len(clipped), "unused_tensors": len(unused),
            "worst_clipped": max(layer.clipped for layer in layers),
            "worst_unused": max(layer.unused for layer in layers), "samples": samples,
        },
        advice="Calibrate on more samples that look like those in use (200 to 500 random training samples).",
    )  # fmt: skip


def _ptq_loses(evidence: Evidence) -> bool:
    contrast = evidence.contrast(FLOAT, PTQ)
    return contrast is not None and contrast.artifact.conclusion is Conclusion.WORSE


def _outside_by_chance(samples: int, test: int) -> float:
    """The largest share of `test` values outside of the range of `samples` others that is no wonder, with one value per
    sample: beta-binomial, whatever the distribution (Wilks, Annals of Mathematical Statistics 12, 1941)."""
    from scipy.stats import betabinom

    return float(betabinom.isf(limit.BY_CHANCE, test, 2, samples - 1)) / test


def _unreached_by_chance(samples: int, test: int) -> float:
    """The largest share of a range that `test` values leave unused, where `samples` others reached its end, that is no
    wonder. Where values beyond x are as rare as x to the power −a, the largest of m is more than r times that of n with
    the probability m / (m + n · r^a)."""
    odds = samples / test * (1 / limit.BY_CHANCE_OF_TAILS - 1)
    return 1 - float(max(1.0, odds) ** (-1 / limit.HEAVY_TAIL))
