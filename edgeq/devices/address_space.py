"""What answers at which address of an emulated board: memories, and models of registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import unicorn

from edgeq.boards import Board

_PAGE = 0x1000
_PPB, _PPB_SIZE = 0xE000_0000, 0x10_0000


class Registers(Protocol):
    """A model of edgeq/devices/peripherals.py or uarts.py; offsets in bytes from its base."""

    def read(self, offset: int) -> int:
        """A register."""
        ...

    def write(self, offset: int, value: int) -> None:
        """A register."""
        ...


def map_memories(uc: Any, board: Board) -> None:
    """The board's memories (flash without writing), and registers that are plain memory here."""
    for memory in board.memories:
        start = memory.origin & -_PAGE
        size = -(start - memory.end) + (-(memory.end - start)) % _PAGE
        code_only = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
        uc.mem_map(start, size, code_only if memory.name == "flash" else unicorn.UC_PROT_ALL)
    for registers in board.emulated_registers:
        uc.mem_map(registers.origin & -_PAGE, -(-registers.length // _PAGE) * _PAGE, unicorn.UC_PROT_ALL)


def map_registers(uc: Any, models: Sequence[tuple[int, Registers]], system: Registers) -> None:
    """Models at their base addresses, each with the page it is in; `system` is the private peripheral bus."""
    pages: dict[int, list[tuple[int, Registers]]] = {}
    for address, model in models:
        pages.setdefault(address & -_PAGE, []).append((address & (_PAGE - 1), model))
    for page, inside in pages.items():
        _map(uc, page, _PAGE, inside[0][1] if len(inside) == 1 and inside[0][0] == 0 else _Page(inside))
    _map(uc, _PPB, _PPB_SIZE, system)


class _Page:
    """Several models in one page, or one that does not begin with it: a block of its own, or one register in it."""

    def __init__(self, models: Sequence[tuple[int, Registers]]) -> None:
        self._models = models

    def read(self, offset: int) -> int:
        base, model = self._at(offset)
        return model.read(offset - base)

    def write(self, offset: int, value: int) -> None:
        base, model = self._at(offset)
        model.write(offset - base, value)

    def _at(self, offset: int) -> tuple[int, Registers]:
        return max((m for m in self._models if m[0] <= offset), key=lambda m: m[0], default=self._models[0])


def _map(uc: Any, start: int, size: int, model: Registers) -> None:
    uc.mmio_map(
        start,
        size,
        lambda _uc, offset, _size, _data: model.read(offset),
        None,
        lambda _uc, offset, _size, value, _data: model.write(offset, value),
        None,
    )
