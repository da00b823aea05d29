"""Tables of `edgeq drift` and `edgeq profile` for the console."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from edgeq.records import Latency, LayerDrift, Profile
from edgeq.report import format as fmt
from edgeq.terminal import FirstThatFits, printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


def render_layers(layers: Sequence[LayerDrift]) -> RenderableType:
    """One row per layer in the order of the model, and a sentence about the first one that differs."""
    from rich.console import Group
    from rich.text import Text

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
                f"{row.max_lsb} LSB",
            )
    traced = [row for row in layers if row.point is not None]
    wrong = [row for row in traced if row.differing_samples]
    if wrong:
        first = min(wrong, key=lambda row: row.point or 0)
        words, colour = f"✗ The first layer that differs is {first.label} (tensor {first.tensor}).", "bold red"
    else:
        words, colour = f"✓ All {len(traced)} layers have the reference's fingerprints.", "bold green"
    return Group(table, Text(""), Text(printable(words), style=colour))


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
    return Group(table, Text(""), grid, Text(""), Text(words, style="dim"))


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
