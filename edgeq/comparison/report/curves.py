"""Learning curves: loss and metric of every trained arm over its epochs, one line per seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from edgeq.comparison.record import Comparison, Run
from edgeq.comparison.report.plots import Dot, arm_kind
from edgeq.records import Metric
from edgeq.report import format as fmt
from edgeq.report.axis import Scale, Tick, bend_for, decimal, percentage, ticks
from edgeq.training import Epoch, TrainingHistory

_LEFT, _RIGHT, _WIDTH, _HEIGHT = 46.0, 352.0, 360.0, 262.0
_LOSS, _METRIC = (24.0, 128.0), (158.0, 222.0)
_MANY_TIMES = 30.0
"""Losses that differ by more are drawn on a logarithmic axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A curve as an SVG path; gaps where a value is not finite. `kind` is train or validation."""

    path: str
    kind: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One of the two parts of a plot, from `top` to `bottom`; `kept` marks the epoch whose weights were kept."""

    title: str
    top: float
    bottom: float
    lines: tuple[Line, ...]
    kept: tuple[Dot, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePlot:
    """The learning curves of one arm; `caption` says in words what happened, `notes` what must be known beside."""

    title: str
    caption: str
    notes: tuple[str, ...]
    kind: str
    width: float
    height: float
    left: float
    right: float
    panels: tuple[Panel, ...]
    x_ticks: tuple[Tick, ...]


def curve_plots(comparison: Comparison) -> tuple[CurvePlot, ...]:
    """One plot per trained arm. All have the same axes, so that arms can be compared by eye."""
    arms = [(arm, [run for run in arm.runs if run.history is not None]) for arm in comparison.arms]
    arms = [(arm, runs) for arm, runs in arms if runs]
    histories = [run.history for _, runs in arms for run in runs if run.history is not None]
    if not histories:
        return ()
    share = fmt.is_share(comparison.metric)
    longest = max(len(h.epochs) for h in histories)
    x = Scale(low=0, high=max(longest, 1), start=_LEFT, end=_RIGHT)
    every = [epoch for h in histories for epoch in (h.start, *h.epochs)]
    loss = _loss_scale([value for e in every for value in (e.loss, e.validation_loss)])
    metric = _value_scale([e.validation_metric for e in every])
    loss_ticks = ticks(loss, _short, about=5, apart=16)
    metric_ticks = ticks(metric, percentage if share else decimal, about=5)
    steps = max(1, math.ceil(longest / 10))
    x_ticks = tuple(Tick(at=x.at(e), label=str(e)) for e in range(0, longest + 1, steps))
    return tuple(
        CurvePlot(
            title=arm.title,
            caption=_caption(runs),
            notes=tuple(dict.fromkeys(note for run in runs if run.history for note in run.history.notes)),
            kind=arm_kind(comparison, arm.name),
            width=_WIDTH,
            height=_HEIGHT,
            left=_LEFT,
            right=_RIGHT,
            panels=(
                Panel(
                    title="loss",
                    top=_LOSS[0],
                    bottom=_LOSS[1],
                    lines=(*_lines(runs, x, loss, "loss"), *_lines(runs, x, loss, "validation_loss")),
                    kept=_kept(runs, x, loss, "validation_loss", fmt.real),
                    y_ticks=loss_ticks,
                ),
                Panel(
                    title="validation accuracy" if share else "validation mean absolute error",
                    top=_METRIC[0],
                    bottom=_METRIC[1],
                    lines=_lines(runs, x, metric, "validation_metric"),
                    kept=_kept(runs, x, metric, "validation_metric", _metric_text(comparison)),
                    y_ticks=metric_ticks,
                ),
            ),
            x_ticks=x_ticks,
        )
        for arm, runs in arms
    )


def _lines(runs: Sequence[Run], x: Scale, y: Scale, field: str) -> tuple[Line, ...]:
    names = {"loss": "training loss", "validation_loss": "validation loss", "validation_metric": "validation metric"}
    kind = "train" if field == "loss" else "validation"
    return tuple(
        Line(path=_path(run.history, x, y, field), kind=kind, title=f"{names[field]}, {_seed(run)}")
        for run in runs
        if run.history is not None
    )


def _path(history: TrainingHistory, x: Scale, y: Scale, field: str) -> str:
    """Moves and lines through the finite values, from epoch 0."""
    path, pen = [], "M"
    for i, value in enumerate(getattr(e, field) for e in _epochs(history)):
        if not math.isfinite(value):
            pen = "M"
            continue
        path.append(f"{pen}{x.at(i):.1f} {y.at(value):.1f}")
        pen = "L"
    return "".join(path)


def _kept(runs: Sequence[Run], x: Scale, y: Scale, field: str, text: Callable[[float], str]) -> tuple[Dot, ...]:
    dots = []
    for run in runs:
        if run.history is None:
            continue
        epochs = _epochs(run.history)
        value = getattr(epochs[min(run.history.best, len(epochs) - 1)], field)
        if math.isfinite(value):
            title = f"{_seed(run)}: kept after epoch {run.history.best}, {text(value)}"
            dots.append(Dot(x=x.at(run.history.best), y=y.at(value), title=title))
    return tuple(dots)


def _epochs(history: TrainingHistory) -> tuple[Epoch, ...]:
    return (history.start, *history.epochs)


def _seed(run: Run) -> str:
    return "the run" if run.seed is None else f"seed {run.seed}"


def _caption(runs: Sequence[Run]) -> str:
    histories = [run.history for run in runs if run.history is not None]
    kept = ", ".join(str(h.best) for h in histories)
    first = histories[0]
    epochs = sorted({len(h.epochs) for h in histories})
    long = f"{epochs[0]}" if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
    early = ", stopped early" if any(h.stopped_early for h in histories) else ""
    rate = fmt.real((first.epochs or (first.start,))[0].learning_rate)
    how = f"{first.optimizer}, learning rate {rate}, batch {first.batch_size}"
    moved = [h.epochs[-1].range_change for h in histories if h.epochs]
    known = [change for change in moved if change is not None]
    ranges = f"; ranges moved by up to {fmt.percent(max(known))} in the last epoch" if known else ""
    return f"kept after epoch {kept} of {long}{early}; {how}{ranges}"


def _metric_text(comparison: Comparison) -> Callable[[float], str]:
    metric: Metric = comparison.metric
    return lambda value: fmt.figure(value, metric)


def _loss_scale(values: Iterable[float]) -> Scale:
    """Linear from zero; logarithmic where a loss exploded, so that the others can still be seen."""
    known = [v for v in values if math.isfinite(v)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    bend = bend_for(known, _MANY_TIMES)
    return Scale(low=min(0.0, low), high=high * 1.05 if high > 0 else 1.0, start=_LOSS[1], end=_LOSS[0], bend=bend)


def _value_scale(values: Iterable[float]) -> Scale:
    known = [v for v in values if math.isfinite(v)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    pad = max((high - low) * 0.08, abs(high) * 1e-3, 1e-12)
    return Scale(low=low - pad, high=high + pad, start=_METRIC[1], end=_METRIC[0])


def _short(value: float, _digits: int) -> str:
    return fmt.short(value) if abs(value) >= 1000 else fmt.real(value, 3)
