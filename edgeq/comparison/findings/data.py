"""Findings about the samples."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.words import percent
from edgeq.comparison.record import CompareFinding, Severity
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
