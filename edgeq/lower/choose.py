"""Which of the candidates for each call is taken: cycles against flash, within the RAM that a build may use.

A byte of flash has a price in cycles. It is a share of what the model's cycles per byte are: with `balanced`, a kernel
that takes 1 % more flash must save 0.2 % of the cycles, with `speed` 0.05 %; with `size`, cycles decide only between
kernels of the same size. RAM is a limit: what a call needs with its scratch may exceed what the tensors need anyway
by a share and some bytes, and by some more at the price that flash has; with `size`, what the call that needs most
needs at the least, by whichever share gives the smallest sum of flash and RAM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeq.lower.dsp.candidate import Candidate
from edgeq.records import Optimize

PRICE = {Optimize.SPEED: 0.05, Optimize.BALANCED: 0.2}
"""The share of cycles that a share of flash or RAM is worth, but for size."""

# Share by which scratch may raise what tensors need at the most, and bytes besides: the first, or the second if that
# saves as much as flash would have to; shares of what must be needed at least.
_RAM = {Optimize.SPEED: (0.15, (1024, 2048)), Optimize.BALANCED: (0.1, (768, 1536))}
_RAM_OF_SIZE = (0.1, 0.2, 0.4)
_ROUNDS = 20
# How often the price of flash is doubled, so that it is beyond any cycles in the end.
_PRICES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most bytes that constants and kernels, and the arena, may take; None: only what `Optimize` allows."""

    flash: int | None = None
    ram: int | None = None


def choose(
    candidates: Sequence[Sequence[Candidate]],
    live: Sequence[Sequence[int]],
    *,
    tensors: int,
    optimize: Optimize,
    limits: Limits,
) -> list[Candidate]:
    """One candidate for each call; the same arguments give the same choice.

    Args:
        candidates: for each call, one or more.
        live: for each candidate, the bytes of tensors alive while it runs, an output in its input's place once.
        tensors: the most bytes of tensors alive at one time, if no output took its input's place.
        optimize: what to prefer.
        limits: kept as far as any candidates keep them.
    """
    least = max((min(of_call) for of_call in _needs(candidates, live)), default=0)

    def within(budget: int) -> list[list[Candidate]]:
        return _within_ram(candidates, live, max(least, budget if limits.ram is None else min(budget, limits.ram)))

    if optimize is Optimize.SIZE:
        by_budget = [_smallest(within(round(least * (1 + share)))) for share in _RAM_OF_SIZE]
        return min(by_budget, key=lambda chosen: flash_of(chosen) + _most_needed(chosen, candidates, live))
    share, besides = _RAM[optimize]

    def cost(chosen: Sequence[Candidate]) -> tuple[bool, float]:
        ram = _most_needed(chosen, candidates, live)
        too_large = limits.flash is not None and flash_of(chosen) > limits.flash
        return too_large, sum(c.cycles for c in chosen) * max(1, ram) ** PRICE[optimize]

    budgets = (round(tensors * (1 + share)) + more for more in besides)
    return min((_fastest(within(budget), optimize, limits.flash) for budget in budgets), key=cost)


def _fastest(allowed: list[list[Candidate]], optimize: Optimize, flash: int | None) -> list[Candidate]:
    """Those of the fewest cycles, with the price that flash has, or a higher one if they do not fit `flash`."""
    smallest = _smallest(allowed)
    fastest = [min(c, key=lambda x: (x.cycles, x.flash)) for c in allowed]
    price = PRICE[optimize] * sum(c.cycles for c in fastest) / max(1, flash_of(smallest))
    for _ in range(_PRICES):
        found = _descend(allowed, fastest, price=price)
        if flash is None or flash_of(found) <= max(flash, flash_of(smallest)):
            return found
        price = 2 * price + 1
    return smallest  # one exchange at a time does not lead there from the fastest: calls share code


def flash_of(chosen: Sequence[Candidate]) -> int:
    """Bytes of constants and code; code that several calls share counts once."""
    code = {name: size for c in chosen for name, size in c.code.items()}
    return sum(c.constant_bytes for c in chosen) + sum(code.values())


def _within_ram(
    candidates: Sequence[Sequence[Candidate]], live: Sequence[Sequence[int]], budget: int
) -> list[list[Candidate]]:
    """Candidates within the budget, which is at least what the call that needs most needs at the least."""
    return [
        [c for c, need in zip(options, of_call, strict=True) if need <= budget]
        for options, of_call in zip(candidates, _needs(candidates, live), strict=True)
    ]


def _needs(candidates: Sequence[Sequence[Candidate]], live: Sequence[Sequence[int]]) -> list[list[int]]:
    """Bytes that each candidate needs: tensors alive and its scratch."""
    return [
        [bytes_alive + c.call.scratch_bytes for c, bytes_alive in zip(options, alive, strict=True)]
        for options, alive in zip(candidates, live, strict=True)
    ]


def _most_needed(
    chosen: Sequence[Candidate], candidates: Sequence[Sequence[Candidate]], live: Sequence[Sequence[int]]
) -> int:
    needs = zip(chosen, candidates, _needs(candidates, live), strict=True)
    return max(
        (need for c, options, of_call in needs for o, need in zip(options, of_call, strict=True) if o is c), default=0
    )


def _smallest(candidates: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """Those of the least flash together."""
    return _descend(candidates, [min(c, key=lambda x: (x.flash, x.cycles)) for c in candidates], price=None)


def _descend(
    candidates: Sequence[Sequence[Candidate]], start: Sequence[Candidate], *, price: float | None
) -> list[Candidate]:
    """Exchanges one candidate at a time as long as that lowers cycles + price * flash (flash alone without a price)."""
    chosen = list(start)
    constant_bytes = {id(c): c.constant_bytes for options in candidates for c in options}
    for _ in range(_ROUNDS):
        before = list(chosen)
        for i, options in enumerate(candidates):
            others = chosen[:i] + chosen[i + 1 :]
            code = {name for c in others for name in c.code}

            def cost(c: Candidate, code: set[str] = code) -> tuple[float, float]:
                flash = constant_bytes[id(c)] + sum(size for name, size in c.code.items() if name not in code)
                return (flash, c.cycles) if price is None else (c.cycles + price * flash, flash)

            chosen[i] = min(options, key=cost)
        if all(a is b for a, b in zip(before, chosen, strict=True)):
            break
    return chosen
