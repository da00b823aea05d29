"""Programs that do not fit are lowered again with that much less."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tflite_builder import ModelBuilder

from edgeq.errors import BudgetError
from edgeq.fit import fit
from edgeq.lower.choose import Limits
from edgeq.lower.lower import lower
from edgeq.lower.program import Program
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import Image, MemoryUse, Project, Toolchain

# What the linker adds to constants and kernels.
_REST = 10_000


def _program(flash: int, arena: int) -> Program:
    model = ModelBuilder()
    x, y = (model.tensor(name, (1, 4), scale=0.1) for name in "xy")
    model.op("RELU", [x], [y])
    return replace(lower(parse_tflite(model.finish([x], [y]))), flash_bytes=flash, arena_bytes=arena)


_SIZES = ((50_000, 900), (40_000, 900), (30_000, 400))
_IMAGE = Image(
    elf=Path(), traced=False, sha256="", toolchain=Toolchain(name="", version="", flags=()),
    memory=MemoryUse(
        flash_bytes=0, ram_bytes=0, arena_bytes=0, stack_bytes=0, stack_measured=False, sections=()
    ),
)  # fmt: skip
_PROJECT = Project(
    root=Path(), symbol="", sources={}, include_dirs=(), linker_script="", tflm_files=(), op_symbols=(), files=()
)


def _fitting(flash: int, ram: int) -> tuple[Program, list[Limits]]:
    """What fits so much flash and RAM, and the limits with which lowering was asked for it."""
    programs = [_program(*sizes) for sizes in _SIZES]
    asked: list[Limits] = []

    def again(limits: Limits) -> Program:
        asked.append(limits)
        kept = [
            p for p in programs
            if (limits.flash is None or p.flash_bytes <= limits.flash)
            and (limits.ram is None or p.arena_bytes <= limits.ram)
        ]  # fmt: skip
        return (kept or programs[-1:])[0]

    def make(program: Program) -> tuple[Project, Image]:
        over = max(0, program.flash_bytes + _REST - flash), max(0, program.arena_bytes - ram)
        if any(over):
            raise BudgetError("too big", flash_over=over[0], ram_over=over[1])
        return _PROJECT, _IMAGE

    return fit(programs[0], Limits(), make=make, again=again).program, asked


@pytest.mark.parametrize(
    ("flash", "ram", "size", "asked"),
    [
        (60_000, 900, 0, []),
        (59_999, 900, 1, [Limits(flash=49_999)]),
        (60_000, 899, 2, [Limits(ram=899)]),
        (50_000, 500, 2, [Limits(flash=40_000, ram=500)]),
    ],
)
def test_what_is_too_much_is_left_out(flash: int, ram: int, size: int, asked: list[Limits]) -> None:
    program, limits = _fitting(flash, ram)
    assert (program.flash_bytes, program.arena_bytes) == _SIZES[size]
    assert limits == asked


def test_what_never_fits_is_an_error() -> None:
    with pytest.raises(BudgetError) as caught:
        _fitting(39_000, 900)
    assert caught.value.flash_over == 1_000  # of the smallest program
