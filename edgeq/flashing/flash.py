"""An image into a board, by whatever way the user names."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edgeq.boards import Board
from edgeq.flashing.image import FlashImage, read_image
from edgeq.flashing.probe import Probe, Way, parse_probe
from edgeq.flashing.target import program
from edgeq.records import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Flashed:
    """What was done: `size` bytes of the image were written to the board.

    `read_back` says whether they were read back and compared, `started` whether the board runs them. A Pico's drive
    goes away when it starts, after everything was sent: then nothing is left to read. While the drive is there, it has
    not started.
    """

    board: str
    probe: str
    image: str
    size: int
    read_back: bool
    started: bool
    seconds: float


def flash_image(elf: Path, board: Board, probe: str, progress: Progress) -> Flashed:
    """Write an image, read it back, and start it.

    Args:
        elf: the image.
        board: what it was built for.
        probe: see `edgeq.flashing.probe.PROBE_HELP`.
        progress: told what is going on.

    Raises:
        InputError: no such way to flash, or an image of another board.
        ToolError: pyOCD is not installed, or does not know the chip.
        DeviceError: nobody answers, or another chip, or a locked one.
        FlashError: what was read back is not the image.
    """
    way = parse_probe(probe, board)
    image = read_image(elf, board)
    begin = time.monotonic()
    read_back = _write(way, image, board, progress)
    return Flashed(
        board=board.name, probe=probe, image=image.name, size=image.size, read_back=read_back,
        started=way.way is not Way.UF2 or not read_back, seconds=time.monotonic() - begin,
    )  # fmt: skip


def _write(probe: Probe, image: FlashImage, board: Board, progress: Progress) -> bool:
    """Whether it was read back, too."""
    if probe.way is Way.UF2:
        from edgeq.flashing.uf2_drive import copy_uf2

        return copy_uf2(image, board, probe.folder, progress)
    if probe.gdb is not None:
        from edgeq.flashing.gdb import GdbTarget

        with closing(GdbTarget(probe.gdb.host, probe.gdb.port)) as target:
            program(target, image, board, progress)
        return True
    from edgeq.flashing.pyocd import PyocdTarget

    with closing(PyocdTarget(board, probe.serial)) as chip:
        program(chip, image, board, progress)
    return True
