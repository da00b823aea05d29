"""Tables of `edgeq drift` and `edgeq profile` for the console."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from edgeq.records import Latency, LayerDrift, LayerTable, OpCost, Profile
from edgeq.report import format as fmt
from edgeq.terminal import FirstThatFits, printable
from edgeq.validation.explain import REFERENCE_NAMES

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

PROFILED = (
    "Ops as LiteRT runs and names them; XNNPACK's are fused, and some more than the model has. Means of a run of their "
    "own with LiteRT's profiler, whose clock counts whole microseconds."
)


def render_layers(table: LayerTable) -> RenderableType:
    """One row per layer in the order of the model, and a sentence about the first one that differs; where there are
    several references, a second table with one column for each."""
    from rich.console import Group
    from rich.text import Text

    traced = [row for row in table.layers if row.point is not None]
    name = REFERENCE_NAMES[table.held]
    wrong = [row for row in traced if row.differing_samples]
    if wrong:
        first = min(wrong, key=lambda row: row.point or 0)
        words, colour = f"✗ The first layer that differs is {first.label} (tensor {first.tensor}).", "bold red"
    else:
        words, colour = f"✓ All {len(traced)} layers have the fingerprints of {name}.", "bold green"
    verdict = Text(printable(words), style=colour)
    notes = [_plain(note, "dim") for note in table.notes]
    if len(table.columns) == 1:
        return Group(_held_layers(table.layers), Text(""), verdict, *notes)
    head = Text(printable(f"{table.device} against {name} on this host, the same kernels:"), style="bold")
    others = Text("Each interpreter of this host, by its worst difference from the device:", style="bold")
    return Group(
        head, Text(""), _held_layers(table.layers), Text(""), verdict, Text(""), others, Text(""), _all_columns(table),
        *notes,
    )  # fmt: skip


def _all_columns(table: LayerTable) -> Table:
    """One row per layer, one column per reference."""
    shown = _table(("layer", "left"), *((REFERENCE_NAMES[reference], "right") for reference in table.columns))
    shown.columns[0].min_width = _longest_word(row.label for row in table.layers)
    for rows in zip(*table.columns.values(), strict=True):
        cells = [_plain(_worst(row) or row.state, "red" if row.differing_samples else "green") for row in rows]
        shown.add_row(_plain(rows[0].label), *cells)
    return shown


def _worst(row: LayerDrift) -> str:
    """The largest difference of a layer: in LSB, of floats an SQNR; "" where nothing differs."""
    if not row.differing_samples:
        return ""
    return f"{row.max_lsb} LSB" if row.sqnr_db is None else f"SQNR {fmt.real(row.sqnr_db, 3)} dB"


def _held_layers(layers: Sequence[LayerDrift]) -> Table:
    table = _table(
        ("layer", "left"), ("state", "left"), ("samples", "right"), ("elements", "right"), ("worst", "right")
    )
    table.columns[0].min_width = _longest_word(row.label for row in layers)
    for row in layers:
        if row.point is None:
            table.add_row(_plain(row.label), _plain(row.state, "dim"), "", "", "")
        elif row.differing_samples == 0:
            table.add_row(_plain(row.label), _plain(row.state, "green"), f"0 of {row.samples}", "", "")
        else:
            total = (row.elements or 0) * row.fetched_samples
            table.add_row(
                _plain(row.label),
                _plain(row.state, "red"),
                f"{row.differing_samples} of {row.samples}",
                f"{row.mismatches:,} of {total:,}",
                _worst(row),
            )
    return table


def render_profile(profile: Profile) -> RenderableType:
    """Cost per layer and in all."""
    from rich.console import Group
    from rich.text import Text

    if profile.latency is not None:
        return _latency(profile, profile.latency)
    columns = ("layer", "MACs", "instructions", "cycles", "share")
    forms = (("kernel", "cycles/MAC"), ("cycles/MAC",), ())
    table = FirstThatFits(tuple(_cost_table(profile, (*columns, *more)) for more in forms))
    macs = sum(layer.macs for layer in profile.layers)
    cycles = profile.cycles_measured or profile.cycles_estimated
    words = "" if profile.instructions is None else f"{fmt.count(profile.instructions)} instructions"
    if cycles:
        source = profile.source if profile.source == "estimated" else f"{profile.source} by {profile.counter}"
        words = (
            f"{fmt.count(cycles)} cycles ({source}), {words}{', ' if words else ''}"
            f"{fmt.milliseconds(profile.latency_ms)} at {fmt.short(profile.clock_hz)}Hz"
        )
    if macs and cycles:
        words += f"; {cycles / macs:.2f} cycles/MAC"
    notes = [Text(words, style="bold")]
    if profile.cycles_estimated and profile.source == "estimated":
        notes.append(Text("Estimated from the core's documented timings, zero wait states.", style="dim"))
    return Group(table, Text(""), *notes)


def _latency(profile: Profile, latency: Latency) -> RenderableType:
    """The distribution of an interpreter's times, and the conditions that they hold under."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = _table(*((title, "right") for title in ("median", "p90", "p99")))
    table.add_row(*(fmt.milliseconds(time) for time in (latency.median_ms, latency.p90_ms, latency.p99_ms)))
    grid = Table.grid(padding=(0, 2))
    for key, value in profile.about.items():
        grid.add_row(_plain(key, "bold"), _plain(value))
    words = f"Wall time of {latency.runs:,} inferences of one sample in a row."
    shown: list[RenderableType] = [table, Text(""), grid, Text(""), Text(words, style="dim")]
    if profile.ops:
        shown += [Text(""), _ops(profile.ops), Text(""), Text(PROFILED, style="dim")]
    return Group(*shown)


def _ops(ops: Sequence[OpCost]) -> Table:
    """One row per op that an interpreter timed."""
    whole = sum(op.microseconds for op in ops) or 1.0
    table = _table(("op", "left"), ("kernels", "left"), ("time", "right"), ("share", "right"))
    for op in ops:
        time, share = f"{op.microseconds:,.1f} µs", fmt.percent(op.microseconds / whole)
        table.add_row(_plain(op.label), _plain(op.kernels, "dim"), time, share)
    return table


def _cost_table(profile: Profile, titles: Collection[str]) -> Table:
    """One row per layer, with the columns of these titles."""
    whole = sum(layer.cycles for layer in profile.layers) or 1
    cells: dict[str, list[RenderableType]] = {
        "layer": [_plain(layer.label) for layer in profile.layers],
        "kernel": [_plain(layer.kernel, "dim") for layer in profile.layers],
        "MACs": [fmt.count(layer.macs) if layer.macs else "" for layer in profile.layers],
        "instructions": [fmt.count(layer.instructions) for layer in profile.layers],
        "cycles": [fmt.count(layer.cycles) for layer in profile.layers],
        "share": [fmt.percent(layer.cycles / whole) for layer in profile.layers],
        "cycles/MAC": [f"{layer.cycles / layer.macs:.2f}" if layer.macs else "" for layer in profile.layers],
    }
    shown = [title for title in cells if title in titles]
    table = _table(*((title, "left" if title in {"layer", "kernel"} else "right") for title in shown))
    table.columns[0].min_width = _longest_word(layer.label for layer in profile.layers)
    for row in zip(*(cells[title] for title in shown), strict=True):
        table.add_row(*row)
    return table


def _longest_word(texts: Iterable[str]) -> int:
    """Its length: a column that is no narrower never cuts an op's name."""
    return max((len(word) for text in texts for word in text.split()), default=0)


def _table(*columns: tuple[str, str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for title, justify in columns:
        table.add_column(title, justify="right" if justify == "right" else "left", overflow="fold")
    return table


def _plain(content: str, style: str = "") -> RenderableType:
    from rich.text import Text

    return Text(printable(content), style=style)
