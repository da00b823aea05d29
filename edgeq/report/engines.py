"""Two engines side by side: what each takes for one model. Made of two reports, shown in one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgeq.records import EngineCost, LayerCost
from edgeq.report.record import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What both take: `own` is of the report's engine, `other` of the one beside it; None where unknown."""

    name: str
    unit: str
    own: int | None
    other: int | None

    @property
    def ratio(self) -> float | None:
        """own / other; None if there is none."""
        return self.own / self.other if self.own is not None and self.other else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpPair:
    """Cycles of one op of the .tflite in either engine; None where it runs as part of another op, or not at all."""

    label: str
    own: int | None
    other: int | None


def engine_cost(report: Report) -> EngineCost | None:
    """What a report's engine takes; None for a report without a firmware."""
    memory, profile = report.memory, report.profile
    if memory is None:
        return None
    return EngineCost(
        engine=report.engine, board=report.board, device=report.device.name, toolchain=report.toolchain,
        passed=report.passed,
        cycles_estimated=profile.cycles_estimated if profile else None,
        cycles_measured=profile.cycles_measured if profile else None,
        instructions=profile.instructions if profile else None,
        flash_bytes=memory.flash_bytes, ram_bytes=memory.ram_bytes, arena_bytes=memory.arena_bytes,
        arena_used_bytes=memory.arena_used_bytes, stack_bytes=memory.stack_bytes, sections=memory.sections,
        layers=profile.layers if profile else (),
    )  # fmt: skip


def figures(own: EngineCost, other: EngineCost) -> tuple[Figure, ...]:
    """What both take; figures that neither has are left out, and cycles are of one kind: measured in both, or
    estimated."""
    measured = own.cycles_measured is not None and other.cycles_measured is not None
    kind = "measured" if measured else "estimated"
    pairs = (
        (f"cycles, {kind}", "", f"cycles_{kind}"),
        ("instructions", "", "instructions"),
        ("flash", "bytes", "flash_bytes"),
        ("RAM", "bytes", "ram_bytes"),
        ("arena", "bytes", "arena_bytes"),
        ("stack", "bytes", "stack_bytes"),
    )
    both = (Figure(name=n, unit=u, own=getattr(own, f), other=getattr(other, f)) for n, u, f in pairs)
    return tuple(figure for figure in both if figure.own is not None or figure.other is not None)


def op_costs(own: Iterable[LayerCost], other: Iterable[LayerCost]) -> tuple[OpPair, ...]:
    """Cycles of both engines, op by op, in the order of the .tflite. An engine may run one op as several calls, or
    several as one, under the number of the first."""
    costs: dict[int, tuple[str, list[int | None]]] = {}
    for side, layers in enumerate((own, other)):
        for layer in layers:
            _, cycles = costs.setdefault(op_number(layer.label), (layer.label, [None, None]))
            cycles[side] = (cycles[side] or 0) + layer.cycles
    return tuple(OpPair(label=label, own=pair[0], other=pair[1]) for _, (label, pair) in sorted(costs.items()))


def op_number(label: str) -> int:
    """The index in the .tflite that a layer's label begins with (`edgeq.model.naming.op_label`); −1: it has none."""
    first = label.split(" ", 1)[0]
    return int(first) if first.isdigit() else -1


def ratios(own: EngineCost, other: EngineCost) -> str | None:
    """What the one engine takes of what the other does, in a sentence; None if nothing is known of both."""
    wanted = [f for f in figures(own, other) if f.name.split(",")[0] in {"cycles", "flash", "RAM"}]
    words = [f"{f.ratio:.2f} × the {f.name.split(',')[0]}" for f in wanted if f.ratio is not None]
    return f"{own.engine} takes {', '.join(words)} of {other.engine}" if words else None
