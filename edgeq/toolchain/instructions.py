"""Checks that an image holds only instructions that its core has: emulators are more tolerant than cores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeq.boards import Board
from edgeq.errors import ToolError
from edgeq.toolchain.disassembler import Disassembler
from edgeq.toolchain.elf import symbols

# The only 32-bit instructions of Armv6-M (Armv6-M ARM, A5.3), and 16-bit ones that it lacks.
_V6M_WIDE = frozenset({"bl", "mrs", "msr", "dmb", "dsb", "isb", "udf"})
_V6M_LACKS = frozenset({"cbz", "cbnz", "it", "ite", "itt"})


def check_instructions(elf: Path, board: Board) -> None:
    """Every instruction of every function exists on the board's core.

    Raises:
        ToolError: one does not; the message names it and its function.
    """
    wrong: dict[str, str] = {}
    for function, insn in _instructions(elf):
        missing = _missing(insn, board) if insn is not None else _undecoded(board)
        if missing:
            text = f"{insn.mnemonic} {insn.op_str}".strip() if insn is not None else "an instruction"
            wrong.setdefault(function, f"{function}: {text} ({missing})")
    if wrong:
        shown = "\n".join(f"  {w}" for w in list(wrong.values())[:10])
        raise ToolError(
            f"{elf.name} has instructions that the {board.core} of {board.name} does not execute:\n{shown}",
            hint=f"Check zig_cpu and gcc_flags in {board.folder / 'board.toml'}.",
        )


def _missing(insn: Any, board: Board) -> str | None:
    from capstone import arm

    groups = set(insn.groups)
    if board.core.startswith("cortex-m0"):
        name = insn.mnemonic.split(".")[0]
        if (insn.size == 4 and name not in _V6M_WIDE) or name in _V6M_LACKS:
            return "not in Armv6-M"
    if "dsp" not in board.features and arm.ARM_GRP_THUMB2DSP in groups:
        return "DSP extension"
    if "fpu" not in board.features and groups & {
        arm.ARM_GRP_VFP2, arm.ARM_GRP_VFP3, arm.ARM_GRP_VFP4, arm.ARM_GRP_DPVFP, arm.ARM_GRP_FPARMV8, arm.ARM_GRP_NEON,
    }:  # fmt: skip
        return "floating-point extension"
    return None


def _undecoded(board: Board) -> str | None:
    """Capstone does not know the vector extension: elsewhere, what it cannot decode is no instruction of Cortex-M."""
    return None if "mve" in board.features else "unknown"


def _instructions(elf: Path) -> Iterator[tuple[str, Any]]:
    """(function, capstone instruction or None where undecodable)."""
    disassembler = Disassembler(elf)
    for function in symbols(elf).functions:
        for _, insn in disassembler.function(function):
            yield function.name, insn
