"""Ranges of weights by layer: per output channel they differ, and one for all is as wide as the widest."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeq.comparison.record import Comparison, WeightReport
from edgeq.comparison.report.layer_rows import LayerPlot, layer_plot
from edgeq.comparison.report.plots import arm_kind
from edgeq.report import format as fmt
from edgeq.report.axis import Scale


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


def weight_plot(comparison: Comparison) -> LayerPlot[WeightBar] | None:
    """The ranges of all integer arms' weights; None if none was looked at. Of many layers those are shown whose
    channels differ most."""
    return layer_plot(
        comparison.weights, comparison, rank=lambda row: (-_ratio(row),), ends=lambda row: (row.narrowest, row.widest),
        bar=_bar,
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
