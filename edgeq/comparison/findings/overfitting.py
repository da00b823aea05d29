"""Whether the float model has learned its training samples by heart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.arms import FLOAT, PTQ, QAT, QAT_TFMOT
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.labels import labels_fit
from edgeq.comparison.findings.words import points, shown
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.statistics.equivalence import Conclusion
from edgeq.statistics.units import standard_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Z99 = 2.576


def float_overfits(evidence: Evidence) -> Iterator[CompareFinding]:
    """The float model knows its training samples much better than the test samples; what PTQ loses is less than that,
    and may be a consequence."""
    for finding, gap in _overfits(evidence):
        if gap >= _lost_by_ptq(evidence):
            yield finding


def float_overfits_besides(evidence: Evidence) -> Iterator[CompareFinding]:
    """The same where PTQ loses more than that: whatever makes it do so comes first."""
    for finding, gap in _overfits(evidence):
        if gap < _lost_by_ptq(evidence):
            yield finding


def _lost_by_ptq(evidence: Evidence) -> float:
    return -evidence.gain(FLOAT, PTQ) if PTQ in evidence.arms else 0.0


def _overfits(evidence: Evidence) -> Iterator[tuple[CompareFinding, float]]:
    """The finding, and the gap: of accuracies, or a share of the test samples' error."""
    seen, test = evidence.seen.get(FLOAT), evidence.arms[FLOAT].first if FLOAT in evidence.arms else None
    if seen is None or test is None:
        return
    if seen.right is not None and test.right is not None:
        a, b = float(seen.right.mean()), float(test.right.mean())
        if not _by_heart(a - b - _Z99 * _spread(seen.right, test.right, evidence), 1 - a, 1 - b):
            return
        size, gap = a - b, f"{points(a - b)} higher"
    else:
        a, b = seen.mean, test.mean
        spreads = [float(np.var(s.task.labels.astype(np.float64), axis=0).mean()) for s in (seen, test)]
        if min(spreads) == 0.0:
            return
        left = [s.mean**2 / spread for s, spread in zip((seen, test), spreads, strict=True)]
        if not _by_heart(left[1] - left[0], *left) or not _errors_differ(seen.per_sample, test.per_sample, evidence):
            return
        size, gap = 1 - a / b, f"{b / a:.1f} times smaller in error" if a else "perfect"
    if not labels_fit(evidence):
        return
    better = [
        arm
        for arm in (PTQ, QAT, QAT_TFMOT)
        if (c := evidence.contrast(FLOAT, arm)) is not None and c.artifact.conclusion is Conclusion.BETTER
    ]
    regular = "Rounding weights and activations acts like a regulariser on such a model"
    finding = CompareFinding(
        code="float-model-overfits",
        severity=Severity.WARNING,
        title=f"The float model overfits: on training samples it is {gap}",
        text=f"It reaches {shown(evidence, a)} on samples that it was trained on and {shown(evidence, b)} on the "
        f"test samples. {regular}"
        + (f": {' and '.join(better)} beat it here without being better models." if better else "."),
        evidence={"training": a, "test": b, "training_samples": len(seen.values)},
        advice="Use more data, augmentation, dropout or weight decay, or stop earlier; then compare again.",
    )
    yield finding, size


def _by_heart(gap: float, errors: float, test_errors: float) -> bool:
    """Whether a gap between training and test samples is that of a model that has learned samples."""
    return any(
        gap >= least and errors <= most * test_errors
        for least, most in ((limit.OVERFIT, limit.OVERFIT_ERRORS), (limit.OVERFIT_FAR, limit.OVERFIT_FAR_ERRORS))
    )


def _spread(seen: NDArray[np.generic], test: NDArray[np.generic], evidence: Evidence) -> float:
    """Standard error of the difference of the means of both: (n,) of training samples, (m,) of test samples."""
    errors = standard_error(seen.astype(np.float64), None), standard_error(test.astype(np.float64), evidence.groups)
    return math.hypot(*errors)


def _errors_differ(seen: NDArray[np.float64], test: NDArray[np.float64], evidence: Evidence) -> bool:
    from scipy.stats import mannwhitneyu

    a, b = (np.abs(e).mean(axis=1) for e in (seen, test))
    if evidence.groups is not None:
        return bool(b.mean() - a.mean() > _Z99 * _spread(a, b, evidence))
    return bool(mannwhitneyu(a, b, alternative="less").pvalue < limit.EXPLORATORY_LEVEL)
