"""Counts executed blocks of one inference, split by the engine's operators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from edgeq.toolchain.disassembler import instruction_size
from edgeq.toolchain.elf import Symbols

OUTSIDE, BETWEEN = -2, -1
_KEEP = -3


class BlockCounter:
    """Collects (address, bytes) -> executions, apart for every operator.

    From the first block of the invoke function on, blocks belong to operator i once its function was entered, and to
    BETWEEN whenever the invoke function itself runs; after its return everything is OUTSIDE again, as before.
    """

    def __init__(
        self,
        symbols: Symbols,
        invoke: str,
        operators: tuple[str, ...],
        return_address: Callable[[], int],
        code: Callable[[int, int], bytes],
    ) -> None:
        """`return_address` reads LR; `code` reads memory: (address, bytes)."""
        self.counts: defaultdict[int, defaultdict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
        self.runs = 0
        self._return_address, self._code = return_address, code
        function = symbols.find(invoke)
        self._start = function.address if function else -1
        self._end = self._start + (function.size if function else 0)
        self._entries = {f.address: i for i, name in enumerate(operators) if (f := symbols.find(name))}
        self._lengths: dict[tuple[int, int], int] = {}

    def hook(self) -> Callable[[Any, int, int, Any], None]:
        """What Unicorn calls at the start of every block. A closure over plain names: this is the innermost loop."""
        counts, start, return_address, classify = self.counts, self._start, self._return_address, self._classify
        segment_of: dict[int, int] = {}
        current = counts[OUTSIDE]
        inside = False
        back = -1

        def on_block(_uc: Any, address: int, size: int, _data: Any) -> None:
            nonlocal current, inside, back
            if inside:
                segment = segment_of.get(address)
                if segment is None:
                    segment = segment_of[address] = classify(address)
                if address == back:
                    inside = False
                    current = counts[OUTSIDE]
                elif segment != _KEEP:
                    current = counts[segment]
            elif address == start:
                inside = True
                self.runs += 1
                back = return_address() & ~1
                current = counts[BETWEEN]
            current[address, size] += 1

        return on_block

    def _classify(self, address: int) -> int:
        if address in self._entries:
            return self._entries[address]
        return BETWEEN if self._start <= address < self._end else _KEEP

    def instructions(self) -> int:
        """Instructions executed so far, all segments together."""
        return sum(self._length(block) * n for counts in self.counts.values() for block, n in counts.items())

    def _length(self, block: tuple[int, int]) -> int:
        known = self._lengths.get(block)
        if known is None:
            code = self._code(*block)
            at = known = 0
            while at < len(code):
                at += instruction_size(int.from_bytes(code[at : at + 2], "little"))
                known += 1
            self._lengths[block] = known
        return known
