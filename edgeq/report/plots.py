"""Geometry of the report's plots: numbers to coordinates. templates/report/plots.html.j2 draws them as inline SVG.

Drawn by hand and not with matplotlib: the colours follow the reader's light or dark scheme through CSS, every mark has
a tooltip, the bytes are reproducible, and no build waits a second for an import.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgeq.records import Accuracy, Drift, Group, Metric, Section
from edgeq.report.axis import Frame, Scale, Tick, decimal, percentage, ticks
from edgeq.report.format import accuracy, count, cut, interval, percent, size
from edgeq.report.record import ArenaPlan

_CONFUSION_WIDTH = 460.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A rectangle with a tooltip; `label` is drawn inside it if not empty. `kind` is a CSS class of ours."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str
    label: str = ""
    strength: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot(Frame):
    """Marks on axes."""

    marks: tuple[Mark, ...]
    x_ticks: tuple[Tick, ...] = ()
    y_ticks: tuple[Tick, ...] = ()
    line: Tick | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One row of the accuracy plot."""

    label: str
    y: float
    low: float
    value: float
    high: float
    text: str
    title: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalPlot:
    """The arms below each other on a common axis."""

    frame: Plot
    rows: tuple[Interval, ...]


def arena_plot(plan: ArenaPlan) -> Plot:
    """Every value in the arena as a rectangle: kernel calls from left to right, offsets from bottom to top."""
    left, top, right, bottom = 70.0, 14.0, 984.0, 306.0
    columns = len(plan.calls) + 2
    dx = (right - left) / columns
    dy = (bottom - top) / max(plan.arena_bytes, 1)
    marks = []
    for block in plan.blocks:
        # A few bytes of a large arena must still be seen.
        width, height = (block.last - block.first + 1) * dx, max(block.nbytes * dy, 1.5)
        fits = height >= 13 and len(block.name) * 7.0 + 10 <= width
        until = "end" if block.last >= len(plan.calls) else f"call {block.last}"
        since = "input" if block.first < 0 else f"call {block.first}"
        marks.append(
            Mark(
                x=left + (block.first + 1) * dx,
                y=max(top, bottom - block.offset * dy - height),
                width=width,
                height=height,
                kind=block.kind if block.kind in {"input", "output", "scratch"} else "tensor",
                title=f"{block.name}\n{count(block.nbytes)} bytes at offset {count(block.offset)}, {since} to {until}",
                label=block.name if fits else "",
            )
        )
    every = max(1, math.ceil(len(plan.calls) / 32))
    calls = [Tick(at=left + dx / 2, label="in")]
    calls += [Tick(at=left + (i + 1.5) * dx, label=str(i)) for i in range(0, len(plan.calls), every)]
    if columns * dx - (calls[-1].at - left) > 30 + dx / 2 or every == 1:
        calls.append(Tick(at=right - dx / 2, label="out"))
    step = _byte_step(plan.arena_bytes)
    levels = tuple(Tick(at=bottom - value * dy, label=size(value)) for value in range(0, plan.arena_bytes + 1, step))
    bound = Tick(at=bottom - plan.liveness_bound * dy, label=f"lower bound {size(plan.liveness_bound)}")
    return Plot(
        width=1000, height=346, left=left, top=top, right=right, bottom=bottom,
        marks=tuple(marks), x_ticks=tuple(calls), y_ticks=levels, line=bound,
    )  # fmt: skip


def histogram_plot(drift: Drift) -> Plot:
    """Counts per signed difference, on a logarithmic scale, so that one outlier among thousands is seen."""
    left, top, right, bottom = 20.0, 26.0, 300.0, 150.0
    reach = max(3, max((abs(k) for k in drift.histogram), default=0))
    bins = 2 * reach + 1
    dx = (right - left) / bins
    tallest = math.log10(1 + max(drift.histogram.values(), default=1))
    marks = []
    for value, number in drift.histogram.items():
        height = (bottom - top) * math.log10(1 + number) / tallest
        # A step is narrower than a line where the outputs are hundreds of steps apart.
        width = max(dx - 2 * min(1.0, dx * 0.1), 1.5)
        marks.append(
            Mark(
                x=left + (value + reach + 0.5) * dx - width / 2,
                y=bottom - height,
                width=width,
                height=height,
                kind="equal" if value == 0 else "differs",
                title=f"{_signed(value)} LSB: {count(number)} of {count(drift.outputs)} outputs",
                label=count(number) if dx >= 30 or value == 0 else "",
            )
        )
    step = max(1, math.ceil(reach / 4))
    shown = [*range(-(reach // step) * step, reach + 1, step)]
    labels = tuple(Tick(at=left + (v + reach + 0.5) * dx, label=_signed(v)) for v in shown)
    return Plot(
        width=320, height=182, left=left, top=top, right=right, bottom=bottom, marks=tuple(marks), x_ticks=labels
    )


def confusion_plot(confusion: Sequence[Sequence[int]], names: Sequence[str]) -> Plot | None:
    """A heat map, one row per true class; None for more than 40 classes, where a table of the worst says more."""
    classes = len(confusion)
    if not 0 < classes <= 40:
        return None
    labels = [names[i] if i < len(names) else str(i) for i in range(classes)]
    longest = min(16, max(len(name) for name in labels))
    cell = max(14.0, min(38.0, 460.0 / classes))
    left, top = 34.0 + 6.6 * longest, 26.0
    # A figure is as wide as its column: one of few classes keeps its size, in the middle of it.
    width = max(left + classes * cell + 8, _CONFUSION_WIDTH)
    left += (width - (left + classes * cell + 8)) / 2
    marks = []
    for true, row in enumerate(confusion):
        total = sum(row)
        for guess, number in enumerate(row):
            share = number / total if total else 0.0
            marks.append(
                Mark(
                    x=left + guess * cell, y=top + true * cell, width=cell, height=cell,
                    kind="right" if true == guess else "wrong" if number else "none",
                    title=f"{labels[true]} taken for {labels[guess]}: {number} of {total} ({percent(share)})",
                    label=str(number) if number and cell >= 22 else "",
                    # Few mistakes matter most: even one must be visible.
                    strength=round(0.22 + 0.78 * math.sqrt(share), 3) if number else 0.0,
                )
            )  # fmt: skip
    middle = [top + (i + 0.5) * cell for i in range(classes)]
    across = [left + (i + 0.5) * cell for i in range(classes)]
    brief = [cut(name, 16) for name in labels]
    fits = max(len(b) for b in brief) * 6.6 <= cell
    return Plot(
        width=width, height=top + classes * cell + 34,
        left=left, top=top, right=left + classes * cell, bottom=top + classes * cell,
        marks=tuple(marks),
        x_ticks=tuple(Tick(at=x, label=brief[i] if fits else str(i)) for i, x in enumerate(across)),
        y_ticks=tuple(Tick(at=y, label=brief[i] if fits else _numbered(i, brief[i])) for i, y in enumerate(middle)),
    )  # fmt: skip


def accuracy_plot(arms: Sequence[tuple[str, str, Accuracy | None]]) -> IntervalPlot | None:
    """The arms (label, CSS class, figure) with their 95 % intervals; None if there are none."""
    known = [(label, kind, arm) for label, kind, arm in arms if arm is not None]
    if not known:
        return None
    share = known[0][2].metric is Metric.TOP1
    low, high = min(a.ci95[0] for _, _, a in known), max(a.ci95[1] for _, _, a in known)
    pad = max((high - low) * 0.12, 0.004 if share else abs(high) * 0.02, 1e-12)
    low, high = max(0.0, low - pad), min(1.0, high + pad) if share else high + pad
    left, right, row = 96.0, 380.0, 40.0
    top, bottom = 8.0, 8.0 + row * len(known)
    scale = Scale(low=low, high=high, start=left, end=right)
    rows = tuple(
        Interval(
            label=label,
            y=top + (i + 0.5) * row,
            low=scale.at(arm.ci95[0]),
            value=scale.at(arm.value),
            high=scale.at(arm.ci95[1]),
            text=accuracy(arm),
            title=f"{label}: {accuracy(arm)}, 95 % interval {interval(arm)}, n = {count(arm.n)}",
            kind=kind,
        )
        for i, (label, kind, arm) in enumerate(known)
    )
    labels = ticks(scale, percentage if share else decimal)
    frame = Plot(
        width=450, height=bottom + 28, left=left, top=top, right=right, bottom=bottom, marks=(), x_ticks=labels
    )
    return IntervalPlot(frame=frame, rows=rows)


def stack_marks(sections: Sequence[Section], *, ram: bool, limit: int | None) -> tuple[Mark, ...]:
    """A bar of 1000 units: what each group takes, in the order of Group. The scale is the total, or the limit if that
    is smaller than twice the total: a small part of a large memory would be invisible."""
    sums = {g: sum((s.ram if ram else s.flash) for s in sections if s.group is g) for g in Group}
    total = sum(sums.values())
    full = max(total, limit) if limit is not None and limit < 2 * total else total
    marks, x = [], 0.0
    for group, value in sums.items():
        width = 1000.0 * value / full if full else 0.0
        if value:
            title = f"{group.value}: {count(value)} bytes ({percent(value / total)})"
            marks.append(
                Mark(x=x, y=0, width=width, height=26, kind=f"g-{group.value}", title=title, label=group.value)
            )
        x += width
    return tuple(marks)


def _byte_step(total: int) -> int:
    step = 16
    while total / step > 6:
        step *= 2
    return step


def _signed(value: int) -> str:
    return f"+{value}" if value > 0 else str(value).replace("-", "−")


def _numbered(index: int, name: str) -> str:
    return name if name == str(index) else f"{name} · {index}"
