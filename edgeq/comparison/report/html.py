"""compare.html: what its template is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeq.comparison.record import Comparison, Contrast, Severity
from edgeq.comparison.report import words
from edgeq.comparison.report.curves import curve_plots
from edgeq.comparison.report.margins import margin_plots
from edgeq.comparison.report.plots import arm_kind, arms_plot, differences_plot
from edgeq.comparison.report.ranges import BAD_CLIPPED, BAD_SQNR, BAD_UNUSED, range_plot
from edgeq.comparison.report.weights import weight_plot
from edgeq.report import format as fmt
from edgeq.report.page import render_page
from edgeq.report.verdict import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastRow:
    """A contrast with its sentences; `method` is empty where nothing can be claimed. `tone` and `method_tone` are the
    levels whose colours the two conclusions have."""

    contrast: Contrast
    title: str
    tone: Level
    method_tone: Level | None
    artifact: str
    method: str


def render_html(comparison: Comparison) -> str:
    """The whole page. The same comparison gives the same bytes."""
    return render_page("compare.html.j2", _context(comparison))


def _context(comparison: Comparison) -> dict[str, Any]:
    by_name = {arm.name: arm for arm in comparison.arms}
    counts = {s: sum(f.severity is s for f in comparison.findings) for s in Severity}
    detectable = [c.artifact.detectable for c in comparison.contrasts if c.declared and c.artifact.detectable]
    return {
        "comparison": comparison,
        "edgeq_version": comparison.edgeq_version,
        "level": words.level(comparison),
        "severity_levels": words.SEVERITY_LEVELS,
        "shipped": by_name.get(comparison.verdict.ship) if comparison.verdict.ship else None,
        "counts": counts,
        "detectable": max(detectable, default=None),
        "contrasts": [_contrast_row(c, comparison) for c in sorted(comparison.contrasts, key=lambda c: not c.declared)],
        "kinds": {arm.name: arm_kind(comparison, arm.name) for arm in comparison.arms},
        "spreads": {arm.name: words.mean_and_spread(arm, comparison.metric) for arm in comparison.arms},
        "arms_plot": arms_plot(comparison),
        "differences_plot": differences_plot(comparison),
        "curves": curve_plots(comparison),
        "ranges": range_plot(comparison),
        "weights": weight_plot(comparison),
        "bad": (BAD_SQNR, BAD_CLIPPED, BAD_UNUSED),
        "reasons": words.method_reasons(comparison),
        "margins": margin_plots(comparison),
        "titles": words.titles(comparison),
        "margin": words.margin(comparison),
        "step_size": fmt.size_of_step,
        "metric_title": words.metric_title(comparison),
        "share": fmt.is_share(comparison.metric),
    }


def _contrast_row(contrast: Contrast, comparison: Comparison) -> ContrastRow:
    method = contrast.method.conclusion
    return ContrastRow(
        contrast=contrast,
        title=words.contrast_title(contrast, comparison),
        tone=words.CONCLUSION_LEVELS[contrast.artifact.conclusion],
        method_tone=words.CONCLUSION_LEVELS[method] if method else None,
        artifact=_joined(words.artifact_sentence(contrast, comparison)),
        method=_joined(words.method_sentence(contrast, comparison)) if method else "",
    )


def _joined(text: str) -> str:
    """No line ends between a number and its unit."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%").replace(" pp", "\N{NO-BREAK SPACE}pp")
