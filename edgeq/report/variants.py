"""The variants of a mobile build for the console: one table, what falls off XNNPACK, and the recommendation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from edgeq.records import Standing, VariantRow
from edgeq.report import format as fmt
from edgeq.report.record import Report, VariantsInfo
from edgeq.terminal import FirstThatFits, printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_TONES = {Standing.NOT_WORSE: "green", Standing.WORSE: "red", Standing.UNKNOWN: "yellow", Standing.BASELINE: ""}


def render_variants(info: VariantsInfo, layers: str | None = None) -> list[RenderableType]:
    """The parts, to be printed one below the other; `layers` is the sentence of `where_layers_are`."""
    parts: list[RenderableType] = [FirstThatFits(tuple(_table(info, wide=wide) for wide in (True, False)))]
    parts.append(_text(where_timed(info), "dim"))
    parts += [_text(f"{row.kind.value}: {fallen_text(row)}", "yellow") for row in info.rows if row.placement.fallen]
    parts += [_text(f"no {refused.kind.value}: {_first_line(refused.reason)}", "yellow") for refused in info.refused]
    parts += [_text(line, "" if fine else "yellow") for line, fine in device_lines(info)]
    parts += [_text(layers, "dim")] if layers else []
    parts += [_text(f"{platform.name}: {platform.proof}", "dim") for platform in info.platforms]
    chosen = info.recommendation
    parts.append(_text(f"→ {chosen.kind.value}: {chosen.reason}.", "bold" if chosen.conclusive else "bold yellow"))
    return parts


def where_timed(info: VariantsInfo) -> str:
    """What latency and memory belong to, in a sentence."""
    host, runs = info.host, info.rows[0].latency.runs
    governor = f", governor {host.governor}" if host.governor else ""
    threads = "1 thread" if host.threads == 1 else f"{host.threads} threads"
    return (
        f"Latency and memory are this host's ({host.machine}, {host.processor}{governor}), by {host.interpreter} with "
        f"{threads}: {runs} inferences of each variant in turns, after {host.warmup_runs} to warm up. A phone's are "
        "others; the order of the variants may be, too."
    )


def where_layers_are(report: Report) -> str | None:
    """The command for what a report of a mobile build lacks, its layers; None where it has them, or where the device
    hands out none."""
    if report.drift is None or report.drift.layers or report.device.about.get("layers", "").startswith("none"):
        return None
    device = "" if ", " in report.device.name else f" --device {report.device.name}"
    return f"Layer by layer, against each interpreter of this host: edgeq drift BUILD{device}"


def fallen_text(row: VariantRow) -> str:
    """Which ops XNNPACK left to LiteRT's own kernels, and why, in a sentence."""
    placement = row.placement
    groups = Counter((op.name, op.reason) for op in placement.fallen)
    if len(placement.fallen) == placement.ops:
        types = dict.fromkeys(op.types for op in placement.fallen)
        return f"none of its {placement.ops} ops runs in XNNPACK; their types are {' and '.join(types)}"
    listed = "; ".join(f"{count} {name}, {reason}" for (name, reason), count in groups.items())
    return (
        f"{len(placement.fallen)} of {placement.ops} ops are off XNNPACK ({fmt.percent(placement.fallen_macs)} of the "
        f"MACs): {listed}"
    )


def device_lines(info: VariantsInfo) -> list[tuple[str, bool]]:
    """Per device, which variants gave the host's outputs there, and by how much the others differ; and whether all
    did."""
    found: dict[str, list[VariantRow]] = {}
    for row in info.rows:
        if row.device is not None:
            found.setdefault(f"{row.device.device} ({row.device.machine})", []).append(row)
    lines = []
    for name, rows in found.items():
        equal = [row.kind.value for row in rows if row.device is not None and not row.device.mismatches]
        said = [f"{', '.join(equal)}: the host's outputs to the last bit"] if equal else []
        said += [_apart(row) for row in rows if row.device is not None and row.device.mismatches]
        lines.append(
            (
                f"on {name}, {rows[0].device.samples if rows[0].device else 0:,} samples: {'; '.join(said)}",
                len(equal) == len(rows),
            )
        )
    return lines


def _apart(row: VariantRow) -> str:
    found = row.device
    if found is None:
        return ""
    flips = f", {found.argmax_flips:,} answers flip" if found.argmax_flips is not None else ""
    return (
        f"{row.kind.value}: {found.mismatches:,} of {found.outputs:,} outputs differ, SQNR "
        f"{fmt.real(found.sqnr_db, 3)} dB{flips}"
    )


def _table(info: VariantsInfo, *, wide: bool) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    measured = next((row.accuracy for row in info.rows if row.accuracy is not None), None)
    titles = ["variant", "size"]
    if measured:
        titles += [measured.metric.value, *(["95 % interval"] if wide else []), "to float32"]
    else:
        titles += ["same top-1", "SQNR"]
    titles += ["median", "p90", *(["p99"] if wide else []), "memory"]
    for title in titles:
        first = title == "variant"
        table.add_column(_text(title, "bold"), justify="left" if first else "right", no_wrap=first)
    for row in info.rows:
        style = "bold" if row.kind is info.recommendation.kind else ""
        cells = [_text(row.kind.value, style), _text(fmt.size(row.size_bytes))]
        if measured:
            cells.append(_text(fmt.accuracy(row.accuracy)))
            cells += [_text(fmt.interval(row.accuracy))] if wide else []
            said = fmt.difference(row.difference) if row.difference else "–"
            cells.append(_text(said, _TONES[row.standing]))
        else:
            sqnr = "–" if row.sqnr_db is None else f"{fmt.real(row.sqnr_db, 3)} dB"
            cells += [_text(fmt.percent(row.same_top1)), _text(sqnr)]
        times = [row.latency.median_ms, row.latency.p90_ms, *([row.latency.p99_ms] if wide else [])]
        cells += [_text(fmt.milliseconds(value)) for value in times]
        cells.append(_text(fmt.size(row.peak_memory_bytes)))
        table.add_row(*cells)
    return table


def _first_line(text: str) -> str:
    return text.splitlines()[0]


def _text(content: str, style: str = "") -> RenderableType:
    from rich.text import Text

    return Text(printable(content), style=style)
