"""Geometry of the plots of arms and contrasts; templates/report/compare_plots.html.j2 draws them as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from edgeq.comparison.record import Arm, Comparison, Contrast
from edgeq.comparison.report import words
from edgeq.report import format as fmt
from edgeq.report.axis import Frame, Scale, Tick, bend_for, decimal, percentage, points, ticks
from edgeq.report.curves import Dot

COLOURS = 8
"""Arms take turns with so many colours: arm-0 to arm-7 in the style sheet."""

WIDTH, RIGHT, ROW = 960.0, 846.0, 34.0
_MANY_TIMES = 30.0
"""Errors that differ by more are drawn on an axis that is logarithmic away from zero: one arm diverged."""

LABEL = 44
"""Longer labels of rows are cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A figure with its interval; `kind` are CSS classes of ours. `band` is the margin, `second` a second interval
    with its middle."""

    label: str
    y: float
    low: float
    value: float
    high: float
    text: str
    title: str
    kind: str
    dots: tuple[Dot, ...] = ()
    band: tuple[float, float] | None = None
    second: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPlot(Frame):
    """Rows below each other on a common axis; `zero` is a place on it, `ends` what its two ends mean."""

    rows: tuple[Row, ...]
    x_ticks: tuple[Tick, ...]
    zero: float | None = None
    ends: tuple[str, str] = ("", "")


def arm_kind(comparison: Comparison, name: str) -> str:
    """The CSS class with an arm's colour: the same in every plot."""
    names = [arm.name for arm in comparison.arms]
    return f"arm-{names.index(name) % COLOURS}" if name in names else "arm-none"


def arms_plot(comparison: Comparison) -> RowPlot | None:
    """Every arm's interval, its runs as dots and their mean; None if no arm has a run."""
    arms = [arm for arm in comparison.arms if arm.runs]
    metric = comparison.metric
    ends = [end for arm in arms for run in arm.runs for end in (*run.figure.ci95, run.figure.value)]
    ends = [end for end in ends if math.isfinite(end)]
    if not ends:
        return None
    share = fmt.is_share(metric)
    low, high = _padded(min(ends), max(ends), 0.004 if share else abs(max(ends)) * 0.02)
    left = label_space(arm.title for arm in arms)
    bend = None if share else bend_for(ends, _MANY_TIMES)
    scale = Scale(low=max(0.0, low), high=min(1.0, high) if share else high, start=left, end=RIGHT, bend=bend)
    top = 8.0
    rows = tuple(_arm_row(arm, scale, top + (i + 0.5) * ROW, comparison) for i, arm in enumerate(arms))
    bottom = top + ROW * len(arms)
    return RowPlot(
        width=WIDTH, height=bottom + 26, left=left, top=top, right=RIGHT, bottom=bottom, rows=rows,
        x_ticks=ticks(scale, percentage if share else decimal, about=8, apart=44),
    )  # fmt: skip


def differences_plot(comparison: Comparison) -> RowPlot | None:
    """Every contrast's paired difference with its interval, against zero and the margin; None without contrasts."""
    contrasts = sorted(comparison.contrasts, key=lambda c: not c.declared)
    ends = [0.0]
    for contrast in contrasts:
        ends += [_margin(contrast, comparison), -_margin(contrast, comparison)]
        ends += [contrast.artifact.difference, *contrast.artifact.interval, contrast.method.difference]
        ends += contrast.method.interval or ()
    ends = [end for end in ends if math.isfinite(end)]
    if not contrasts:
        return None
    share = fmt.is_share(comparison.metric)
    low, high = _padded(min(ends), max(ends), 1e-12)
    left = label_space(words.contrast_name(c, comparison) for c in contrasts)
    bend = None if share else bend_for(ends, _MANY_TIMES)
    scale = Scale(low=low, high=high, start=left, end=RIGHT, bend=bend)
    top = 26.0
    rows = tuple(_contrast_row(c, scale, top + (i + 0.5) * ROW, comparison) for i, c in enumerate(contrasts))
    bottom = top + ROW * len(contrasts)
    return RowPlot(
        width=WIDTH, height=bottom + 26, left=left, top=top, right=RIGHT, bottom=bottom, rows=rows,
        x_ticks=ticks(scale, points if share else decimal, about=8, apart=44),
        zero=scale.at(0.0),
        ends=("← worse", "better →") if share else ("← better", "worse →"),
    )  # fmt: skip


def label_space(labels: Iterable[str]) -> float:
    """Where the axis begins, so that the labels have room at its left: their width as most fonts have it."""
    widths = [sum(8.8 if c.isupper() else 6.9 for c in fmt.cut(label, LABEL)) for label in labels]
    return min(330.0, 22.0 + max(widths))


def _arm_row(arm: Arm, scale: Scale, y: float, comparison: Comparison) -> Row:
    metric = comparison.metric
    figure = arm.runs[0].figure
    mean = figure.value if arm.mean is None else arm.mean
    spread = f", {words.mean_and_spread(arm, metric)} over {len(arm.runs)} seeds" if len(arm.runs) > 1 else ""
    dots = tuple(
        Dot(x=scale.at(run.figure.value), y=y, title=f"seed {run.seed}: {fmt.figure(run.figure.value, metric)}")
        for run in arm.runs
        if len(arm.runs) > 1 and math.isfinite(run.figure.value)
    )
    return Row(
        label=fmt.cut(arm.title, LABEL),
        y=y,
        low=scale.at(figure.ci95[0]),
        value=scale.at(mean),
        high=scale.at(figure.ci95[1]),
        text=fmt.figure(mean, metric),
        title=f"{arm.title}: {fmt.figure(figure.value, metric)}, 95 % interval {fmt.span(figure.ci95, metric)}{spread}",
        kind=arm_kind(comparison, arm.name),
        dots=dots,
    )


def _contrast_row(contrast: Contrast, scale: Scale, y: float, comparison: Comparison) -> Row:
    answer, method, metric = contrast.artifact, contrast.method, comparison.metric
    title = words.contrast_title(contrast, comparison)
    said = [f"{title}: {fmt.step(answer.difference, metric)}, interval {fmt.step_span(answer.interval, metric)}"]
    margin = _margin(contrast, comparison)
    second = None
    if method.interval is not None:
        second = (scale.at(method.interval[0]), scale.at(method.difference), scale.at(method.interval[1]))
        said.append(f"as methods: {fmt.step(method.difference, metric)}, {fmt.step_span(method.interval, metric)}")
    return Row(
        label=fmt.cut(words.contrast_name(contrast, comparison), LABEL),
        y=y,
        low=scale.at(answer.interval[0]),
        value=scale.at(answer.difference),
        high=scale.at(answer.interval[1]),
        text=f"{fmt.step(answer.difference, metric)}",
        title="\n".join(said),
        band=(scale.at(-margin), scale.at(margin)),
        kind=f"is-{answer.conclusion.value}{'' if contrast.declared else ' explored'}",
        second=second,
    )


def _margin(contrast: Contrast, comparison: Comparison) -> float:
    """The margin in the metric's unit: for an error metric it is a share of the first arm's error."""
    if fmt.is_share(comparison.metric):
        return comparison.margin
    run = next((arm.runs[0] for arm in comparison.arms if arm.name == contrast.first and arm.runs), None)
    error = run.figure.value if run else 0.0
    return comparison.margin * error if math.isfinite(error) else 0.0


def _padded(low: float, high: float, least: float) -> tuple[float, float]:
    pad = max((high - low) * 0.06, least)
    return low - pad, high + pad
