"""An image into a board, by whatever way the user names."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edgeq.boards import Board
from edgeq.errors import InputError
from edgeq.flashing.image import read_image
from edgeq.flashing.target import program
from edgeq.records import Progress

GDB = "gdb://"

PROBE_HELP = "gdb://host:port: any gdb server (OpenOCD, J-Link, QEMU)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Flashed:
    """What was done: `size` bytes of the image are in the board, were read back, and run."""

    board: str
    probe: str
    image: str
    size: int
    seconds: float


def check_probe(probe: str, board: Board) -> None:
    """Refuse at once what cannot work later.

    Raises:
        InputError: no such way, or not for this board.
    """
    if board.is_host:
        raise InputError(f"{board.name} is this computer: there is nothing to flash.")
    if probe.startswith(GDB):
        _address(probe)
        return
    raise InputError(f"There is no probe {probe!r}.", hint=f"A probe is {PROBE_HELP}")


def flash_image(elf: Path, board: Board, probe: str, progress: Progress) -> Flashed:
    """Write an image, read it back, and start it.

    Args:
        elf: the image.
        board: what it was built for.
        probe: see `PROBE_HELP`.
        progress: told what is going on.

    Raises:
        InputError: no such way to flash, or an image of another board.
        DeviceError: nobody answers, or another chip, or a locked one.
        FlashError: what was read back is not the image.
    """
    check_probe(probe, board)
    image = read_image(elf, board)
    begin = time.monotonic()
    from edgeq.flashing.gdb import GdbTarget

    host, port = _address(probe)
    with closing(GdbTarget(host, port)) as target:
        program(target, image, board, progress)
    return Flashed(board=board.name, probe=probe, image=image.name, size=image.size, seconds=time.monotonic() - begin)


def _address(probe: str) -> tuple[str, int]:
    host, _, port = probe.removeprefix(GDB).rstrip("/").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise InputError(f"{probe!r} is no address of a gdb server.", hint="Write gdb://localhost:3333.")
    return host.strip("[]"), int(port)
