"""Numbers as people read them, the same on the console and in HTML."""

from __future__ import annotations

import math

from edgeq.records import Accuracy, AccuracyDifference, Latency, Metric
from edgeq.report.record import PassSaving


def count(value: int | None) -> str:
    """1,234,567; an en dash for None."""
    return "–" if value is None else f"{value:,}"


def short(value: float | None) -> str:
    """Three significant digits with k, M or G: 12.5 M."""
    if value is None:
        return "–"
    for factor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return f"{_digits(value / factor)}{unit}"
    return _digits(value)


def size(value: int | None) -> str:
    """Bytes in binary units: 37.6 KiB; below 1 KiB as they are."""
    if value is None:
        return "–"
    for factor, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if abs(value) >= factor:
            return f"{_digits(value / factor)} {unit}"
    return f"{value} B"


def percent(value: float | None, digits: int = 1) -> str:
    """A share as a percentage. What is not quite 0 % or 100 % does not show as it."""
    if value is None or not math.isfinite(value):
        return "–"
    step = 10.0**-digits
    if 0.0 < value < step / 200:
        return f"<{step:.{digits}f} %"
    if 1.0 - step / 200 <= value < 1.0:
        return f">{100 - step:.{digits}f} %"
    return f"{100 * value:.{digits}f} %"


def effect(saving: PassSaving) -> str:
    """What a build takes less without a pass than with it, and more; empty where that was not compared."""
    figures = (
        (saving.flash_bytes, "bytes of flash"),
        (saving.arena_bytes, "bytes of the arena"),
        (saving.cycles, "cycles"),
    )
    if all(value is None for value, _ in figures):
        return ""
    words = [
        f"{verb} {' and '.join(found)}"
        for verb, sign in (("saves", 1), ("costs", -1))
        if (found := [f"{abs(value):,} {what}" for value, what in figures if value and value * sign > 0])
    ]
    return ", ".join(words) or "saves nothing that was estimated"


def real(value: float | None, digits: int = 4) -> str:
    """A real number with a few significant digits; ∞ and "not a number" in words."""
    if value is None:
        return "–"
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{digits}g}".replace("-", "−")


def milliseconds(value: float | None) -> str:
    """A latency: 27.2 ms, 840 µs, 1.25 s; an en dash for None."""
    if value is None:
        return "–"
    if value >= 1000:
        return f"{_digits(value / 1000)} s"
    return f"{_digits(value)} ms" if value >= 1 else f"{_digits(value * 1000)} µs"


def latency(value: Latency) -> str:
    """Median and what few inferences take longer than."""
    ends = f"p90 {milliseconds(value.p90_ms)}, p99 {milliseconds(value.p99_ms)}"
    return f"median {milliseconds(value.median_ms)}, {ends}, {value.runs:,} in a row"


def is_share(metric: Metric) -> bool:
    """Whether its values are shares, which people read as percentages; else they have a unit of their own."""
    return metric in (Metric.TOP1, Metric.TOP_K, Metric.AUC)


def figure(value: float | None, metric: Metric) -> str:
    """A value of a metric: 97.2 %, or an error with four digits."""
    return percent(value) if is_share(metric) else real(value)


def span(ends: tuple[float, float], metric: Metric) -> str:
    """An interval of values: 95.4 … 98.3 %."""
    low, high = ends
    if is_share(metric) and math.isfinite(low) and math.isfinite(high):
        return f"{100 * low:.1f} … {100 * high:.1f} %".replace("-", "−")
    return _error_span(low, high)


def step(value: float, metric: Metric) -> str:
    """A signed difference in percentage points, or in the metric's own unit."""
    if is_share(metric) and math.isfinite(value):
        return f"{100 * value:+.1f} pp".replace("-", "−")
    return ("+" if value > 0 else "") + real(value)


def step_span(ends: tuple[float, float], metric: Metric) -> str:
    """An interval of differences: −0.4 … +1.3 pp."""
    low, high = ends
    if is_share(metric) and math.isfinite(low) and math.isfinite(high):
        return f"{100 * low:+.1f} … {100 * high:+.1f} pp".replace("-", "−")
    return f"{_plus(low)} … {_plus(high)}"


def size_of_step(value: float, metric: Metric) -> str:
    """A difference without its sign: 1.3 pp."""
    return f"{real(abs(100 * value), 2)} pp" if is_share(metric) else real(abs(value), 3)


def p_value(value: float | None) -> str:
    """A probability with two digits that matter: 0.34, 0.012, <0.001; an en dash for None."""
    if value is None or math.isnan(value):
        return "–"
    if value < 0.001:
        return "<0.001"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def accuracy(value: Accuracy | None) -> str:
    """The figure alone."""
    return "–" if value is None else figure(value.value, value.metric)


def interval(value: Accuracy | AccuracyDifference | None) -> str:
    """The 95 % interval."""
    if value is None:
        return "–"
    if isinstance(value, AccuracyDifference):
        if value.ci95 == (0.0, 0.0):
            return "the same answers"
        return step_span(value.ci95, value.metric)
    return span(value.ci95, value.metric)


def difference(value: AccuracyDifference) -> str:
    """The difference alone, signed."""
    return step(value.value, value.metric)


def cut(text: str, length: int) -> str:
    """The text, or as much of it as fits with an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def middle(text: str, length: int = 48) -> str:
    """The text, or its beginning and end around an ellipsis: names of fused layers differ in either."""
    return text if len(text) <= length else f"{text[: length // 2]}…{text[length // 2 + 1 - length :]}"


def _error_span(low: float, high: float) -> str:
    """Two numbers with the digits that tell them apart, and one exponent: 3210 … 3810, (1.31 … 1.43)e−5."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{real(low, 3)} … {real(high, 3)}"
    largest = max(abs(low), abs(high))
    exponent = math.floor(math.log10(largest)) if largest > 0 else 0
    if -2 <= exponent < 6:
        return f"{low:.{max(0, 2 - exponent)}f} … {high:.{max(0, 2 - exponent)}f}"
    return f"({low / 10**exponent:.2f} … {high / 10**exponent:.2f})e{exponent}".replace("-", "−")


def _plus(value: float) -> str:
    return ("+" if value > 0 else "") + real(value, 3)


def _digits(value: float) -> str:
    magnitude = abs(value)
    return (
        f"{value:.{0 if magnitude >= 99.95 else 1 if magnitude >= 9.995 else 2}f}"
        if value != int(value)
        else f"{value:.0f}"
    )
