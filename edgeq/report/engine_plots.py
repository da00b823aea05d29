"""What the HTML report shows of two engines side by side: a figure per row, and a pair of bars per op."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeq.records import EngineCost, Group
from edgeq.report.axis import Scale, Tick, ticks
from edgeq.report.engines import Figure, OpPair, engine_cost, figures, op_costs, ratios
from edgeq.report.format import count, cut, short
from edgeq.report.plots import Mark, Plot, stack_marks
from edgeq.report.record import Report

_BAR, _ROW = 10.0, 31.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStack:
    """One engine's image in one memory: its parts as a bar, whose full length is the larger of both engines'."""

    engine: str
    nbytes: int
    share: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginesView:
    """`own` is the report's engine. `ops` is None where no cycles per op are known of both."""

    own: EngineCost
    other: EngineCost
    words: str | None
    figures: tuple[Figure, ...]
    stacks: tuple[tuple[str, tuple[EngineStack, ...]], ...]
    groups: tuple[Group, ...]
    ops: Plot | None


def engines_view(report: Report) -> EnginesView | None:
    """Both engines of a report; None if it has one only."""
    own, other = engine_cost(report), report.beside
    if own is None or other is None:
        return None
    costs, sections = op_costs(own.layers, other.layers), (*own.sections, *other.sections)
    return EnginesView(
        own=own,
        other=other,
        words=ratios(own, other),
        figures=figures(own, other),
        stacks=(("Flash", _stacks(own, other, ram=False)), ("RAM", _stacks(own, other, ram=True))),
        groups=tuple(g for g in Group if any(s.group is g and (s.flash or s.ram) for s in sections)),
        ops=op_plot(costs, own.engine, other.engine) if own.layers and other.layers else None,
    )


def op_plot(costs: Sequence[OpPair], own: str, other: str) -> Plot:
    """Cycles of each op as two bars, one below the other; CSS classes are e-<engine>, tooltips name the figures."""
    left, right, top = 250.0, 920.0, 6.0
    bottom = top + _ROW * len(costs)
    most = max((c or 0 for cost in costs for c in (cost.own, cost.other)), default=0)
    scale = Scale(low=0.0, high=float(max(most, 1)), start=left, end=right)
    marks, names = [], []
    for i, cost in enumerate(costs):
        y = top + i * _ROW + (_ROW - 2 * _BAR - 1) / 2
        names.append((y + _BAR + 4, cut(cost.label, 36)))
        for side, (engine, cycles) in enumerate(((own, cost.own), (other, cost.other))):
            said = f"{count(cycles)} cycles" if cycles is not None else "no call of its own"
            marks.append(
                Mark(
                    x=left, y=y + side * (_BAR + 1), width=max(scale.at(cycles or 0) - left, 0.0), height=_BAR,
                    kind=f"e-{engine}", title=f"{cost.label}\n{engine}: {said}",
                    label=short(cycles) if cycles is not None else "–",
                )
            )  # fmt: skip
    rows = tuple(Tick(at=at, label=name) for at, name in names)
    labels = ticks(scale, lambda value, _: short(value))
    return Plot(
        width=1000, height=bottom + 28, left=left, top=top, right=right, bottom=bottom, marks=tuple(marks),
        x_ticks=labels, y_ticks=rows,
    )  # fmt: skip


def _stacks(own: EngineCost, other: EngineCost, *, ram: bool) -> tuple[EngineStack, ...]:
    most = max(own.ram_bytes, other.ram_bytes) if ram else max(own.flash_bytes, other.flash_bytes)
    found = []
    for cost in (own, other):
        nbytes = cost.ram_bytes if ram else cost.flash_bytes
        share = nbytes / most if most else 0.0
        marks = stack_marks(cost.sections, ram=ram, limit=None)
        found.append(EngineStack(engine=cost.engine, nbytes=nbytes, share=share, marks=marks))
    return tuple(found)
