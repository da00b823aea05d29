"""What each pass saved: the program against one that is made without that pass alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgeq.errors import EdgeqError
from edgeq.lower.names import Pass
from edgeq.lower.program import Program, Saving


def with_savings(program: Program, without: Callable[[Pass], Program]) -> Program:
    """The program, its `saved` with bytes and cycles.

    Passes help each other, so what they save does not add up. Where the model cannot be lowered without one, or one was
    left out because it does not pay, its numbers stay None.

    Args:
        program: made with all passes that are wanted.
        without: makes the same program with all of these but one.
    """
    return replace(program, saved=tuple(_compared(program, saving, without) for saving in program.saved))


def _compared(program: Program, saving: Saving, without: Callable[[Pass], Program]) -> Saving:
    if not saving.count:
        return saving
    try:
        other = without(saving.name)
    except EdgeqError:
        return saving
    known = program.cycles is not None and other.cycles is not None
    return replace(
        saving,
        flash_bytes=other.flash_bytes - program.flash_bytes,
        arena_bytes=other.arena_bytes - program.arena_bytes,
        cycles=(other.cycles or 0) - (program.cycles or 0) if known else None,
    )
