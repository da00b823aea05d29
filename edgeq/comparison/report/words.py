"""What the figures of a comparison mean, in sentences: the same on the console and in HTML."""

from __future__ import annotations

import math

from edgeq.comparison.arms import spoken
from edgeq.comparison.record import Arm, ArtifactAnswer, Comparison, Contrast, Run, Severity
from edgeq.comparison.scoring import Scoring
from edgeq.records import Metric
from edgeq.report import format as fmt
from edgeq.report.verdict import Level
from edgeq.statistics.equivalence import Conclusion

_SHORT = 16
"""A title that is no longer goes into a table as it is."""

SEVERITY_LEVELS = {Severity.ERROR: Level.FAIL, Severity.WARNING: Level.WARN, Severity.INFO: Level.UNKNOWN}
CONCLUSION_LEVELS = {
    Conclusion.BETTER: Level.OK,
    Conclusion.WORSE: Level.FAIL,
    Conclusion.EQUIVALENT: Level.OK,
    Conclusion.INCONCLUSIVE: Level.UNKNOWN,
}


def shown_run(arm: Arm) -> Run | None:
    """The run whose figures stand for the arm: the first, which is also the one that contrasts call this artifact."""
    return arm.runs[0] if arm.runs else None


def metric_title(comparison: Comparison) -> str:
    """What is measured: "top-5 accuracy"."""
    return Scoring(metric=comparison.metric, k=comparison.top_k).title


def titles(comparison: Comparison) -> dict[str, str]:
    """The arms' titles by their names."""
    return {arm.name: arm.title for arm in comparison.arms}


def contrast_title(contrast: Contrast, comparison: Comparison) -> str:
    """Which arm is judged, and by which."""
    names = titles(comparison)
    return f"{names.get(contrast.second, contrast.second)} against {names.get(contrast.first, contrast.first)}"


def short_titles(comparison: Comparison) -> dict[str, str]:
    """The arms' titles by their names; where one is long, the name itself."""
    return {a.name: a.title if len(a.title) <= _SHORT else spoken(a.name) for a in comparison.arms}


def contrast_name(contrast: Contrast, comparison: Comparison) -> str:
    """Which arm is judged, and by which, for a table's cell."""
    names = short_titles(comparison)
    return f"{names.get(contrast.second, contrast.second)} against {names.get(contrast.first, contrast.first)}"


def level(comparison: Comparison) -> Level:
    """How the comparison ended: as its gravest finding, and unknown if no model can be recommended."""
    found = {finding.severity for finding in comparison.findings}
    if Severity.ERROR in found:
        return Level.FAIL
    if comparison.verdict.ship is None:
        return Level.UNKNOWN
    return Level.WARN if Severity.WARNING in found else Level.OK


def margin(comparison: Comparison) -> str:
    """Up to what a difference counts as equal: 1 pp, or for an error metric 1 % of the first arm's error."""
    if fmt.is_share(comparison.metric):
        return fmt.size_of_step(comparison.margin, comparison.metric)
    return f"{fmt.real(100 * comparison.margin, 2)} % of the first arm's error"


def artifact_sentence(contrast: Contrast, comparison: Comparison) -> str:
    """What is shown about these two models, and what is not."""
    answer, metric = contrast.artifact, comparison.metric
    names = titles(comparison)
    second = names.get(contrast.second, contrast.second)
    seen = f"{fmt.step(answer.difference, metric)} ({_interval(answer.interval, answer.confidence, metric)})"
    if answer.conclusion is Conclusion.EQUIVALENT:
        return f"Equivalent: whatever the difference is, it is smaller than {margin(comparison)}. Seen: {seen}."
    if answer.conclusion is Conclusion.INCONCLUSIVE:
        return f"Not decided by {fmt.count(answer.n)} samples; this does not mean equal. Seen: {seen}.{_power(answer)}"
    word = "better" if answer.conclusion is Conclusion.BETTER else "worse"
    tail = f" It is real, yet smaller than the margin, {margin(comparison)}." if answer.within_margin else ""
    return f"{second} does {word} on samples like these: {seen}.{tail}"


def method_sentence(contrast: Contrast, comparison: Comparison) -> str:
    """What is shown about the two methods, or why nothing is."""
    answer, metric = contrast.method, comparison.metric
    if answer.conclusion is None or answer.interval is None:
        return answer.reason or "No claim about the method."
    interval = _interval(answer.interval, contrast.artifact.confidence, metric)
    seen = f"{fmt.step(answer.difference, metric)} over {answer.seeds} seeds ({interval})"
    if answer.conclusion is Conclusion.EQUIVALENT:
        return f"Equivalent as methods within {margin(comparison)}: {seen}."
    if answer.conclusion is Conclusion.INCONCLUSIVE:
        return f"Seeds and samples do not decide it: {seen}."
    word = "better" if answer.conclusion is Conclusion.BETTER else "worse"
    return f"The method does {word}, and would again: {seen}."


def method_reasons(comparison: Comparison) -> tuple[str, ...]:
    """Why nothing is claimed about methods: one sentence per reason, with its contrasts where others have another."""
    by_reason: dict[str, list[str]] = {}
    for contrast in comparison.contrasts:
        if contrast.method.conclusion is None and contrast.method.reason:
            by_reason.setdefault(contrast.method.reason.rstrip("."), []).append(contrast_name(contrast, comparison))
    everywhere = any(len(found) == len(comparison.contrasts) for found in by_reason.values())
    return tuple(
        f"No claim about methods: {reason}." if everywhere else f"{'; '.join(found)}: no claim about methods, {reason}."
        for reason, found in by_reason.items()
    )


def mean_and_spread(arm: Arm, metric: Metric) -> str:
    """98.1 ± 0.3 %; an en dash below two runs."""
    if arm.mean is None or arm.spread is None:
        return "–"
    if fmt.is_share(metric) and math.isfinite(arm.mean + arm.spread):
        return f"{100 * arm.mean:.1f} ± {100 * arm.spread:.1f} %"
    return f"{fmt.real(arm.mean)} ± {fmt.real(arm.spread, 2)}"


def _interval(ends: tuple[float, float], confidence: float, metric: Metric) -> str:
    return f"{fmt.percent(confidence, 0)} interval {fmt.step_span(ends, metric)}"


def _power(answer: ArtifactAnswer) -> str:
    if answer.samples_needed is None:
        return ""
    return f" A difference like this one would need about {fmt.count(answer.samples_needed)} samples."
