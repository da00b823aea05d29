"""Axes of the plots: from numbers to coordinates, and where the ticks are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """`width` × `height` units; the area inside the axes is (left, top) to (right, bottom)."""

    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Values from `low` to `high` lie at coordinates from `start` to `end`.

    With `bend` the axis is linear around zero and logarithmic well beyond ±bend, on both sides: log(1 + |v| / bend).
    """

    low: float
    high: float
    start: float
    end: float
    bend: float | None = None

    def at(self, value: float) -> float:
        """The value's coordinate; the axis' end for values beyond it."""
        low, high = self._bent(self.low), self._bent(self.high)
        share = (self._bent(value) - low) / (high - low) if high > low else 0.5
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def _bent(self, value: float) -> float:
        return value if self.bend is None else math.copysign(math.log1p(abs(value) / self.bend), value)


def bend_for(values: Iterable[float], times: float) -> float | None:
    """Where to bend an axis on which the largest value is so many times the middle one; None if it is not.

    On a straight axis the others could not be told apart.
    """
    sizes = sorted(abs(v) for v in values if math.isfinite(v) and v)
    if not sizes or sizes[-1] <= times * sizes[len(sizes) // 2]:
        return None
    return sizes[len(sizes) // 2] / 4


def ticks(scale: Scale, label: Callable[[float, int], str], *, about: int = 5, apart: float = 0.0) -> tuple[Tick, ...]:
    """About so many ticks at round values, at least `apart` units from each other.

    `label` is given the value and how many decimals the step needs.
    """
    if scale.bend is None:
        step = nice_step(max(scale.high - scale.low, 1e-300) / about)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
        return tuple(Tick(at=scale.at(k * step), label=label(k * step, digits)) for k in range(first, last + 1))
    found: list[Tick] = []
    for value in _powers(scale):
        tick = Tick(at=scale.at(value), label=label(value, max(0, -math.floor(math.log10(abs(value) or 1.0) + 1e-9))))
        if all(abs(tick.at - other.at) >= apart for other in found):
            found.append(tick)
    return tuple(sorted(found, key=lambda t: t.at))


def nice_step(step: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= step * (1 - 1e-9))


def decimal(value: float, digits: int) -> str:
    """A tick's label as a plain number; with a power of ten where that is shorter."""
    plain = f"{value:.{digits}f}"
    return (plain if len(plain) <= 9 else f"{value:.0e}").replace("-", "−")


def percentage(value: float, digits: int) -> str:
    """A tick's label for a share."""
    return f"{100 * value:.{max(0, digits - 2)}f} %"


def points(value: float, digits: int) -> str:
    """A tick's label for a difference of shares."""
    return f"{100 * value:+.{max(0, digits - 2)}f} pp".replace("-", "−") if value else "0"


def _powers(scale: Scale) -> list[float]:
    """Zero, then powers of ten on both sides, the largest first, then their doubles and fivefolds."""
    reach = max(abs(scale.low), abs(scale.high))
    top = math.floor(math.log10(reach)) if reach > 0 else 0
    bottom = math.floor(math.log10(scale.bend or 1.0))
    found = [0.0]
    for factor in (1, 2, 5):
        for power in range(top, bottom - 1, -1):
            found += [sign * factor * 10.0**power for sign in (1, -1)]
    return [v for v in found if scale.low <= v <= scale.high]
