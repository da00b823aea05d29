"""Ranges that do not fit the test samples, and those that miss them as chance lets expect."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from edgeq.comparison.arms import PTQ
from edgeq.comparison.findings.calibration import calibration_ranges
from edgeq.comparison.record import LayerReport
from edgeq.statistics.equivalence import Conclusion


def evidence(*, clipped: float = 0.0, unused: float = 0.0, samples: int = 200, test: int = 500, worse: bool) -> Any:
    """PTQ with one tensor."""
    layer = LayerReport(
        arm=PTQ, layer="dense", tensor="t", low=0.0, high=1.0, sqnr_db=30.0, clipped=clipped, unused=unused,
        channel_ratio=None,
    )  # fmt: skip
    artifact = SimpleNamespace(conclusion=Conclusion.WORSE if worse else Conclusion.INCONCLUSIVE)
    return SimpleNamespace(
        given=False, layers=(layer,), contrast=lambda *_: SimpleNamespace(artifact=artifact),
        data=SimpleNamespace(calibration_samples=samples, calibration="training", test=test),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (evidence(unused=0.8, worse=False), True),
        (evidence(unused=0.6, worse=False), False),  # a heavy tail, and nothing lost by it
        (evidence(unused=0.6, worse=True), True),
        (evidence(unused=0.8, test=30, worse=False), False),  # thirty samples seldom reach what two hundred did
        (evidence(unused=0.95, test=30, worse=False), True),
        (evidence(clipped=0.04, worse=False), False),
        (evidence(clipped=0.06, worse=False), True),
        (evidence(clipped=0.1, test=30, worse=False), False),  # three of thirty
        (evidence(clipped=0.2, test=30, worse=False), True),
    ],
)
def test_what_chance_leaves_outside_or_unused_is_no_fault(given: Any, found: bool) -> None:
    codes = [f.code for f in calibration_ranges(given)]
    assert codes == ["calibration-unrepresentative"] * found


def test_few_calibration_samples_are_the_fault_themselves() -> None:
    (found,) = calibration_ranges(evidence(clipped=0.04, samples=10, worse=False))
    assert found.code == "calibration-set-too-small"
