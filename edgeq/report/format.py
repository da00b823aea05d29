"""Numbers as people read them, the same on the console and in HTML."""

from __future__ import annotations

import math

from edgeq.records import Accuracy, AccuracyDifference, Metric


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


def accuracy(value: Accuracy | None) -> str:
    """The figure alone: 97.2 %, or an error with four digits."""
    if value is None:
        return "–"
    return percent(value.value) if value.metric is Metric.TOP1 else real(value.value)


def interval(value: Accuracy | AccuracyDifference | None) -> str:
    """The 95 % interval: 95.4 … 98.3 %."""
    if value is None:
        return "–"
    low, high = value.ci95
    if value.metric is Metric.TOP1:
        sign = "+" if isinstance(value, AccuracyDifference) else ""
        return f"{100 * low:{sign}.1f} … {100 * high:{sign}.1f} {'pp' if sign else '%'}".replace("-", "−")
    return f"{real(low, 3)} … {real(high, 3)}"


def difference(value: AccuracyDifference) -> str:
    """A signed difference in percentage points, or in the metric's own unit."""
    if value.metric is Metric.TOP1:
        return f"{100 * value.value:+.1f} pp".replace("-", "−")
    return ("+" if value.value > 0 else "") + real(value.value)


def printable(text: str) -> str:
    """Text without control codes: names come from files, and must not steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _digits(value: float) -> str:
    magnitude = abs(value)
    return (
        f"{value:.{0 if magnitude >= 99.95 else 1 if magnitude >= 9.995 else 2}f}"
        if value != int(value)
        else f"{value:.0f}"
    )
