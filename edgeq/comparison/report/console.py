"""A comparison on the console: arms, contrasts, findings, verdict. 80 columns are enough; no colour where nobody sees
it; nothing of the model's is taken for markup or for a terminal's control codes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edgeq.comparison.record import Comparison, Severity
from edgeq.comparison.report import words
from edgeq.report import format as fmt
from edgeq.report.verdict import MARKS, Level
from edgeq.statistics.equivalence import Conclusion
from edgeq.terminal import FirstThatFits, printable

if TYPE_CHECKING:
    from rich.console import JustifyMethod, RenderableType

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red", Level.UNKNOWN: "default"}
_MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}
_WORD_COLOURS = {c.value: _COLOURS[words.CONCLUSION_LEVELS[c]] for c in Conclusion} | {"failed": "red", "–": "dim"}
_WORDY = ("this artifact", "method")
"""Columns that hold words and not numbers."""

_LONGEST = 16
"""A title's word that is longer may be broken."""


def render(comparison: Comparison) -> RenderableType:
    """Everything that was found out, most important last, where a terminal leaves it in sight."""
    from rich.console import Group

    headline = f"{words.metric_title(comparison)} on {comparison.data.test:,} test samples"
    parts: list[RenderableType] = [
        _text(headline, "bold"),
        _text(""),
        _arms(comparison),
        *_about_arms(comparison),
        _text(""),
    ]
    if comparison.contrasts:
        parts += [_contrasts(comparison), *_about_contrasts(comparison), _text("")]
    if comparison.findings:
        parts += [_findings(comparison), _text("")]
    level = words.level(comparison)
    headline = f"{MARKS[level]} {comparison.verdict.headline}"
    parts += [_text(headline, f"bold {_COLOURS[level]}"), _text(comparison.verdict.paragraph)]
    return Group(*parts)


def _arms(comparison: Comparison) -> RenderableType:
    """One row per arm; a narrow terminal gets fewer columns."""
    metric = comparison.metric
    cells: dict[str, list[str]] = {"value": [], "95 % interval": [], "ties": [], "mean ± sd (seeds)": [], "size": []}
    for arm in comparison.arms:
        run = words.shown_run(arm)
        figure = run.figure if run else None
        row = (
            fmt.figure(figure.value, metric) if figure else "failed",
            fmt.span(figure.ci95, metric) if figure else "–",
            fmt.count(figure.ties if figure else None),
            f"{words.mean_and_spread(arm, metric)} ({len(arm.runs)})" if len(arm.runs) > 1 else "–",
            fmt.size(run.size_bytes if run else None),
        )
        for column, cell in zip(cells.values(), row, strict=True):
            column.append(cell)
    if all(len(arm.runs) <= 1 for arm in comparison.arms):
        del cells["mean ± sd (seeds)"]
    return _table(
        "arm",
        list(words.short_titles(comparison).values()),
        cells,
        forms=((), ("ties",), ("ties", "size"), ("ties", "size", "mean ± sd (seeds)")),
    )


def _about_arms(comparison: Comparison) -> list[RenderableType]:
    arms, names = comparison.arms, words.short_titles(comparison)
    lines = [_text(f"✗ {names[arm.name]}: {arm.failed}", "red") for arm in arms if arm.failed]
    lines += [_text(f"{names[arm.name]}: {arm.title}", "dim") for arm in arms if arm.title != names[arm.name]]
    lines += [_text(f"{names[arm.name]}: {note}", "dim") for arm in arms for note in arm.notes]
    if any(run.figure.ties for arm in comparison.arms for run in arm.runs[:1]):
        lines.append(_text(f"Ties: {comparison.tie_rule}", "dim"))
    return lines


def _contrasts(comparison: Comparison) -> RenderableType:
    """One row per contrast, declared ones first."""
    metric = comparison.metric
    rows = sorted(comparison.contrasts, key=lambda c: not c.declared)
    interval = f"{fmt.percent(rows[0].artifact.confidence, 0)} interval"
    cells: dict[str, list[str]] = {
        "difference": [fmt.step(c.artifact.difference, metric) for c in rows],
        interval: [fmt.step_span(c.artifact.interval, metric).removesuffix(" pp") for c in rows],
        "p": [fmt.p_value(c.artifact.p_holm) if c.declared else f"{fmt.p_value(c.artifact.p_value)}*" for c in rows],
        "this artifact": [c.artifact.conclusion.value for c in rows],
        "method": [c.method.conclusion.value if c.method.conclusion else "–" for c in rows],
    }
    if all(c.method.conclusion is None for c in rows):
        del cells["method"]
    titles = [words.contrast_name(c, comparison) for c in rows]
    least_first = ("p", interval, "method", "difference")
    forms = tuple(least_first[:count] for count in range(len(least_first) + 1))
    return _table("contrast", titles, cells, forms=forms)


def _about_contrasts(comparison: Comparison) -> list[RenderableType]:
    level = fmt.percent(comparison.level, 0)
    margin = words.margin(comparison)
    lines = [f"Level {level}; p after Holm over the declared contrasts; equivalent: within {margin}."]
    if not all(c.declared for c in comparison.contrasts):
        lines.append("* exploratory: not corrected, a hint at most.")
    return [_text(line, "dim") for line in (*lines, *words.method_reasons(comparison))]


def _findings(comparison: Comparison) -> RenderableType:
    from rich.console import Group
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in comparison.findings:
        colour = _COLOURS[words.SEVERITY_LEVELS[finding.severity]]
        said = Group(
            _text(finding.title, "bold"),
            _text(finding.text),
            _text(f"To do: {finding.advice}" if finding.advice else ""),
        )
        grid.add_row(_text(_MARKS[finding.severity], f"bold {colour}"), said)
    return grid


def _table(
    first: str, titles: Sequence[str], columns: Mapping[str, Sequence[str]], *, forms: Sequence[Sequence[str]]
) -> RenderableType:
    """The first form that fits; a form is what columns it leaves out, and heads may wrap where that keeps one. Of the
    rest only titles may: all other columns have a fixed width, as rich would shrink a column below its least one."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = []
    for left_out, heads_wrap in itertools.product(forms, (False, True)):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
        table.add_column(Text(first, style="bold"), min_width=_longest_word((first, *titles)), overflow="fold")
        shown = [name for name in columns if name not in left_out]
        for name in shown:
            justify: JustifyMethod = "left" if name in _WORDY else "right"
            width = max(_longest_word([name]) if heads_wrap else len(name), *map(len, columns[name]))
            table.add_column(Text(name, style="bold"), justify=justify, width=width)
        for i, title in enumerate(titles):
            cells = [columns[name][i] for name in shown]
            table.add_row(_text(title), *(Text(cell, style=_WORD_COLOURS.get(cell, "")) for cell in cells))
        made.append(table)
    return FirstThatFits(tuple(made), wrapped=True)


def _longest_word(texts: Sequence[str]) -> int:
    return min(_LONGEST, max((len(word) for text in texts for word in text.split()), default=0))


def _text(content: str, style: str = "") -> RenderableType:
    from rich.text import Text

    return Text(printable(content), style=style)
