"""Learning curves: loss and metric of trainings over their epochs, for whatever shows them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from edgeq.report import format as fmt
from edgeq.report.axis import Scale, Tick, bend_for, decimal, percentage, ticks
from edgeq.training import Epoch, TrainingHistory

_LEFT, _RIGHT, _WIDTH, _HEIGHT = 46.0, 352.0, 360.0, 262.0
_LOSS, _METRIC = (24.0, 128.0), (158.0, 222.0)
_MANY_TIMES = 30.0
"""Losses that differ by more are drawn on a logarithmic axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One run."""

    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainings:
    """What one plot shows: trainings of one method by their names ("seed 1"); `kind` are CSS classes of ours."""

    title: str
    kind: str
    runs: tuple[tuple[str, TrainingHistory], ...]


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
    """The learning curves of one method; `caption` says in words what happened, `notes` what must be known beside."""

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


def curve_plots(methods: Sequence[Trainings], *, share: bool) -> tuple[CurvePlot, ...]:
    """One plot per method. All have the same axes, so that they can be compared by eye.

    Args:
        methods: each with at least one training.
        share: the metric is a share of right answers; else an error.
    """
    histories = [history for method in methods for _, history in method.runs]
    if not histories:
        return ()
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
            title=method.title,
            caption=caption([history for _, history in method.runs]),
            notes=tuple(dict.fromkeys(note for _, history in method.runs for note in history.notes)),
            kind=method.kind,
            width=_WIDTH,
            height=_HEIGHT,
            left=_LEFT,
            right=_RIGHT,
            panels=(
                Panel(
                    title="loss",
                    top=_LOSS[0],
                    bottom=_LOSS[1],
                    lines=(*_lines(method, x, loss, "loss"), *_lines(method, x, loss, "validation_loss")),
                    kept=_kept(method, x, loss, "validation_loss", fmt.real),
                    y_ticks=loss_ticks,
                ),
                Panel(
                    title="validation accuracy" if share else "validation mean absolute error",
                    top=_METRIC[0],
                    bottom=_METRIC[1],
                    lines=_lines(method, x, metric, "validation_metric"),
                    kept=_kept(method, x, metric, "validation_metric", fmt.percent if share else fmt.real),
                    y_ticks=metric_ticks,
                ),
            ),
            x_ticks=x_ticks,
        )
        for method in methods
    )


def _lines(method: Trainings, x: Scale, y: Scale, field: str) -> tuple[Line, ...]:
    names = {"loss": "training loss", "validation_loss": "validation loss", "validation_metric": "validation metric"}
    kind = "train" if field == "loss" else "validation"
    return tuple(
        Line(path=_path(history, x, y, field), kind=kind, title=f"{names[field]}, {name}")
        for name, history in method.runs
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


def _kept(method: Trainings, x: Scale, y: Scale, field: str, text: Callable[[float], str]) -> tuple[Dot, ...]:
    dots = []
    for name, history in method.runs:
        epochs = _epochs(history)
        value = getattr(epochs[min(history.best, len(epochs) - 1)], field)
        if math.isfinite(value):
            title = f"{name}: kept after epoch {history.best}, {text(value)}"
            dots.append(Dot(x=x.at(history.best), y=y.at(value), title=title))
    return tuple(dots)


def _epochs(history: TrainingHistory) -> tuple[Epoch, ...]:
    return (history.start, *history.epochs)


def caption(histories: Sequence[TrainingHistory]) -> str:
    """In words: which epoch was kept of how many, how it was trained, and whether the ranges settled."""
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
