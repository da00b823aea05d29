"""Where every value lives in the arena: offsets for buffers whose lifetimes are known.

Offline dynamic storage allocation, which is NP-hard: greedy placement at the lowest free offset, for several orders of
the buffers, and then a small seeded search over orders. It ends as soon as the plan is as small as the largest sum of
bytes alive at one time, which no plan can beat.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

# Doubles and 64-bit loads are aligned at multiples of 8 on every core.
BUFFER_ALIGN = 8

# Placements tried by the search; each costs time in proportion to the pairs of buffers alive together.
_SEARCH_BUDGET = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """`nbytes` bytes that must stay untouched from step `first` to step `last`, both included."""

    nbytes: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`offsets[i]` is where buffer i lies; `size` the bytes of the whole; `bound` what no plan can be smaller than."""

    offsets: tuple[int, ...]
    size: int
    bound: int


def liveness_bound(buffers: Sequence[Buffer]) -> int:
    """The largest sum of bytes that are alive at one step."""
    changes: dict[int, int] = {}
    for b in buffers:
        changes[b.first] = changes.get(b.first, 0) + b.nbytes
        changes[b.last + 1] = changes.get(b.last + 1, 0) - b.nbytes
    alive = largest = 0
    for step in sorted(changes):
        alive += changes[step]
        largest = max(largest, alive)
    return largest


def plan(buffers: Sequence[Buffer], *, align: int = BUFFER_ALIGN) -> Plan:
    """Offsets at which no two buffers alive at the same step overlap. Deterministic.

    Args:
        buffers: sizes and lifetimes; the order does not matter to the result's validity.
        align: every offset is a multiple of it.

    Raises:
        ValueError: a buffer has a negative size, or ends before it begins.
    """
    for b in buffers:
        if b.nbytes < 0 or b.last < b.first:
            raise ValueError(f"impossible buffer {b}")
    return _Planner(buffers, align).best()


class _Planner:
    """One planning problem. Buffers are known by their index."""

    def __init__(self, buffers: Sequence[Buffer], align: int) -> None:
        self.buffers = buffers
        self.align = align
        self.bound = liveness_bound(buffers)
        self.floor = self._floor()
        self.indices = [i for i, b in enumerate(buffers) if b.nbytes > 0]
        self.neighbours: list[list[int]] = [
            [j for j in self.indices if j != i and self._together(i, j)] if buffers[i].nbytes else []
            for i in range(len(buffers))
        ]

    def _together(self, i: int, j: int) -> bool:
        a, b = self.buffers[i], self.buffers[j]
        return a.first <= b.last and b.first <= a.last

    def _floor(self) -> int:
        """The bound with alignment: of the buffers alive at one step, all but the topmost take whole multiples."""
        largest = 0
        for step in {b.first for b in self.buffers}:
            alive = [b.nbytes for b in self.buffers if b.first <= step <= b.last]
            padding = [-n % self.align for n in alive]
            largest = max(largest, sum(alive) + sum(padding) - max(padding))
        return largest

    def best(self) -> Plan:
        """The smallest plan found."""
        best: list[int] = []
        best_size = -1
        start: list[int] = []
        for order in self._orders():
            offsets, size = self._place(order)
            if best_size < 0 or size < best_size:
                best, best_size, start = offsets, size, order
        if best_size > self.floor:
            best, best_size = self._search(start, best, best_size)
        return Plan(offsets=tuple(best), size=max(best_size, 0), bound=self.bound)

    def _orders(self) -> list[list[int]]:
        """Orders that do well on networks, each with the index as the last key, so that ties fall the same way."""
        b = self.buffers
        pressure = [b[i].nbytes + sum(b[j].nbytes for j in self.neighbours[i]) for i in range(len(b))]

        def by(key: list[tuple[int, ...]]) -> list[int]:
            return sorted(self.indices, key=lambda i: (*key[i], i))

        return [
            by([(-x.nbytes, x.first) for x in b]),
            by([(-x.nbytes, -(x.last - x.first)) for x in b]),
            by([(-pressure[i], -x.nbytes) for i, x in enumerate(b)]),
            by([(-(x.last - x.first + 1) * x.nbytes,) for x in b]),
            by([(-(x.last - x.first), -x.nbytes) for x in b]),
            by([(x.first, -x.nbytes) for x in b]),
            by([(-x.last, -x.nbytes) for x in b]),
        ]

    def _place(self, order: list[int], limit: int | None = None) -> tuple[list[int], int]:
        """Each buffer in turn at the lowest offset that is free; gives up once `limit` is reached."""
        offsets = [0] * len(self.buffers)
        placed = [False] * len(self.buffers)
        total = 0
        for i in order:
            nbytes = self.buffers[i].nbytes
            taken = sorted((offsets[j], self.buffers[j].nbytes) for j in self.neighbours[i] if placed[j])
            at = 0
            for offset, size in taken:
                if at + nbytes <= offset:
                    break
                at = max(at, -(-(offset + size) // self.align) * self.align)
            offsets[i], placed[i] = at, True
            total = max(total, at + nbytes)
            if limit is not None and total >= limit:
                break
        return offsets, total

    def _search(self, order: list[int], best: list[int], best_size: int) -> tuple[list[int], int]:
        """Moves a buffer that reaches the top to the front of the order, or swaps two, and keeps what is no worse."""
        cost = max(1, len(order) + sum(len(n) for n in self.neighbours))
        rng = random.Random(0)  # noqa: S311 (a search, not a secret)
        current, current_offsets, current_size = order, best, best_size
        for _ in range(max(16, _SEARCH_BUDGET // cost)):
            candidate = list(current)
            if rng.random() < 0.5:
                top = [i for i in candidate if current_offsets[i] + self.buffers[i].nbytes == current_size]
                chosen = rng.choice(top)
                at = candidate.index(chosen)
                candidate.insert(rng.randrange(at + 1), candidate.pop(at))
            else:
                x, y = rng.randrange(len(candidate)), rng.randrange(len(candidate))
                candidate[x], candidate[y] = candidate[y], candidate[x]
            offsets, size = self._place(candidate, limit=current_size + 1)
            if size <= current_size:
                current, current_offsets, current_size = candidate, offsets, size
            if size < best_size:
                best, best_size = offsets, size
                if best_size <= self.floor:
                    break
        return best, best_size
