"""What is in an image: memory by section and group, budget, functions and their addresses."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq.boards import Board
from edgeq.errors import BudgetError, InputError
from edgeq.records import Group, MemoryUse, Section

_FLAG_ALLOC = 2
_GROUPS = {
    "weights": Group.WEIGHTS,
    "model": Group.MODEL,
    "kernels": Group.KERNELS,
    "link": Group.LINK,
    "arena": Group.ARENA,
    "stack": Group.STACK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function's name, first address (without the Thumb bit) and bytes."""

    name: str
    address: int
    size: int


class Symbols:
    """The functions of an image, to say where an address is."""

    def __init__(self, functions: tuple[Function, ...]) -> None:
        """`functions` in any order."""
        self.functions = tuple(sorted(functions, key=lambda f: (f.address, f.name)))
        self._addresses = [f.address for f in self.functions]
        self._by_name = {f.name: f for f in self.functions}

    def find(self, name: str) -> Function | None:
        """The function of that name."""
        return self._by_name.get(name)

    def at(self, address: int) -> Function | None:
        """The function that holds an address."""
        i = bisect.bisect_right(self._addresses, address) - 1
        if i < 0:
            return None
        found = self.functions[i]
        return found if address < found.address + max(found.size, 2) else None

    def place(self, address: int) -> str | None:
        """The function and the offset in it, "edgeq_conv_2d+0x12", or None outside of all functions."""
        found = self.at(address & ~1)
        return f"{found.name}+{(address & ~1) - found.address:#x}" if found else None

    def where(self, address: int) -> str:
        """An address for people: "0x000004a2 (edgeq_conv_2d+0x12)"."""
        place = self.place(address)
        return f"{address & ~1:#010x}" + (f" ({place})" if place else "")


@contextmanager
def open_elf(path: Path) -> Iterator[Any]:
    """The file as pyelftools sees it.

    Raises:
        InputError: it cannot be read, or is no ELF.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with path.open("rb") as file:
            yield ELFFile(file)
    except OSError as exc:
        raise InputError(f"{path}: cannot be read: {exc.strerror}") from exc
    except ELFError as exc:
        raise InputError(f"{path}: not a whole ELF file: {exc}", hint="Build it again: edgeq build …") from exc


def load_segments(path: Path) -> tuple[tuple[int, bytes], ...]:
    """What a loader writes to memory: (load address, bytes)."""
    with open_elf(path) as elf:
        return tuple(
            (int(s["p_paddr"]), bytes(s.data()))
            for s in elf.iter_segments()
            if s["p_type"] == "PT_LOAD" and s["p_filesz"]
        )


def symbols(path: Path) -> Symbols:
    """The functions in the image's symbol table."""
    with open_elf(path) as elf:
        table = elf.get_section_by_name(".symtab")
        return Symbols(
            tuple(
                Function(name=s.name, address=s["st_value"] & ~1, size=s["st_size"])
                for s in (table.iter_symbols() if table else ())
                if s["st_info"]["type"] == "STT_FUNC" and s["st_shndx"] != "SHN_UNDEF"
            )
        )


def variable(path: Path, name: str) -> tuple[int, int] | None:
    """Address and bytes of a variable of the image; None if it has no such variable."""
    with open_elf(path) as elf:
        table = elf.get_section_by_name(".symtab")
        for s in table.iter_symbols() if table else ():
            if s.name == name and s["st_info"]["type"] == "STT_OBJECT":
                return int(s["st_value"]), int(s["st_size"])
    return None


def _symbol_values(elf: Any, names: tuple[str, ...]) -> dict[str, int]:
    table = elf.get_section_by_name(".symtab")
    return {s.name: int(s["st_value"]) for s in (table.iter_symbols() if table else ()) if s.name in names}


def memory_use(path: Path, board: Board) -> MemoryUse:
    """Flash and RAM by section.

    Every output section belongs to the group that its name ends in (`.kernels`, `.bss.model`); the rest is the
    runtime. On the host, code and constants count as flash, variables as RAM, and there is no stack to measure.
    """
    found: list[Section] = []
    with open_elf(path) as elf:
        segments = [s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]
        for section in elf.iter_sections():
            size = int(section["sh_size"])
            if not section["sh_flags"] & _FLAG_ALLOC or size == 0:
                continue
            stored = size if section["sh_type"] != "SHT_NOBITS" else 0
            if board.is_host:
                ram = size if section["sh_flags"] & 1 else 0
                flash = stored
            else:
                ram = size if board.ram.origin <= section["sh_addr"] < board.ram.end or not stored else 0
                flash = stored if any(s["p_filesz"] and s.section_in_segment(section) for s in segments) else 0
            group = _GROUPS.get(section.name.rpartition(".")[2], Group.RUNTIME)
            found.append(Section(name=section.name, group=group, flash=flash, ram=ram))
        ends = _symbol_values(elf, ("edgeq_stack_bottom", "edgeq_stack_top"))
    return MemoryUse(
        flash_bytes=sum(s.flash for s in found),
        ram_bytes=sum(s.ram for s in found),
        arena_bytes=sum(s.ram for s in found if s.group is Group.ARENA),
        stack_bytes=ends["edgeq_stack_top"] - ends["edgeq_stack_bottom"] if len(ends) == 2 else 0,
        stack_measured=False,
        sections=tuple(found),
    )


def by_group(memory: MemoryUse) -> dict[Group, tuple[int, int]]:
    """(flash, RAM) bytes of every group that takes any."""
    totals = dict.fromkeys(Group, (0, 0))
    for s in memory.sections:
        flash, ram = totals[s.group]
        totals[s.group] = (flash + s.flash, ram + s.ram)
    return {g: t for g, t in totals.items() if t != (0, 0)}


def check_limits(board: Board, flash_limit: int | None, ram_limit: int | None) -> None:
    """The user's limits must be within the board's memory.

    Raises:
        InputError: one is larger.
    """
    for what, limit, has in (("flash", flash_limit, board.flash.length), ("ram", ram_limit, board.ram.length)):
        if limit is not None and limit > has and not board.is_host:
            raise InputError(
                f"--{what}-limit is {limit:,} bytes, and {board.name} has {has:,}.",
                hint="A limit is a budget within the board's memory. For a larger board: --board.",
            )


def check_budget(memory: MemoryUse, board: Board, flash_limit: int | None, ram_limit: int | None) -> None:
    """Flash and RAM must fit the board and the user's limits.

    Raises:
        BudgetError: by how many bytes they do not, and a table of what takes the space.
    """
    if board.is_host:
        return
    wrong, over = [], {}
    for what, used, has, limit in (
        ("flash", memory.flash_bytes, board.flash.length, flash_limit),
        ("RAM", memory.ram_bytes, board.ram.length, ram_limit),
    ):
        room, whose = (limit, "the limit") if limit is not None and limit < has else (has, board.name)
        if used > room:
            wrong.append(f"{what}: {used:,} bytes needed, {whose} has {room:,}: {used - room:,} too many")
            over[f"{what.lower()}_over"] = used - room
    if not wrong:
        return
    if "ram_over" in over:
        wrong[-1] += (
            f" (the stack counts with the {memory.stack_bytes:,} that are reserved; a report says what it used)"
        )
    rows = sorted(by_group(memory).items(), key=lambda row: -sum(row[1]))
    table = [f"  {'':<10}{'flash':>12}{'RAM':>12}", *(f"  {g.value:<10}{f:>12,}{r:>12,}" for g, (f, r) in rows)]
    raise BudgetError(
        "The image does not fit. " + "; ".join(wrong) + ".\n" + "\n".join(table),
        hint="Use a smaller model or input, a higher limit, or a board with more memory (edgeq boards lists them).",
        **over,
    )
