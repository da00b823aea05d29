"""Ranges of weights by layer: per output channel they differ, and one for all is as wide as the widest."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeq.comparison.record import Comparison, WeightReport
from edgeq.comparison.report.plots import LABEL, WIDTH, arm_kind, label_space
from edgeq.comparison.report.ranges import BARS, LEAST, grouped
from edgeq.report import format as fmt
from edgeq.report.axis import Scale, Tick, bend_for, decimal, ticks

_RIGHT = 716.0
_BAR, _GAP = 13.0, 9.0
_WIDE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightBar:
    """One arm's weights: from the narrowest channel's limit to the widest one's, with the median at `middle`."""

    x: float
    y: float
    width: float
    middle: float
    kind: str
    title: str
    widest: str
    ratio: str
    channels: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightGroup:
    """A layer, and its bars, one per arm that has it."""

    label: str
    y: float
    bars: tuple[WeightBar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightPlot:
    """Layers below each other in the model's order, on a common axis from zero."""

    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float
    groups: tuple[WeightGroup, ...]
    x_ticks: tuple[Tick, ...]
    left_out: int
    bent: bool


def weight_plot(comparison: Comparison) -> WeightPlot | None:
    """The ranges of all integer arms' weights; None if none was looked at. Of many layers those are shown whose
    channels differ most."""
    by_layer = grouped(comparison.weights)
    if not by_layer:
        return None
    most = max(LEAST, BARS // len({row.arm for row in comparison.weights}))
    widest = sorted(by_layer, key=lambda key: -max(_ratio(row) for row in by_layer[key]))[:most]
    shown = [rows for key, rows in by_layer.items() if key in widest]
    left = label_space(rows[0].layer for rows in shown)
    ends = [end for rows in shown for row in rows for end in (row.narrowest, row.widest) if math.isfinite(end)]
    scale = Scale(low=0.0, high=1.02 * max(ends, default=1.0), start=left, end=_RIGHT, bend=bend_for(ends, _WIDE))
    top = 30.0
    groups, y = [], top
    for rows in shown:
        bars = tuple(_bar(row, scale, y + i * _BAR, comparison) for i, row in enumerate(rows))
        groups.append(WeightGroup(label=fmt.cut(rows[0].layer, LABEL), y=y + len(rows) * _BAR / 2, bars=bars))
        y += len(rows) * _BAR + _GAP
    return WeightPlot(
        width=WIDTH, height=y + 24, left=left, top=top - 4, right=_RIGHT, bottom=y, groups=tuple(groups),
        x_ticks=ticks(scale, lambda v, d: decimal(v, min(d, 4)), about=7, apart=34),
        left_out=len(by_layer) - len(shown), bent=scale.bend is not None,
    )  # fmt: skip


def _ratio(row: WeightReport) -> float:
    return row.widest / row.narrowest if row.narrowest > 0 else math.inf


def _bar(row: WeightReport, scale: Scale, y: float, comparison: Comparison) -> WeightBar:
    title = next((arm.title for arm in comparison.arms if arm.name == row.arm), row.arm)
    start, end = scale.at(row.narrowest), scale.at(row.widest)
    one = row.channels == 1
    limits = " … ".join(f"±{fmt.real(v)}" for v in dict.fromkeys((row.narrowest, row.middle, row.widest)))
    return WeightBar(
        x=start - 1.5 if one else start,
        y=y,
        width=max(end - start, 3.0),
        middle=scale.at(row.middle),
        kind=arm_kind(comparison, row.arm),
        title=f"{title}, {row.layer}\n" + (f"one range: {limits}" if one else f"{row.channels} channels: {limits}"),
        widest=f"±{fmt.real(row.widest, 3)}",
        ratio="–" if one else f"{fmt.real(_ratio(row), 3)}×",
        channels="one for all" if one else str(row.channels),
    )
