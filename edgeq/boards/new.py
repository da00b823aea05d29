"""A folder for a board that edgeq does not know, with the places to fill in marked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeq import resources
from edgeq.boards.cores import COMPILERS, HOST
from edgeq.boards.record import Memory
from edgeq.errors import InputError
from edgeq.interruption import held
from edgeq.unfinished import clear_remains, hidden_folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,47}")
_FILES = ("board.toml", "board.c", "link.ld")
_VECTORS = 128
_COUNTER_ADDRESS = {"dwt": 0xE000_1004, "systick": 0xE000_E018}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBoard:
    """What has to be known of a board before its folder can be written; addresses and lengths in bytes."""

    core: str
    flash: Memory
    ram: Memory
    clock_hz: int


def write_board(folder: Path, board: NewBoard) -> tuple[Path, ...]:
    """Write a board's folder. Its firmware compiles as it is, for the chip of its example.

    Args:
        folder: new or empty; the last part of its path is the board's name.
        board: what it is.

    Returns:
        The files.

    Raises:
        InputError: no such core, memories that no image fits into, a name that is none, a folder with something in it,
            or one that cannot be written.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    name = folder.resolve().name
    _check(name, folder, board)
    flags = COMPILERS[board.core]
    environment = Environment(
        loader=FileSystemLoader(resources.templates() / "board"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (C and TOML; the name is checked)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["hex"] = lambda number: f"{number:#010x}"
    counter = "systick" if board.core.startswith("cortex-m0") else "dwt"
    context = {
        "name": name, "core": board.core, "clock_hz": board.clock_hz, "flash": board.flash, "ram": board.ram,
        "features": flags.features, "flags": flags, "counter": counter, "counter_address": _COUNTER_ADDRESS[counter],
    }  # fmt: skip
    texts = {file: environment.get_template(f"{file}.j2").render(context) for file in _FILES}
    try:
        _write(folder.resolve(), texts)
    except OSError as exc:
        raise InputError(f"{folder} cannot be written: {exc.strerror or exc}.") from exc
    return tuple(folder / file for file in _FILES)


def _write(place: Path, texts: Mapping[str, str]) -> None:
    """All of it appears in one step, or nothing."""
    clear_remains(place)
    with hidden_folder(place) as work:
        fresh = work / "new"
        fresh.mkdir()
        for file, text in texts.items():
            (fresh / file).write_text(text, encoding="utf-8")
        with held():
            if place.exists():
                place.rmdir()  # it is empty
            fresh.rename(place)


def _check(name: str, folder: Path, board: NewBoard) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no name of a board.", hint="Letters, digits, - and _, at most 48 of them: my-board."
        )
    if board.core not in COMPILERS:
        known = ", ".join(core for core in COMPILERS if core != HOST)
        raise InputError(f"There is no core {board.core!r}.", hint=f"Known cores: {known}.")
    if board.flash.origin % _VECTORS:
        raise InputError(
            f"Flash cannot begin at {board.flash.origin:#x}: the vector table needs a multiple of {_VECTORS} bytes."
        )
    if board.flash.origin < board.ram.end and board.ram.origin < board.flash.end:
        raise InputError(
            "Flash and RAM overlap.", hint="Write SIZE@ADDRESS: --flash 1M@0x08000000 --ram 128K@0x20000000"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already, and not empty.", hint="Choose another name.")
