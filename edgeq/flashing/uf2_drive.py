"""Boards in a bootloader that shows itself as a drive: what is copied onto it is written to their flash."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgeq.boards import Board
from edgeq.errors import DeviceError, FlashError
from edgeq.flashing.image import FlashImage
from edgeq.flashing.uf2 import to_uf2
from edgeq.records import Progress

_INFO = "INFO_UF2.TXT"
_FILE = "EDGEQ.UF2"
_CHUNK = 64 * 1024
_BOARD_ID = re.compile(r"^Board-ID:\s*(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """A bootloader's drive; `board` is the Board-ID in its INFO_UF2.TXT."""

    folder: Path
    board: str


def find_drives() -> tuple[Drive, ...]:
    """All that are mounted (Linux) or have a letter (Windows)."""
    return tuple(drive for place in _mounted() if (drive := _drive(place)) is not None)


def copy_uf2(image: FlashImage, board: Board, folder: Path | None, progress: Progress) -> bool:
    """Copy an image onto a board's drive, and read it back.

    A Pico's drive vanishes with the last block, when its bootloader has written all of them and starts them: a drive
    that is gone after everything was sent has nothing left to read. What runs then is told by the model's hash, which
    every session with the board begins with.

    Args:
        image: what is written.
        board: names the family and the Board-ID.
        folder: the drive; None: the only one of that board.
        progress: told about it.

    Returns:
        Whether it could be read back; False: the drive has gone after everything was sent.

    Raises:
        DeviceError: no drive, another board's, or it was pulled while being written.
        FlashError: the file there is not what was written.
    """
    drive = _the_drive(board, folder)
    content = to_uf2(image, board.flashing.uf2_family or 0)
    file = drive.folder / _FILE
    progress.start(f"Copying {image.name} as UF2", len(content))
    try:
        with file.open("wb", buffering=0) as out:
            for at in range(0, len(content), _CHUNK):
                out.write(content[at : at + _CHUNK])
                progress.step(len(content[at : at + _CHUNK]))
            try:
                os.fsync(out.fileno())
            except OSError:
                if _drive(drive.folder) is None:
                    return False
                raise
            _forget(out.fileno())
    except OSError as exc:
        raise DeviceError(
            f"Copying to {drive.folder} failed: {exc.strerror or exc}.",
            hint="Was the board unplugged? Put it into its bootloader again, and repeat.",
        ) from exc
    progress.start("Reading it back", len(content))
    try:
        found = file.read_bytes()
    except OSError:
        return False
    if found != content:
        at = next((i for i, (a, b) in enumerate(zip(found, content, strict=False)) if a != b), len(found))
        raise FlashError(
            f"{file} does not hold what was written to it: byte {at:,} of {len(content):,} differs.",
            hint="Copy it again; if it stays so, the drive or its cable is bad.",
        )
    return True


def _the_drive(board: Board, folder: Path | None) -> Drive:
    wanted = board.flashing.uf2_board
    how = f"Put {board.name} into its bootloader: hold BOOTSEL while you plug it in."
    if folder is not None:
        found = _drive(folder)
        if found is None:
            raise DeviceError(f"{folder} is no drive of a UF2 bootloader: it has no {_INFO} with a Board-ID.", hint=how)
        if wanted is not None and found.board != wanted:
            raise DeviceError(
                f"The board at {folder} is {found.board}, {board.name} is {wanted}: nothing was written.", hint=how
            )
        return found
    drives = find_drives()
    fitting = [d for d in drives if wanted is None or d.board == wanted]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        places = ", ".join(str(d.folder) for d in fitting)
        raise DeviceError(f"There are several drives of {wanted}: {places}.", hint="Name one: --probe uf2:FOLDER.")
    others = "".join(f" {d.folder} is of {d.board}." for d in drives)
    raise DeviceError(f"No drive of a {board.name} ({wanted}) is mounted.{others}", hint=how)


def _drive(folder: Path) -> Drive | None:
    with contextlib.suppress(OSError):
        match = _BOARD_ID.search((folder / _INFO).read_text(encoding="ascii", errors="replace"))
        return Drive(folder=folder, board=match[1]) if match else None
    return None


def _mounted() -> Iterator[Path]:
    if sys.platform == "win32":
        yield from (Path(f"{letter}:/") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ")
        return
    if sys.platform == "darwin":
        with contextlib.suppress(OSError):
            yield from Path("/Volumes").iterdir()
        return
    with contextlib.suppress(OSError):
        for row in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
            _, place, kind, *_ = row.split()
            if kind in ("vfat", "msdos"):
                yield Path(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), place))


def _forget(descriptor: int) -> None:
    """Have the next read come from the drive, not from this computer's memory."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
