"""report.html: what its template is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeq.records import Group, LayerCost, Metric, Section
from edgeq.report import plots
from edgeq.report.curves import CurvePlot, Trainings, curve_plots
from edgeq.report.engine_plots import engines_view
from edgeq.report.page import render_page
from edgeq.report.record import MemoryInfo, PlanCall, Report
from edgeq.report.tables import PROFILED
from edgeq.report.variants import where_layers_are, where_timed
from edgeq.report.verdict import columns, verdict
from edgeq.validation.explain import REFERENCE_NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """One kernel call in the layer table: cost and memory, each None if unknown; shares are of the largest."""

    index: int
    label: str
    kernel: str
    macs: int | None
    cycles: int | None
    share: float | None
    cycles_bar: float
    weight_bytes: int | None
    weight_bar: float
    live_bytes: int | None
    live_bar: float

    @property
    def cycles_per_mac(self) -> float | None:
        """Cycles per multiply-accumulate; None for a layer without any."""
        return self.cycles / self.macs if self.cycles is not None and self.macs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A pair of classes that the device takes for each other."""

    true: str
    guess: str
    number: int
    total: int


def render_html(report: Report) -> str:
    """The whole page. The same report gives the same bytes."""
    return render_page("report.html.j2", {**_context(report), "edgeq_version": report.edgeq_version})


def _context(report: Report) -> dict[str, Any]:
    memory, drift, accuracy = report.memory, report.drift, report.accuracy
    kind = report.variants.recommendation.kind.value if report.variants else "int8"
    arms = (
        ("float, host", "arm-float", accuracy.float_host),
        (f"{kind}, host", "arm-int8", accuracy.int8_host),
        (f"{kind}, device", "arm-device", accuracy.device),
    )
    names = report.data.class_names
    return {
        "report": report,
        "verdict": verdict(report),
        "reference_names": REFERENCE_NAMES,
        "columns": [(REFERENCE_NAMES[r], drift.get(r) if drift else None, r) for r in columns(report)],
        "histograms": [
            (REFERENCE_NAMES[d.reference], d, plots.histogram_plot(d)) for d in (drift.references if drift else ())
        ],
        "arms": arms,
        "accuracy_plot": plots.accuracy_plot(arms),
        "confusion_plot": plots.confusion_plot(accuracy.confusion, names),
        "confusions": worst_confusions(accuracy.confusion, names),
        "layers": layer_rows(report),
        "profiled": PROFILED,
        "timed": where_timed(report.variants) if report.variants else "",
        "where_layers": where_layers_are(report) if report.variants else None,
        "training": training_plot(report),
        "arena": plots.arena_plot(memory.plan) if memory and memory.plan and memory.plan.arena_bytes else None,
        "groups": [g for g in Group if memory and any(s.group is g and (s.flash or s.ram) for s in memory.sections)],
        "stacks": _stacks(memory) if memory else [],
        "by_group": _by_group(memory.sections) if memory else {},
        "engines": engines_view(report),
    }


def training_plot(report: Report) -> CurvePlot | None:
    """The learning curve of a method that trains; None for others."""
    history = report.quantization.training
    if history is None:
        return None
    title = f"{report.quantization.method}, seed {report.quantization.seed}"
    trainings = Trainings(title=title, kind="arm-int8", runs=(("the run", history),))
    arm = report.accuracy.int8_host or report.accuracy.float_host
    (plot,) = curve_plots([trainings], share=arm is None or arm.metric is Metric.TOP1)
    return plot


def layer_rows(report: Report) -> tuple[LayerRow, ...]:
    """Cost and memory per kernel call, joined by the call's number; either may be missing."""
    costs: dict[int, LayerCost] = {c.index: c for c in report.profile.layers} if report.profile else {}
    plan = report.memory.plan if report.memory else None
    calls: dict[int, PlanCall] = dict(enumerate(plan.calls)) if plan else {}
    total = 0
    if report.profile is not None:
        total = report.profile.cycles_measured or report.profile.cycles_estimated or 0
    most = max((c.cycles for c in costs.values()), default=0)
    weights = max((c.weight_bytes for c in calls.values()), default=0)
    live = plan.arena_bytes if plan else 0
    rows = []
    for i in sorted(costs.keys() | calls.keys()):
        cost, call = costs.get(i), calls.get(i)
        cycles = cost.cycles if cost else None
        rows.append(
            LayerRow(
                index=i,
                label=cost.label if cost else calls[i].label,
                kernel=cost.kernel if cost else calls[i].kernel,
                macs=cost.macs if cost else None,
                cycles=cycles,
                share=cycles / total if cycles is not None and total else None,
                cycles_bar=_share(cycles, most),
                weight_bytes=call.weight_bytes if call else None,
                weight_bar=_share(call.weight_bytes if call else None, weights),
                live_bytes=call.live_bytes if call else None,
                live_bar=_share(call.live_bytes if call else None, live),
            )
        )
    return tuple(rows)


def worst_confusions(
    confusion: tuple[tuple[int, ...], ...], names: tuple[str, ...], limit: int = 8
) -> tuple[Confusion, ...]:
    """The pairs of classes that are mixed up most often, worst first."""
    found = [
        Confusion(true=_name(names, i), guess=_name(names, j), number=number, total=sum(row))
        for i, row in enumerate(confusion)
        for j, number in enumerate(row)
        if i != j and number
    ]
    return tuple(sorted(found, key=lambda c: -c.number)[:limit])


def _stacks(memory: MemoryInfo) -> list[tuple[str, int, int | None, tuple[plots.Mark, ...]]]:
    return [
        (name, used, limit, plots.stack_marks(memory.sections, ram=ram, limit=limit))
        for name, used, limit, ram in (
            ("Flash", memory.flash_bytes, memory.flash_limit, False),
            ("RAM", memory.ram_bytes, memory.ram_limit, True),
        )
    ]


def _by_group(sections: tuple[Section, ...]) -> dict[Group, tuple[int, int]]:
    return {
        g: (sum(s.flash for s in sections if s.group is g), sum(s.ram for s in sections if s.group is g)) for g in Group
    }


def _share(value: int | None, most: int) -> float:
    return min(1.0, value / most) if value and most else 0.0


def _name(names: tuple[str, ...], index: int) -> str:
    return names[index] if index < len(names) else str(index)
