"""What a loader writes: the loadable bytes of an ELF file, by address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgeq.boards import Board, Memory
from edgeq.errors import FlashError, InputError
from edgeq.toolchain.elf import load_segments


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes that go to `address` and behind."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.address + len(self.data)

    def split(self, size: int) -> Iterator[Piece]:
        """The same in pieces of at most `size` bytes."""
        for at in range(0, len(self.data), size):
            yield Piece(address=self.address + at, data=self.data[at : at + size])


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashImage:
    """`pieces` ascend and do not touch; all are in the board's flash. `entry` is the reset handler's address, without
    the Thumb bit; `stack` the stack pointer that the core begins with."""

    name: str
    pieces: tuple[Piece, ...]
    stack: int
    entry: int

    @property
    def size(self) -> int:
        """Bytes of all pieces."""
        return sum(len(p.data) for p in self.pieces)


def read_image(elf: Path, board: Board) -> FlashImage:
    """The image in an ELF file.

    Raises:
        InputError: it is no ELF, has nothing to load or no vector table, or was not linked for this board's flash.
    """
    joined: list[Piece] = []
    for address, data in sorted(load_segments(elf)):
        if joined and joined[-1].end == address:
            joined[-1] = Piece(address=joined[-1].address, data=joined[-1].data + data)
        else:
            joined.append(Piece(address=address, data=data))
    if not joined:
        raise InputError(f"{elf}: nothing in it is to be loaded.", hint="Build it again: edgeq build …")
    for piece in joined:
        if not _inside(piece, board.flash):
            raise InputError(
                f"{elf}: {len(piece.data):,} bytes at {piece.address:#010x} are outside of the flash of {board.name} "
                f"({board.flash.origin:#010x} to {board.flash.end - 1:#010x}).",
                hint="It was built for another board.",
            )
    table = _vectors(joined, board)
    if table is None:
        raise InputError(f"{elf}: no vector table is in it.", hint="It is no firmware of edgeq's.")
    return FlashImage(name=elf.name, pieces=tuple(joined), stack=table[0], entry=table[1] & ~1)


def _vectors(pieces: list[Piece], board: Board) -> tuple[int, int] | None:
    """The vector table's first two words. It begins the flash, or follows a second-stage bootloader of 256 bytes."""
    for offset in (0, 0x100):
        address = board.flash.origin + offset
        for piece in pieces:
            if piece.address <= address and address + 8 <= piece.end:
                words = piece.data[address - piece.address :][:8]
                stack, entry = int.from_bytes(words[:4], "little"), int.from_bytes(words[4:], "little")
                if board.ram.origin <= stack <= board.ram.end and board.flash.origin <= entry < board.flash.end:
                    return stack, entry
    return None


def _inside(piece: Piece, memory: Memory) -> bool:
    return memory.origin <= piece.address and piece.end <= memory.end


def compare(image: FlashImage, found: tuple[bytes, ...], *, where: str) -> None:
    """What was read back, piece by piece, is the image.

    Raises:
        FlashError: it is not; the message names the first byte and how many differ.
    """
    wrong = [
        (piece.address + i, got, want)
        for piece, data in zip(image.pieces, found, strict=True)
        if data != piece.data
        for i, (got, want) in enumerate(zip(data.ljust(len(piece.data), b"\0"), piece.data, strict=True))
        if got != want
    ]
    short = any(len(data) != len(piece.data) for piece, data in zip(image.pieces, found, strict=True))
    if not wrong and not short:
        return
    first = "" if not wrong else f": at {wrong[0][0]:#010x} it has {wrong[0][1]:#04x} instead of {wrong[0][2]:#04x}"
    raise FlashError(
        f"{where} does not hold what was written to it{first}; {len(wrong):,} of {image.size:,} bytes differ.",
        hint="Flash it again; if it stays so, the flash is worn or protected, or the connection is bad.",
    )
