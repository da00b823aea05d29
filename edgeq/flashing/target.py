"""What a debug probe does for a flasher, and the one order in which it is done: identify, write, read back, start."""

from __future__ import annotations

from typing import Protocol

from edgeq.boards import Board
from edgeq.boards.cores import CPUID_ADDRESS, core_of
from edgeq.errors import DeviceError
from edgeq.flashing.image import FlashImage, compare
from edgeq.records import Progress

_READ = 4096
_RIGHT_BOARD = "Is this the right board? The build's is chosen by edgeq build --board."


class RefusedError(DeviceError):
    """The chip refuses an access, and the probe still answers."""


class Target(Protocol):
    """A halted chip behind a probe. `where` names it in messages ("the gdb server at localhost:3333").

    Every method raises RefusedError when the chip refuses, and DeviceError when the probe or the chip is gone.
    """

    @property
    def where(self) -> str:
        """The probe's name in messages, as it stands within a sentence."""
        ...

    @property
    def is_emulated(self) -> bool:
        """Whether an emulator said that it is one: its chip has no identification."""
        ...

    def read(self, address: int, size: int) -> bytes:
        """Memory."""
        ...

    def write(self, image: FlashImage, progress: Progress) -> None:
        """Erase what is needed, and write; a step of progress for each byte."""
        ...

    def start(self, image: FlashImage) -> None:
        """Reset the chip and let it run."""
        ...


def program(target: Target, image: FlashImage, board: Board, progress: Progress) -> None:
    """Bring an image into a chip, make sure that it is there, and start it.

    Raises:
        DeviceError: another chip, a locked one, or no answer any more.
        FlashError: what is read back is not the image.
    """
    identify(target, board)
    progress.start(f"Writing {image.name}", image.size)
    target.write(image, progress)
    progress.start("Reading it back", image.size)
    compare(image, tuple(_read(target, p.address, len(p.data), progress) for p in image.pieces), where=board.name)
    target.start(image)


def identify(target: Target, board: Board) -> None:
    """The chip is the board's.

    Raises:
        DeviceError: it is another one, or its flash cannot be read.
    """
    cpuid = int.from_bytes(_readable(target, CPUID_ADDRESS, board), "little")
    core = core_of(cpuid)
    if core != board.core:
        raise DeviceError(
            f"The chip behind {target.where} has a {core or f'core of another kind (CPUID {cpuid:#010x})'}, "
            f"{board.name} a {board.core}: nothing was written.",
            hint=_RIGHT_BOARD,
        )
    if board.chip is not None:
        try:
            found = int.from_bytes(target.read(board.chip.address, 4), "little") & board.chip.mask
        except RefusedError as exc:
            raise DeviceError(
                f"The chip behind {target.where} is not that of {board.name}, or locked: its identification cannot be "
                f"read. {exc.message} Nothing was written.",
                hint=_RIGHT_BOARD,
            ) from exc
        if found != board.chip.value and not (target.is_emulated and found == 0):
            raise DeviceError(
                f"The chip behind {target.where} is not that of {board.name}: its identification at "
                f"{board.chip.address:#010x} is {found:#x}, not {board.chip.value:#x}. Nothing was written.",
                hint=_RIGHT_BOARD,
            )
    _readable(target, board.flash.origin, board)


def _readable(target: Target, address: int, board: Board) -> bytes:
    """A word that every chip of this kind lets a debugger read, unless it is locked."""
    try:
        return target.read(address, 4)
    except RefusedError as exc:
        raise DeviceError(
            f"The memory of {board.name} cannot be read: {exc.message} The chip is locked, or asleep.",
            hint="Unlock it with the vendor's tool, which erases it, and flash again. Asleep: hold its reset button.",
        ) from exc


def _read(target: Target, address: int, size: int, progress: Progress) -> bytes:
    data = b""
    while len(data) < size:
        part = target.read(address + len(data), min(_READ, size - len(data)))
        data += part
        progress.step(len(part))
    return data
