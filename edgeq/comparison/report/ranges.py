"""Ranges by layer: what every int8 arm's tensors can hold, and how well the test samples fit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from edgeq.comparison.record import Comparison, LayerReport, WeightReport
from edgeq.comparison.report.plots import LABEL, WIDTH, arm_kind, label_space
from edgeq.report import format as fmt
from edgeq.report.axis import Scale, Tick, bend_for, decimal, ticks

BARS, LEAST = 72, 8
"""Bars in the plot, and the number of layers that are shown however many arms there are. Of more, the worst layers are
shown; the table has all."""

_RIGHT = 716.0
_BAR, _GAP = 13.0, 9.0
_WIDE = 10.0
"""Ranges that are so many times wider than the middle one bend the axis."""

BAD_SQNR, BAD_CLIPPED, BAD_UNUSED = 20.0, 0.01, 0.5
"""Beyond these a figure is shown in red: a tenth in amplitude is noise; one value in a hundred is cut off; half of the
steps carry nothing."""


R = TypeVar("R", LayerReport, WeightReport)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerGroup:
    """A layer, and its bars, one per arm that has it."""

    label: str
    y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RangePlot:
    """Layers below each other in the model's order; `arms` are names and CSS classes for the legend."""

    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float
    groups: tuple[LayerGroup, ...]
    x_ticks: tuple[Tick, ...]
    zero: float
    arms: tuple[tuple[str, str], ...]
    left_out: int
    bent: bool


def range_plot(comparison: Comparison) -> RangePlot | None:
    """The ranges of all int8 arms; None if none was looked at."""
    by_layer = grouped(comparison.layers)
    if not by_layer:
        return None
    most = max(LEAST, BARS // len({row.arm for row in comparison.layers}))
    worst = sorted(by_layer, key=lambda key: min(_rank(row) for row in by_layer[key]))[:most]
    shown = [rows for key, rows in by_layer.items() if key in worst]
    left = label_space(rows[0].layer for rows in shown)
    scale = _scale(left, [end for rows in shown for row in rows for end in (row.low, row.high)])
    top = 30.0
    groups, y = [], top
    for rows in shown:
        bars = tuple(_bar(row, scale, y + i * _BAR, comparison) for i, row in enumerate(rows))
        groups.append(LayerGroup(label=fmt.cut(rows[0].layer, LABEL), y=y + len(rows) * _BAR / 2, bars=bars))
        y += len(rows) * _BAR + _GAP
    names = dict.fromkeys(row.arm for row in comparison.layers)
    titles = {arm.name: arm.title for arm in comparison.arms}
    return RangePlot(
        width=WIDTH, height=y + 24, left=left, top=top - 4, right=_RIGHT, bottom=y, groups=tuple(groups),
        x_ticks=ticks(scale, lambda v, d: decimal(v, min(d, 4)), about=7, apart=34), zero=scale.at(0.0),
        arms=tuple((titles.get(name, name), arm_kind(comparison, name)) for name in names),
        left_out=len(by_layer) - len(shown), bent=scale.bend is not None,
    )  # fmt: skip


def grouped(rows: Iterable[R]) -> dict[tuple[str, int], list[R]]:
    """The arms' rows of the same layer, in the order in which layers come first. A layer that an arm has twice (a
    shared one, or one that became two ops) is found by its turn."""
    found: dict[tuple[str, int], list[R]] = {}
    turns: Counter[tuple[str, str]] = Counter()
    for row in rows:
        found.setdefault((row.layer, turns[row.arm, row.layer]), []).append(row)
        turns[row.arm, row.layer] += 1
    return found


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


def _scale(left: float, ends: Sequence[float]) -> Scale:
    known = [e for e in ends if math.isfinite(e)] or [0.0]
    low, high = min(0.0, *known), max(0.0, *known)
    if low == high:
        high = low + 1.0
    bend = bend_for(known, _WIDE)
    pad = 0.0 if bend else (high - low) * 0.02
    return Scale(low=low - pad if low else low, high=high + pad, start=left, end=_RIGHT, bend=bend)


def _rank(row: LayerReport) -> tuple[float, float]:
    """The worst first: by SQNR, and where there is none by what is clipped or unused."""
    sqnr = math.inf if row.sqnr_db is None else -math.inf if math.isnan(row.sqnr_db) else row.sqnr_db
    return sqnr, -max(row.clipped, row.unused)
