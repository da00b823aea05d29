"""Findings about the samples."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.comparison.arms import FLOAT, PTQ
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.words import percent
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.data.coverage import class_coverage
from edgeq.data.overlap import Overlap

SPLITS = {"train": "training", "val": "validation", "calib": "calibration"}
"""The splits as sentences name them."""


def test_in_training(evidence: Evidence) -> Iterator[CompareFinding]:
    """Test samples are in another split too."""
    for found in evidence.checks.overlaps if evidence.checks else ():
        same, share = found.shared + found.near, (found.shared + found.near) / found.test
        if same == 0:
            continue
        repeated = max(found.natural, found.natural_near)
        expected = repeated * found.test
        natural = same <= limit.NATURAL_FACTOR * expected + limit.NATURAL_DEVIATIONS * expected**0.5
        split = SPLITS[found.split]
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
