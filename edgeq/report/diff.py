"""What changed from one report to another: accuracy, drift, cycles, bytes, ops, and every layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from edgeq.records import Accuracy, Metric
from edgeq.report import codec
from edgeq.report import format as fmt
from edgeq.report.engines import engine_cost, op_number, ratios
from edgeq.report.record import Report
from edgeq.terminal import printable
from edgeq.validation.explain import REFERENCE_NAMES

if TYPE_CHECKING:
    from rich.console import RenderableType


class Outcome(Enum):
    """What a change means. A change within the tolerance is NEUTRAL, as is one that is neither good nor bad."""

    BETTER = "better"
    WORSE = "worse"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure in both reports; None where a report has none. `relative` is (new − old) / old."""

    section: str
    name: str
    unit: str
    old: float | None
    new: float | None
    outcome: Outcome

    @property
    def relative(self) -> float | None:
        """The relative change; None if it has none."""
        if self.old is None or self.new is None or self.old == 0:
            return None
        return (self.new - self.old) / self.old


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDiff:
    """Every figure of both reports, in sections, and what must be known to read them. `columns` heads the two.

    Reports whose accuracy has two metrics are of two tasks, and not `comparable`.
    """

    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    columns: tuple[str, str] = ("old", "new")
    comparable: bool = True

    @property
    def regressed(self) -> bool:
        """Something got worse."""
        return any(change.outcome is Outcome.WORSE for change in self.changes)


def diff_reports(old: Report, new: Report, *, tolerance: float = 0.01, max_drop: float = 0.0) -> ReportDiff:
    """Compare two reports.

    Args:
        old: the report to compare with.
        new: the report that is judged.
        tolerance: relative growth of cycles, instructions and bytes that is not yet worse.
        max_drop: loss of accuracy (as a share; for an error, relative growth) that is not yet worse.

    Returns:
        The changes. Worse is: lower accuracy by the same metric, more outputs that differ or a larger difference from
        the primary reference, more cycles, instructions or bytes, and a check that no longer passes. Drift from other
        references, figures of single layers, ops and MACs are shown, but judge nothing. Two engines that ran the same
        model stand side by side: what they cost judges nothing either.
    """
    engines = old.engine != new.engine and old.model.sha256 == new.model.sha256
    limit = None if engines else tolerance
    changes = (
        *_accuracy(old, new, max_drop),
        *_drift(old, new),
        *_cost(old, new, limit),
        *_memory(old, new, limit),
        *_model(old, new),
        *_checks(old, new),
        *_layers(old, new, by_label=engines),
    )
    comparable = len(_metrics(old, new)) <= 1
    columns = (old.engine, new.engine) if engines else ("old", "new")
    notes = tuple(_notes(old, new, engines=engines))
    return ReportDiff(changes=changes, notes=notes, columns=columns, comparable=comparable)


def to_dict(diff: ReportDiff) -> dict[str, Any]:
    """The comparison as JSON values."""
    changes = [{**codec.encode(c), "relative": codec.encode(c.relative)} for c in diff.changes]
    return {
        "regressed": diff.regressed, "comparable": diff.comparable, "notes": list(diff.notes), "changes": changes
    }  # fmt: skip


def render_diff(diff: ReportDiff) -> RenderableType:
    """The comparison as a table, to be printed by a rich Console; figures that did not change are left out."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    colours = {Outcome.BETTER: "green", Outcome.WORSE: "red", Outcome.NEUTRAL: ""}
    marks = {Outcome.BETTER: "✓", Outcome.WORSE: "✗", Outcome.NEUTRAL: " "}  # where no colour is seen
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("")
    for column in (*diff.columns, "change"):
        table.add_column(column, justify="right", no_wrap=True)
    moved = [c for c in diff.changes if c.old != c.new]
    section = ""
    for change in moved:
        if change.section != section:
            section = change.section
            table.add_row(Text(section, style="bold"))
        table.add_row(
            Text(f"{marks[change.outcome]} {printable(change.name)}", style=colours[change.outcome]),
            _figure(change.old, change.unit),
            _figure(change.new, change.unit),
            Text(_step(change), style=colours[change.outcome]),
        )
    same = len(diff.changes) - len(moved)
    lines: list[RenderableType] = [table] if moved else []
    lines += [Text(f"! {printable(note)}", style="yellow") for note in diff.notes]
    worse = sum(c.outcome is Outcome.WORSE for c in diff.changes)
    better = sum(c.outcome is Outcome.BETTER for c in diff.changes)
    verdict = f"{worse} worse, {better} better, {same} of {len(diff.changes)} figures unchanged."
    if not diff.comparable:
        verdict = f"Two tasks, which do not compare. {verdict}"
    good = "bold green" if better and diff.comparable else "bold"
    lines.append(Text(verdict, style="bold red" if worse else good))
    return Group(*lines)


def _accuracy(old: Report, new: Report, max_drop: float) -> Iterator[Change]:
    for name in ("float_host", "int8_host", "device"):
        before: Accuracy | None = getattr(old.accuracy, name)
        after: Accuracy | None = getattr(new.accuracy, name)
        if before is None and after is None:
            continue
        metric = (after or before or _NO_ACCURACY).metric
        outcome = Outcome.NEUTRAL
        if before and after and before.metric is after.metric and before.value != after.value:
            top1 = metric is Metric.TOP1
            loss = before.value - after.value if top1 else after.value - before.value
            slack = max_drop if top1 else max_drop * before.value
            outcome = Outcome.BETTER if loss < 0 else Outcome.WORSE if loss > slack + 1e-12 else Outcome.NEUTRAL
        label = {"float_host": "float, host", "int8_host": "int8, host", "device": "int8, device"}[name]
        unit = "share" if metric is Metric.TOP1 else ""
        yield Change(
            section="accuracy",
            name=label,
            unit=unit,
            old=before.value if before else None,
            new=after.value if after else None,
            outcome=outcome,
        )


_NO_ACCURACY = Accuracy(value=0.0, n=0, correct=None, ci95=(0.0, 0.0), ties=None)


def _drift(old: Report, new: Report) -> Iterator[Change]:
    before = {d.reference: d for d in old.drift.references} if old.drift else {}
    after = {d.reference: d for d in new.drift.references} if new.drift else {}
    primary = new.drift.primary.reference if new.drift else None
    for reference, name in REFERENCE_NAMES.items():
        a, b = before.get(reference), after.get(reference)
        if a is None and b is None:
            continue
        judged = reference is primary and a is not None
        for field, label, unit in (("mismatches", "outputs that differ", ""), ("max_lsb", "worst difference", "LSB")):
            x, y = _of(a, field), _of(b, field)
            outcome = _less_is_better(x, y, 0.0) if judged else Outcome.NEUTRAL
            yield Change(section=f"drift from {name}", name=label, unit=unit, old=x, new=y, outcome=outcome)


def _cost(old: Report, new: Report, tolerance: float | None) -> Iterator[Change]:
    for field, label in (
        ("cycles_measured", "cycles, measured"),
        ("cycles_estimated", "cycles, estimated"),
        ("instructions", "instructions"),
    ):
        yield from _numbers("cost of one inference", label, "", _both(old.profile, new.profile, field), tolerance)
    yield from _numbers("cost of one inference", "latency", "ms", _both(old.profile, new.profile, "latency_ms"), None)


def _memory(old: Report, new: Report, tolerance: float | None) -> Iterator[Change]:
    for field, label in (
        ("flash_bytes", "flash"),
        ("ram_bytes", "RAM"),
        ("arena_bytes", "arena"),
        ("stack_bytes", "stack"),
    ):
        yield from _numbers("memory", label, "bytes", _both(old.memory, new.memory, field), tolerance)


def _model(old: Report, new: Report) -> Iterator[Change]:
    for field in ("ops", "macs", "parameters", "size_bytes"):
        label = {"ops": "ops", "macs": "MACs", "parameters": "parameters", "size_bytes": ".tflite"}[field]
        unit = "bytes" if field == "size_bytes" else ""
        yield from _numbers("model", label, unit, _both(old.model, new.model, field), None)


def _checks(old: Report, new: Report) -> Iterator[Change]:
    before = {c.name: c.passed for c in old.checks}
    after = {c.name: c.passed for c in new.checks}
    for name in dict.fromkeys((*before, *after)):
        x, y = before.get(name), after.get(name)
        outcome = Outcome.NEUTRAL
        if x is not None and y is not None and x != y:
            outcome = Outcome.BETTER if y else Outcome.WORSE
        yield Change(
            section="checks",
            name=name,
            unit="check",
            old=None if x is None else float(x),
            new=None if y is None else float(y),
            outcome=outcome,
        )


def _layers(old: Report, new: Report, *, by_label: bool) -> Iterator[Change]:
    """`by_label`: engines fuse other ops, so that one layer is not the same call in both."""

    def cycles(report: Report) -> dict[tuple[int, str], int]:
        layers = report.profile.layers if report.profile else ()
        return {(op_number(c.label) if by_label else c.index, c.label): c.cycles for c in layers}

    before, after = cycles(old), cycles(new)
    for key in sorted(before.keys() | after.keys()):
        yield from _numbers("cycles per layer", key[1], "", (before.get(key), after.get(key)), None)


def _metrics(old: Report, new: Report) -> set[Metric]:
    return {arm.metric for r in (old, new) if (arm := r.accuracy.device) is not None}


def _notes(old: Report, new: Report, *, engines: bool) -> Iterator[str]:
    costs = (engine_cost(old), engine_cost(new))
    if engines and costs[0] and costs[1] and (words := ratios(costs[0], costs[1])):
        yield f"Two engines, one model: {words}."
    if old.model.sha256 != new.model.sha256:
        yield "The .tflite is another one: cost and accuracy changed with the model."
    if old.data.sha256 != new.data.sha256 or old.data.samples != new.data.samples:
        yield "The samples are others: accuracy and drift are not of the same samples."
    if old.drift is not None and new.drift is None:
        yield "The new report compares the device with no reference: its drift is unknown."
    if len(_metrics(old, new)) > 1:
        yield "Accuracy is another metric in each report: the figures do not compare."
    for name, a, b in (
        ("board", old.board, new.board),
        ("device", old.device.name, new.device.name),
        *(() if engines else (("engine", old.engine, new.engine),)),
        ("optimize", old.optimize, new.optimize),
        ("clock", old.device.clock_hz, new.device.clock_hz),
    ):
        if a != b:
            yield f"Another {name}: {a} before, {b} now."
    if old.toolchain != new.toolchain and old.toolchain is not None and new.toolchain is not None:
        a, b = (f"{t.name} {t.version}" for t in (old.toolchain, new.toolchain))
        yield f"Another compiler: {a} before, {b} now." if a != b else "Other compiler flags."


def _numbers(
    section: str, name: str, unit: str, both: tuple[float | None, float | None], tolerance: float | None
) -> Iterator[Change]:
    """One figure of which less is better; without a tolerance it judges nothing; absent on both sides: none."""
    old, new = both
    if old is None and new is None:
        return
    outcome = Outcome.NEUTRAL if tolerance is None else _less_is_better(old, new, tolerance)
    yield Change(section=section, name=name, unit=unit, old=old, new=new, outcome=outcome)


def _less_is_better(old: float | None, new: float | None, tolerance: float) -> Outcome:
    if old is None or new is None or abs(new - old) <= tolerance * abs(old):
        return Outcome.NEUTRAL
    return Outcome.WORSE if new > old else Outcome.BETTER


def _of(record: object, field: str) -> float | None:
    value: float | None = None if record is None else getattr(record, field)
    return value


def _both(old: object, new: object, field: str) -> tuple[float | None, float | None]:
    return _of(old, field), _of(new, field)


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "check":
        return "passed" if value else "failed"
    if unit == "share":
        return fmt.percent(value)
    text = fmt.count(int(value)) if float(value).is_integer() else fmt.real(value)
    return f"{text} {unit}" if unit else text


def _step(change: Change) -> str:
    if change.unit == "check":
        return ""
    if change.old is None or change.new is None:
        return "new" if change.old is None else "gone"
    step = float(change.new - change.old)
    if change.unit == "share":
        return f"{100 * step:+.1f} pp".replace("-", "−")
    text = f"{step:+,.0f}" if step.is_integer() else f"{step:+.3g}"
    if change.relative is not None and abs(change.relative) < 10:
        text += f" ({100 * change.relative:+.1f} %)"
    return text.replace("-", "−")
