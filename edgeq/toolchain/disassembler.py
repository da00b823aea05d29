"""Machine code of an image as capstone instructions, with the data between them left out."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeq.toolchain.elf import Function, load_segments, open_elf

# Upper five bits of the first halfword of a 32-bit Thumb instruction (Armv7-M ARM, A5.1).
_WIDE = frozenset({0b11101, 0b11110, 0b11111})


def instruction_size(first_halfword: int) -> int:
    """Bytes of a Thumb instruction, 2 or 4."""
    return 4 if first_halfword >> 11 in _WIDE else 2


class Disassembler:
    """Decodes an image's code. Data inside of functions are told by the ELF's mapping symbols ($t, $d)."""

    def __init__(self, elf: Path) -> None:
        """Reads the whole image.

        Raises:
            InputError: it is no ELF file.
        """
        import capstone

        self._capstone = capstone.Cs(
            capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | capstone.CS_MODE_V8
        )
        self._capstone.detail = True
        self._segments = load_segments(elf)
        marks: dict[int, bool] = {}
        with open_elf(elf) as file:
            table = file.get_section_by_name(".symtab")
            for s in table.iter_symbols() if table else ():
                if s.name.startswith(("$t", "$d")):
                    marks[int(s["st_value"])] = s.name.startswith("$t")
        self._marks = sorted(marks.items())
        self._mark_addresses = [address for address, _ in self._marks]

    def code(self, address: int, size: int) -> bytes | None:
        """`size` bytes at `address`, fewer at the end of a segment, None where the image has nothing."""
        for base, data in self._segments:
            if base <= address < base + len(data):
                return data[address - base : address - base + size]
        return None

    def instructions(self, address: int, size: int) -> Iterator[tuple[int, Any]]:
        """(address, instruction) of all code in a range; None stands for what capstone cannot decode."""
        code = self.code(address, size) or b""
        at = 0
        while at + 2 <= len(code):
            length = instruction_size(int.from_bytes(code[at : at + 2], "little"))
            yield address + at, next(self._capstone.disasm(code[at : at + length], address + at, 1), None)
            at += length

    def function(self, function: Function) -> Iterator[tuple[int, Any]]:
        """`instructions` of one function, without the data in it."""
        end = function.address + function.size
        i = bisect.bisect_right(self._mark_addresses, function.address)
        start, is_code = function.address, i == 0 or self._marks[i - 1][1]
        for address, next_is_code in [*self._marks[i:], (end, False)]:
            if is_code and address > start:
                yield from self.instructions(start, min(address, end) - start)
            start, is_code = address, next_is_code
            if address >= end:
                return
