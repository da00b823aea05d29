"""Findings about the samples."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.comparison.arms import FLOAT, PTQ
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.words import percent
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.data.coverage import class_coverage
from edgeq.data.overlap import Overlap, Scaling
from edgeq.data.rescaling import Preparation

_SPLITS = {"train": "training", "val": "validation", "calib": "calibration"}


def preprocessing_differs(evidence: Evidence) -> Iterator[CompareFinding]:
    """A split has values of another scale than the test samples."""
    for found in evidence.checks.scalings if evidence.checks else ():
        if found.test_std == 0:
            continue
        ratio, shift = found.std / found.test_std, (found.mean - found.test_mean) / found.test_std
        if 1 / limit.SCALE_RATIO < ratio < limit.SCALE_RATIO and abs(shift) < limit.SHIFT:
            continue
        split = _SPLITS[found.split]
        matters = split in ("calibration", evidence.data.calibration)
        yield CompareFinding(
            code=f"{split}-preprocessing-differs",
            severity=Severity.ERROR if matters else Severity.WARNING,
            title=f"The {split} samples are scaled differently from the test samples",
            text=f"The {split} samples lie between {found.low:.4g} and {found.high:.4g}, the test samples between "
            f"{found.test_low:.4g} and {found.test_high:.4g}{_explained(found, split)}. "
            + (
                "The int8 ranges were chosen for values that the model never sees when it is used."
                if matters
                else "What was learned from these samples is about other inputs than those that are tested."
            ),
            evidence=_scaling_evidence(found, ratio),
            advice=f"Prepare the {split} samples exactly like the test samples (the same division, mean and order), "
            "then run this again.",
        )


def _explained(found: Scaling, split: str) -> str:
    """What was done to the one and not to the other, if that can be told."""
    rescaling = found.rescaling
    if rescaling is None or rescaling.preparation is Preparation.NONE:
        return ""
    done = rescaling.preparation.value
    if rescaling.preparation is Preparation.OTHER:
        done = f"times {rescaling.scale:.4g}, plus {rescaling.offset:.4g}"
    return f", like the {split} samples {done}"


def _scaling_evidence(found: Scaling, ratio: float) -> dict[str, float | int | str]:
    evidence: dict[str, float | int | str] = {
        "input": found.input, "std_ratio": ratio, "mean": found.mean, "test_mean": found.test_mean, "low": found.low,
        "high": found.high, "test_low": found.test_low, "test_high": found.test_high,
    }  # fmt: skip
    if found.rescaling is not None:
        evidence |= {
            "preparation": found.rescaling.preparation.value, "scale": found.rescaling.scale,
            "offset": found.rescaling.offset,
        }  # fmt: skip
    return evidence


def test_in_training(evidence: Evidence) -> Iterator[CompareFinding]:
    """Test samples are in another split too."""
    for found in evidence.checks.overlaps if evidence.checks else ():
        same, share = found.shared + found.near, (found.shared + found.near) / found.test
        if same == 0:
            continue
        repeated = max(found.natural, found.natural_near)
        expected = repeated * found.test
        natural = same <= limit.NATURAL_FACTOR * expected + limit.NATURAL_DEVIATIONS * expected**0.5
        split = _SPLITS[found.split]
        yield CompareFinding(
            code=f"test-samples-in-{split}",
            severity=Severity.INFO if natural or share < limit.SHARED_SAMPLES else Severity.WARNING,
            title=f"{same:,} of {found.test:,} test samples are {split} samples too",
            text=f"{percent(share)} of the test samples are {_how_same(found)} in the {split} set. "
            + (
                f"These data repeat themselves: {percent(repeated)} of a set of this size have another one like them."
                if natural
                else "The model knows these samples, so every accuracy here is too high, and differences are too small."
            ),
            evidence={
                "shared": found.shared, "near": found.near, "test": found.test, "share": share,
                "natural": found.natural, "natural_near": found.natural_near,
            },
            advice=f"Remove the test samples from the {split} set, train again and compare again.",
        )  # fmt: skip


def _how_same(found: Overlap) -> str:
    if found.near == 0:
        return "bit by bit"
    return "almost unchanged" if found.shared == 0 else f"bit by bit ({found.shared:,}) or almost unchanged"


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
    samples = evidence.data.calibration_samples
    few = samples < limit.FEW_CALIBRATION_SAMPLES
    most = limit.CLIPPED if few else max(limit.CLIPPED, limit.CLIPPED_BY_CHANCE / (samples + 1))
    clipped = [layer for layer in layers if layer.clipped > most]
    unused = [layer for layer in layers if layer.unused > limit.UNUSED]
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
