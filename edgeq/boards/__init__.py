"""Boards: what `firmware/boards/<name>/board.toml` says, validated.

A board is a folder with three files: `board.toml` (edgeq/boards/file.py), `board.c` (firmware/include/edgeq/board.h)
and `link.ld`. A user's own folder works like one of ours: give its path instead of a name.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from edgeq import resources
from edgeq.boards.cores import CORES, HOST
from edgeq.boards.file import FEATURES, read_board
from edgeq.boards.record import Board, ChipId, Counter, Flashing, Memory, Uart
from edgeq.errors import InputError

__all__ = [
    "CORES", "FEATURES", "HOST", "Board", "ChipId", "Counter", "Flashing", "Memory", "Uart", "board_names",
    "list_boards", "load_board",
]  # fmt: skip


def board_names() -> tuple[str, ...]:
    """Names of all boards that come with edgeq, sorted."""
    return tuple(sorted(p.parent.name for p in (resources.firmware() / "boards").glob("*/board.toml")))


def list_boards() -> tuple[Board, ...]:
    """All boards that come with edgeq, sorted by name.

    Raises:
        InputError: a board.toml is wrong.
    """
    return tuple(load_board(name) for name in board_names())


def load_board(name: str) -> Board:
    """The board of that name, or in that folder.

    Args:
        name: a name from `board_names()`, or the path of a folder that holds a board.toml.

    Raises:
        InputError: no such board, or its board.toml is wrong.
    """
    known = board_names()
    if name in known:
        return read_board(resources.firmware() / "boards" / name)
    folder = Path(name)
    if (folder / "board.toml").is_file():
        return read_board(folder.resolve())
    close = difflib.get_close_matches(name, known, n=1)
    guess = f" Did you mean {close[0]}?" if close else ""
    raise InputError(
        f"There is no board {name!r}, and no folder of that name with a board.toml.{guess}",
        hint=f"Known boards: {', '.join(known)}.",
    )
