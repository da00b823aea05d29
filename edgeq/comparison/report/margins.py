"""Margins of flipped samples: were the predictions that changed close calls, and did they get better or worse?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeq.comparison.record import Comparison, Contrast, Flip
from edgeq.comparison.report.words import titles
from edgeq.report import format as fmt
from edgeq.report.axis import Scale, Tick, decimal, ticks
from edgeq.report.plots import Mark

LANES = (("right → wrong", "lost", True, False), ("wrong → right", "won", False, True),
         ("wrong → wrong", "moved", False, False))  # fmt: skip
"""Label, CSS class, and whether the first and the second arm are right."""

_BINS = 24
_LEFT, _RIGHT, _TOP, _LANE = 14.0, 346.0, 20.0, 58.0
_NAMED = 6
"""Samples that a tooltip names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One way to flip, and its histogram."""

    label: str
    bottom: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginPlot:
    """The flips between two arms; `caption` has the numbers in words."""

    title: str
    caption: str
    width: float
    height: float
    left: float
    right: float
    lanes: tuple[Lane, ...]
    x_ticks: tuple[Tick, ...]


def margin_plots(comparison: Comparison) -> tuple[MarginPlot, ...]:
    """One plot per pair of arms, in the order of the contrasts; margins are on the same axis in all."""
    known = [flip for flip in comparison.flips if math.isfinite(flip.margin)]
    pairs = list(dict.fromkeys((flip.first, flip.second) for flip in known))
    contrasts = {(c.first, c.second): c for c in comparison.contrasts}
    order = list(contrasts)
    pairs.sort(key=lambda pair: order.index(pair) if pair in contrasts else len(order))
    if not known:
        return ()
    low, high = min(0.0, *(f.margin for f in known)), max(f.margin for f in known)
    scale = Scale(low=low, high=high if high > low else low + 1.0, start=_LEFT, end=_RIGHT)
    names = titles(comparison)
    plots = []
    for first, second in pairs:
        flips = [f for f in known if (f.first, f.second) == (first, second)]
        plots.append(
            MarginPlot(
                title=f"{names.get(first, first)} → {names.get(second, second)}",
                caption=_caption(flips, contrasts.get((first, second))),
                width=360.0,
                height=_TOP + len(LANES) * _LANE + 36,
                left=_LEFT,
                right=_RIGHT,
                lanes=_lanes(flips, scale),
                x_ticks=ticks(scale, decimal, about=5),
            )
        )
    return tuple(plots)


def _lanes(flips: list[Flip], scale: Scale) -> tuple[Lane, ...]:
    binned = [_binned([f for f in flips if (f.first_right, f.second_right) == (a, b)], scale) for _, _, a, b in LANES]
    tallest = max(len(found) for bins in binned for found in bins)
    dx = (_RIGHT - _LEFT) / _BINS
    lanes = []
    for i, (label, kind, _, _) in enumerate(LANES):
        bottom = _TOP + (i + 1) * _LANE - 6
        marks = []
        for k, found in enumerate(binned[i]):
            if not found:
                continue
            height = max(3.0, (_LANE - 24) * len(found) / tallest)
            marks.append(
                Mark(x=_LEFT + k * dx, y=bottom - height, width=dx - 1, height=height, kind=kind, title=_title(found))
            )
        lanes.append(Lane(label=f"{label}: {sum(map(len, binned[i]))}", bottom=bottom, marks=tuple(marks)))
    return tuple(lanes)


def _binned(flips: list[Flip], scale: Scale) -> list[list[Flip]]:
    bins: list[list[Flip]] = [[] for _ in range(_BINS)]
    for flip in flips:
        share = (scale.at(flip.margin) - _LEFT) / (_RIGHT - _LEFT)
        bins[min(_BINS - 1, int(share * _BINS))].append(flip)
    return bins


def _title(flips: list[Flip]) -> str:
    low, high = min(f.margin for f in flips), max(f.margin for f in flips)
    count = "1 sample" if len(flips) == 1 else f"{len(flips)} samples"
    named = ", ".join(str(f.sample) for f in flips[:_NAMED]) + (", …" if len(flips) > _NAMED else "")
    return f"{count}, margin {fmt.real(low, 3)} … {fmt.real(high, 3)}\nin the test set: {named}"


def _caption(flips: list[Flip], contrast: Contrast | None) -> str:
    """How many there are, and how close they were; if the record lists only some, that is said instead."""
    listed = sum(flip.first_right != flip.second_right for flip in flips)
    answer = contrast.artifact if contrast else None
    if answer and listed < (answer.only_first or 0) + (answer.only_second or 0):
        return f"the {len(flips)} flips with the smallest margins; there are more"
    margins = sorted(flip.margin for flip in flips)
    return f"{len(flips)} flipped; half of them had a margin below {fmt.real(margins[len(margins) // 2], 2)}"
