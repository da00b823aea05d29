"""Passes that take flash for cycles or the other way round: kept where the whole program is the better for it.

What such a pass is worth depends on the kernels, which are chosen after it, on what the user prefers and on what must
fit. So a model in which it finds something is lowered with it and without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from edgeq.lower.choose import PRICE, Limits
from edgeq.lower.names import Pass
from edgeq.lower.program import Program, Saving
from edgeq.records import Optimize

TRADES = (Pass.BORDER_BIASES,)
"""The passes that are on trial."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lowered:
    """A program, and its cycles as the choice of kernels counts them, on whatever core."""

    program: Program
    cycles: int


def cost(lowered: Lowered, *, optimize: Optimize, limits: Limits) -> tuple[int, float, int]:
    """How bad a program is: bytes beyond the limits first, then what `optimize` asks for, as `choose` weighs it."""
    flash, ram, cycles = lowered.program.flash_bytes, lowered.program.arena_bytes, lowered.cycles
    over = sum(max(0, n - most) for n, most in ((flash, limits.flash), (ram, limits.ram)) if most is not None)
    if optimize is Optimize.SIZE:
        return over, flash + ram, cycles
    return over, cycles * (max(1, flash) * max(1, ram)) ** PRICE[optimize], cycles


def best(lowered: Lowered, without: Callable[[Pass], Lowered], *, optimize: Optimize, limits: Limits) -> Program:
    """The program, or the one without a pass that costs more than it gives; `saved` says so then.

    Args:
        lowered: with all passes that are wanted.
        without: the same without one of them.
        optimize: what is preferred.
        limits: what constants and kernels, and the arena, should fit.
    """
    for name in TRADES:
        tried = next((s for s in lowered.program.saved if s.name is name), None)
        if tried is None:
            continue
        other = without(name)
        if cost(other, optimize=optimize, limits=limits) < cost(lowered, optimize=optimize, limits=limits):
            saved = (*other.program.saved, _left_out(tried, lowered, other))
            order = [*Pass]
            ordered = tuple(sorted(saved, key=lambda s: order.index(s.name)))
            lowered = replace(other, program=replace(other.program, saved=ordered))
    return lowered.program


def _left_out(tried: Saving, lowered: Lowered, other: Lowered) -> Saving:
    with_it, without_it = lowered.program, other.program
    changes = [
        (with_it.flash_bytes - without_it.flash_bytes, "bytes of flash"),
        (with_it.arena_bytes - without_it.arena_bytes, "bytes of the arena"),
    ]
    if with_it.cycles is not None and without_it.cycles is not None:
        changes.append((with_it.cycles - without_it.cycles, "cycles"))
    words = ", ".join(f"{n:+,} {what}" for n, what in changes if n)
    return Saving(name=tried.name, count=0, words=f"left out, as it does not pay: {words}")
