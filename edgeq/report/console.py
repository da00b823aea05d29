"""The report as a console summary: 80 columns are enough, and no colour where nobody sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeq.records import Drift, Metric
from edgeq.report import format as fmt
from edgeq.report.engines import engine_cost, figures
from edgeq.report.record import Report
from edgeq.report.variants import render_variants, where_layers_are
from edgeq.report.verdict import MARKS, Level, columns, verdict
from edgeq.terminal import printable
from edgeq.validation.explain import REFERENCE_NAMES

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red", Level.UNKNOWN: "default"}
_NAMES = {reference.value: name for reference, name in REFERENCE_NAMES.items()}
_LABEL, _CELL = 25, 16
"""Widths of a table's first and other columns: 25 + 3 · (16 + 2) fits 80 columns."""


def render(report: Report) -> RenderableType:
    """The result table, what failed, and the verdict, to be printed by a rich Console.

    Nothing of the model's is taken for markup or for a terminal's control codes.
    """
    from rich.console import Group

    parts: list[RenderableType] = []
    if report.variants is not None:
        parts += [*render_variants(report.variants, where_layers_are(report)), _text("")]
    elif report.accuracy.device or report.accuracy.int8_host or report.accuracy.float_host:
        parts += [_accuracy(report), _text("")]
    if report.accuracy.note:
        parts += [_text(report.accuracy.note, "dim"), _text("")]
    if report.drift is not None and (report.variants is None or len(report.drift.references) > 1):
        parts += [_drift(report), _text("")]
        parts += [_pairs(report), _text("")] if report.drift.pairs else []
    parts += [_cost(report), _text(""), *_engines(report), *_problems(report)]
    result = verdict(report)
    line = _text(f"{MARKS[result.level]} {result.headline}. {result.detail}.", f"bold {_COLOURS[result.level]}")
    return Group(*parts, line)


def _accuracy(report: Report) -> Table:
    arms = (report.accuracy.float_host, report.accuracy.int8_host, report.accuracy.device)
    known = next(arm for arm in arms if arm is not None)
    what = {Metric.TOP1: "accuracy", Metric.MAE: "MAE"}.get(known.metric, "MSE")
    table = _table(f"{what}, {known.n:,} samples", "float, host", "int8, host", "int8, device")
    table.add_row("value", *(fmt.accuracy(arm) for arm in arms))
    table.add_row("95 % interval", *(fmt.interval(arm) for arm in arms))
    if any(arm is not None and arm.ties for arm in arms):
        table.add_row("ties", *(fmt.count(arm.ties if arm else None) for arm in arms))
    return table


def _drift(report: Report) -> Table:
    drift = report.drift
    shown = columns(report)
    drifts = [drift.get(reference) if drift else None for reference in shown]
    table = _table("drift of the device from", *(REFERENCE_NAMES[r] for r in shown))

    def row(label: str, cell: object, tone: bool = False) -> None:
        table.add_row(label, *(_drift_cell(d, cell, tone) for d in drifts))

    def differing(d: Drift) -> str:
        both = f"{d.mismatches:,} of {d.outputs:,}"
        return both if len(both) <= _CELL else f"{d.mismatches:,}"

    row("outputs that differ", differing, tone=True)
    row("worst difference", lambda d: f"{d.max_lsb} LSB")
    if any(d is not None and d.top1_agreement is not None for d in drifts):
        row("same top-1 class", lambda d: fmt.percent(d.top1_agreement))
    row("SQNR", lambda d: f"{fmt.real(d.sqnr_db)} dB")
    return table


def _pairs(report: Report) -> Table:
    """Everyone against everyone: outputs that differ, worst difference, flips of the largest output."""
    pairs = report.drift.pairs if report.drift else ()
    samples = pairs[0].samples if pairs else 0
    table = _table(f"pairs, {samples:,} samples", "outputs differ", "worst", "argmax flips")
    for pair in pairs:
        flips = "" if pair.argmax_flips is None else f"{pair.argmax_flips:,}"
        cells = (f"{pair.mismatches:,}", f"{pair.max_lsb} LSB", flips)
        names = " – ".join(_NAMES.get(name, name) for name in (pair.first, pair.second))
        table.add_row(_text(names), *(_text(cell) for cell in cells))
    return table


def _drift_cell(drift: Drift | None, cell: object, tone: bool) -> RenderableType:
    if drift is None or not callable(cell):
        return _text("not run", "dim")
    return _text(str(cell(drift)), ("yellow" if drift.mismatches else "green") if tone else "")


def _cost(report: Report) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(width=_LABEL, overflow="fold")
    table.add_column(overflow="fold")
    built = f", {report.toolchain.name} {report.toolchain.version}" if report.toolchain else ""
    core = f" ({report.device.core})" if report.device.core else ""
    table.add_row(
        _text("model", "bold"), _text(f"{report.model.name}, {fmt.count(report.model.parameters)} parameters")
    )
    method = report.quantization.method
    if method is not None:
        recipe = f": {report.quantization.recipe}" if report.quantization.recipe else ""
        table.add_row(_text("method", "bold"), _text(f"{method}{recipe}"))
    ran = f"{report.board}{core}, {report.device.name}{built}"
    if report.variants is not None:
        ran = f"{report.device.name}, for {report.board}"
    elif report.device.about:
        machine = report.device.about.get("machine", "")
        ran = f"{report.device.name}, {machine}: {report.device.about.get('runtime', 'an interpreter')}"
    elif report.device.core == "host":
        ran = f"{report.device.name}, on this host; image for {report.board}{built}"
    table.add_row(_text("device", "bold"), _text(ran))
    for key in ("kernels", "threads", "cpus", "governor", "time"):
        if key in report.device.about:
            table.add_row(_text(f"  {key}"), _text(report.device.about[key]))
    for share in report.device.shares if len(report.device.shares) > 1 else ():
        said = f"{fmt.count(share.samples)} samples"
        if share.failure is not None:
            said += f"; dropped out: {share.failure.splitlines()[0]}"
        table.add_row(_text(f"  {share.device}"), _text(said, "yellow" if share.failure else ""))
    profile, memory = report.profile, report.memory
    if profile is not None:
        cycles = profile.cycles_measured or profile.cycles_estimated
        if cycles is not None:
            table.add_row(
                _text(f"cycles, {profile.source}", "bold"),
                f"{fmt.count(cycles)} = {fmt.milliseconds(profile.latency_ms)} at {fmt.short(profile.clock_hz)}Hz"
                + (f", by {profile.counter}" if profile.source == "measured" else ""),
            )
        if profile.latency is not None:
            table.add_row(_text("latency, measured", "bold"), fmt.latency(profile.latency))
        if profile.instructions is not None:
            words = f"{fmt.count(profile.instructions)} for {fmt.count(report.model.macs)} MACs"
            table.add_row(_text("instructions", "bold"), words)
    if memory is not None:
        stack = " used" if memory.stack_measured else " reserved"
        if memory.stack_of_handlers:
            stack += f" + {fmt.count(memory.stack_of_handlers)} for handlers"
        table.add_row(_text("flash", "bold"), _used(memory.flash_bytes, memory.flash_limit))
        table.add_row(_text("RAM", "bold"), _used(memory.ram_bytes, memory.ram_limit))
        arena = fmt.count(memory.arena_bytes)
        if memory.arena_used_bytes is not None:
            arena += f" ({fmt.count(memory.arena_used_bytes)} used)"
        table.add_row("", f"arena {arena}, stack {fmt.count(memory.stack_bytes)}{stack}")
        for saved in memory.plan.saved if memory.plan else ():
            effect = fmt.effect(saved)
            table.add_row(_text("pass", "bold"), _text(f"{saved.name}: {saved.words}{'; ' if effect else ''}{effect}"))
    return table


def _engines(report: Report) -> list[RenderableType]:
    """What both engines take, side by side."""
    own, other = engine_cost(report), report.beside
    if own is None or other is None:
        return []
    table = _table("both engines", own.engine, other.engine, f"{own.engine} / {other.engine}")
    for figure in figures(own, other):
        ratio = "–" if figure.ratio is None else f"{figure.ratio:.2f}"
        table.add_row(figure.name, fmt.count(figure.own), fmt.count(figure.other), ratio)
    return [table, _text("")]


def _used(used: int, limit: int | None) -> RenderableType:
    if limit is None:
        return _text(f"{used:,} bytes")
    over = used > limit
    return _text(f"{used:,} of {limit:,} bytes ({fmt.percent(used / limit)})", "red" if over else "")


def _problems(report: Report) -> list[RenderableType]:
    from rich.table import Table

    failed = [check for check in report.checks if not check.passed]
    if not failed and not report.findings:
        return []
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for check in failed:
        grid.add_row(_text("✗", "red"), _text(f"{check.name}: {check.message}"))
    for finding in report.findings:
        grid.add_row(_text("!", "yellow"), _text(f"{finding.where}: {finding.message}. To do: {finding.fix}"))
    return [grid, _text("")]


def _table(title: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    table.add_column(_text(title, "bold"), width=_LABEL, overflow="fold")
    for column in columns:
        table.add_column(_text(column, "bold"), justify="right", width=_CELL, overflow="fold")
    return table


def _text(content: str, style: str = "") -> RenderableType:
    from rich.text import Text

    return Text(printable(content), style=style)
