"""Numbers in sentences."""

from __future__ import annotations

from edgeq.comparison.evidence import Evidence
from edgeq.report.format import is_share


def points(share: float) -> str:
    """A difference of accuracies: "1.4 points"."""
    return f"{100 * share:.1f} points"


def percent(share: float) -> str:
    """A share: "12 %", "0.4 %"."""
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def amount(evidence: Evidence, gain: float) -> str:
    """A gain of the comparison's metric: points of accuracy, or per cent of the error."""
    return points(gain) if is_share(evidence.metric) else f"{percent(gain)} of the error"


def shown(evidence: Evidence, value: float) -> str:
    """A figure of the comparison's metric: an accuracy in per cent, or an error."""
    return f"{100 * value:.1f} %" if is_share(evidence.metric) else f"{value:.4g}"
