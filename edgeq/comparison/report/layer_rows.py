"""The frame that plots by layer share: layers below each other, each with a bar per arm, on a common axis."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from edgeq.comparison.record import Comparison, LayerReport, WeightReport
from edgeq.comparison.report.plots import LABEL, WIDTH, arm_kind, label_space
from edgeq.report import format as fmt
from edgeq.report.axis import Frame, Scale, Tick, bend_for, decimal, ticks

BARS, LEAST = 72, 8
"""Bars in a plot, and the number of layers that are shown however many arms there are. Of more, the worst layers are
shown; the table has all."""

_RIGHT = 716.0
_TOP, _BAR, _GAP = 30.0, 13.0, 9.0
_WIDE = 10.0
"""Ranges that are so many times wider than the middle one bend the axis."""

R = TypeVar("R", LayerReport, WeightReport)
B = TypeVar("B")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerGroup(Generic[B]):
    """A layer, and its bars, one per arm that has it."""

    label: str
    y: float
    bars: tuple[B, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPlot(Frame, Generic[B]):
    """Layers below each other in the model's order; `arms` are names and CSS classes for the legend, `zero` is a place
    on the axis, `left_out` the number of layers that are not shown."""

    groups: tuple[LayerGroup[B], ...]
    x_ticks: tuple[Tick, ...]
    zero: float
    arms: tuple[tuple[str, str], ...]
    left_out: int
    bent: bool


def layer_plot(
    rows: Sequence[R],
    comparison: Comparison,
    *,
    rank: Callable[[R], tuple[float, ...]],
    ends: Callable[[R], tuple[float, float]],
    bar: Callable[[R, Scale, float, Comparison], B],
) -> LayerPlot[B] | None:
    """The plot of some rows; None if there is none.

    Args:
        rows: of all arms.
        comparison: the rest, for names and colours.
        rank: which layers are shown if there are too many: those with the smallest.
        ends: what a row reaches on the axis, which has zero, too.
        bar: draws a row on the axis at a height.
    """
    by_layer = _grouped(rows)
    if not by_layer:
        return None
    names = dict.fromkeys(row.arm for row in rows)
    most = max(LEAST, BARS // len(names))
    worst = sorted(by_layer, key=lambda key: min(rank(row) for row in by_layer[key]))[:most]
    shown = [found for key, found in by_layer.items() if key in worst]
    left = label_space(found[0].layer for found in shown)
    scale = _scale(left, [end for found in shown for row in found for end in ends(row)])
    groups, y = [], _TOP
    for found in shown:
        bars = tuple(bar(row, scale, y + i * _BAR, comparison) for i, row in enumerate(found))
        groups.append(LayerGroup(label=fmt.cut(found[0].layer, LABEL), y=y + len(found) * _BAR / 2, bars=bars))
        y += len(found) * _BAR + _GAP
    titles = {arm.name: arm.title for arm in comparison.arms}
    return LayerPlot(
        width=WIDTH, height=y + 24, left=left, top=_TOP - 4, right=_RIGHT, bottom=y, groups=tuple(groups),
        x_ticks=ticks(scale, lambda v, d: decimal(v, min(d, 4)), about=7, apart=34), zero=scale.at(0.0),
        arms=tuple((titles.get(name, name), arm_kind(comparison, name)) for name in names),
        left_out=len(by_layer) - len(shown), bent=scale.bend is not None,
    )  # fmt: skip


def _grouped(rows: Iterable[R]) -> dict[tuple[str, int], list[R]]:
    """The arms' rows of the same layer, in the order in which layers come first. A layer that an arm has twice (a
    shared one, or one that became two ops) is found by its turn."""
    found: dict[tuple[str, int], list[R]] = {}
    turns: Counter[tuple[str, str]] = Counter()
    for row in rows:
        found.setdefault((row.layer, turns[row.arm, row.layer]), []).append(row)
        turns[row.arm, row.layer] += 1
    return found


def _scale(left: float, ends: Sequence[float]) -> Scale:
    known = [e for e in ends if math.isfinite(e)] or [0.0]
    low, high = min(0.0, *known), max(0.0, *known)
    if low == high:
        high = low + 1.0
    bend = bend_for(known, _WIDE)
    pad = 0.0 if bend else (high - low) * 0.02
    return Scale(low=low - pad if low else low, high=high + pad, start=left, end=_RIGHT, bend=bend)
