"""Ranges by layer: what every int8 arm's tensors can hold, and how well the test samples fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeq.comparison.record import Comparison, LayerReport
from edgeq.comparison.report.layer_rows import LayerPlot, layer_plot
from edgeq.comparison.report.plots import arm_kind
from edgeq.report import format as fmt
from edgeq.report.axis import Scale

BAD_SQNR, BAD_CLIPPED, BAD_UNUSED = 20.0, 0.01, 0.5
"""Beyond these a figure is shown in red: a tenth in amplitude is noise; one value in a hundred is cut off; half of the
steps carry nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One tensor of one arm, with its figures at the right."""

    x: float
    y: float
    width: float
    kind: str
    title: str
    sqnr: str
    clipped: str
    unused: str
    bad: tuple[bool, bool, bool]


def range_plot(comparison: Comparison) -> LayerPlot[Bar] | None:
    """The ranges of all int8 arms; None if none was looked at. Of many layers the worst are shown."""
    return layer_plot(comparison.layers, comparison, rank=_rank, ends=lambda row: (row.low, row.high), bar=_bar)


def _bar(row: LayerReport, scale: Scale, y: float, comparison: Comparison) -> Bar:
    title = next((arm.title for arm in comparison.arms if arm.name == row.arm), row.arm)
    start, end = scale.at(row.low), scale.at(row.high)
    return Bar(
        x=start,
        y=y,
        width=max(end - start, 2.0),
        kind=arm_kind(comparison, row.arm),
        title=f"{title}, {row.layer}\n{row.tensor}\n{fmt.real(row.low)} … {fmt.real(row.high)}, "
        f"SQNR {_decibels(row.sqnr_db)}, clipped {fmt.percent(row.clipped, 2)}, unused {fmt.percent(row.unused)}",
        sqnr=_decibels(row.sqnr_db),
        clipped=fmt.percent(row.clipped, 2),
        unused=fmt.percent(row.unused, 0),
        bad=(row.sqnr_db is not None and row.sqnr_db < BAD_SQNR, row.clipped > BAD_CLIPPED, row.unused > BAD_UNUSED),
    )


def _decibels(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f} dB".replace("-", "−") if math.isfinite(value) else f"{fmt.real(value)} dB"


def _rank(row: LayerReport) -> tuple[float, float]:
    """The worst first: by SQNR, and where there is none by what is clipped or unused."""
    sqnr = math.inf if row.sqnr_db is None else -math.inf if math.isnan(row.sqnr_db) else row.sqnr_db
    return sqnr, -max(row.clipped, row.unused)
