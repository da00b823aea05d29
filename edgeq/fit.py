"""A program whose image fits: where flash or RAM do not suffice, it is lowered again with that much less.

What an image takes besides constants and kernels, only the linker knows; so it is compiled, and the answer is how many
bytes are too many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgeq.errors import BudgetError
from edgeq.lower.choose import Limits
from edgeq.lower.program import Program
from edgeq.records import Image, Project

_ROUNDS = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A program, what was made of it, and the limits with which lowering gives it."""

    program: Program
    limits: Limits
    project: Project
    image: Image


def fit(
    program: Program,
    limits: Limits,
    *,
    make: Callable[[Program], tuple[Project, Image]],
    again: Callable[[Limits], Program],
) -> Fitted:
    """The first program whose image fits.

    Args:
        program: lowered with `limits`.
        limits: of constants and kernels, and of the arena.
        make: generates and compiles a program's project; raises BudgetError if the image does not fit.
        again: lowers the model with other limits.

    Raises:
        BudgetError: no choice of kernels fits; what the smallest one takes.
    """
    for _ in range(_ROUNDS):
        try:
            project, image = make(program)
        except BudgetError as exc:
            limits = tighter(limits, program, exc)
            smaller = again(limits)
            if (smaller.flash_bytes, smaller.arena_bytes) == (program.flash_bytes, program.arena_bytes):
                raise
            program = smaller
        else:
            return Fitted(program=program, limits=limits, project=project, image=image)
    project, image = make(program)
    return Fitted(program=program, limits=limits, project=project, image=image)


def tighter(limits: Limits, program: Program, error: BudgetError) -> Limits:
    """Limits that leave out what was too many; at least 0."""
    return Limits(
        flash=max(0, program.flash_bytes - error.flash_over) if error.flash_over else limits.flash,
        ram=max(0, program.arena_bytes - error.ram_over) if error.ram_over else limits.ram,
    )
