"""How the user names a way into a board."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from edgeq.boards import Board
from edgeq.errors import InputError

PROBE_HELP = (
    "gdb://host:port (any gdb server: OpenOCD, J-Link, QEMU), pyocd or pyocd:SERIAL (a debug probe on USB), uf2 or "
    "uf2:FOLDER (the drive of a Pico in its bootloader), auto (uf2 if such a drive is there, else pyocd)."
)

_GDB = "gdb://"


class Way(Enum):
    """What writes the memory; the value is how a probe's name begins."""

    GDB = "gdb"
    PYOCD = "pyocd"
    UF2 = "uf2"


@dataclass(frozen=True, slots=True, kw_only=True)
class GdbAddress:
    """Where a gdb server listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A way, and where: a gdb server's address, a drive's folder or a probe's serial number; None: the only one."""

    text: str
    way: Way
    gdb: GdbAddress | None = None
    folder: Path | None = None
    serial: str | None = None


def parse_probe(text: str, board: Board) -> Probe:
    """What a probe's name means for a board.

    Raises:
        InputError: it means nothing, or the board cannot be flashed that way.
    """
    if board.is_host:
        raise InputError(f"{board.name} is this computer: there is nothing to flash.")
    if text.startswith(_GDB):
        return Probe(text=text, way=Way.GDB, gdb=_address(text))
    kind, _, where = text.partition(":")
    if kind == "auto" and not where:
        kind = _automatic(board).value
    if kind == Way.UF2.value:
        if board.flashing.uf2_family is None:
            raise InputError(
                f"{board.name} takes no UF2 files: its board.toml has no flash.uf2_family.",
                hint="Use --probe gdb://host:port, or pyocd.",
            )
        return Probe(text=text, way=Way.UF2, folder=Path(where) if where else None)
    if kind == Way.PYOCD.value:
        if board.flashing.pyocd_target is None:
            raise InputError(
                f"pyOCD does not know the chip of {board.name}: its board.toml has no flash.pyocd_target.",
                hint="Use --probe gdb://host:port, or add pyOCD's name of the chip (pyocd list --targets).",
            )
        return Probe(text=text, way=Way.PYOCD, serial=where or None)
    raise InputError(f"There is no probe {text!r}.", hint=f"A probe is {PROBE_HELP}")


def _automatic(board: Board) -> Way:
    from edgeq.flashing.uf2_drive import find_drives

    if board.flashing.uf2_family is not None:
        here = any(drive.board == board.flashing.uf2_board for drive in find_drives())
        return Way.UF2 if here or board.flashing.pyocd_target is None else Way.PYOCD
    if board.flashing.pyocd_target is not None:
        return Way.PYOCD
    raise InputError(
        f"How {board.name} is flashed is not known: its board.toml has no table [flash].",
        hint="Name the way: --probe gdb://host:port.",
    )


def _address(text: str) -> GdbAddress:
    host, _, port = text.removeprefix(_GDB).rstrip("/").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise InputError(f"{text!r} is no address of a gdb server.", hint="Write gdb://localhost:3333.")
    return GdbAddress(host=host.strip("[]"), port=int(port))
