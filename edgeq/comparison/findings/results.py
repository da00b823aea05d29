"""Findings about what the test set can show."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.comparison.contrasts import MCNEMAR
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.words import percent, points
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.statistics.equivalence import Conclusion


def inconclusive(evidence: Evidence) -> Iterator[CompareFinding]:
    """Declared contrasts that show neither a difference nor that there is none."""
    open_ones = [c for c in evidence.contrasts if c.declared and c.artifact.conclusion is Conclusion.INCONCLUSIVE]
    if not open_ones:
        return
    pairs = ", ".join(f"{c.second} against {c.first}" for c in open_ones)
    needed = [c.artifact.samples_needed for c in open_ones if c.artifact.samples_needed is not None]
    yield CompareFinding(
        code="difference-inconclusive",
        severity=Severity.INFO,
        title=f"Not decided by these samples: {pairs}",
        text="The differences seen may be chance, and it is not shown either that they are smaller than the margin."
        + (f" If they are what they look like, about {max(needed):,} test samples would show it." if needed else ""),
        evidence={f"{c.second} - {c.first}": c.artifact.difference for c in open_ones},
        advice="Do not read these numbers as a ranking. Test on more samples, or choose by size, speed and effort.",
    )


def test_set_small(evidence: Evidence) -> Iterator[CompareFinding]:
    """The test set could not show a difference of the size that people argue about."""
    family = [c for c in evidence.contrasts if c.declared and c.artifact.test == MCNEMAR]
    blind = [c for c in family if c.artifact.detectable is None or c.artifact.detectable > limit.TEST_SET_SHOWS]
    undecided = [c for c in blind if c.artifact.conclusion is Conclusion.INCONCLUSIVE]
    if not undecided:
        return
    found = [c.artifact.detectable for c in undecided if c.artifact.detectable is not None]
    n = evidence.data.test
    smallest = f"{points(min(found))}" if found else "any size"
    yield CompareFinding(
        code="test-set-too-small",
        severity=Severity.WARNING,
        title=f"{n} test samples are too few for this question",
        text=f"With them, a true difference must be {smallest} or more to be found four times out of five. "
        f"One sample is {percent(1 / n)} of the accuracy.",
        evidence={"samples": n, "detectable": min(found) if found else "none", "undecided": len(undecided)},
        advice="Test on more samples (some thousands decide differences of one point), or do not decide by accuracy.",
    )
