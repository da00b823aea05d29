"""Which instructions of an image fault on unaligned addresses on the core but not in Unicorn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Loads and stores that fault on any address that is not a multiple of 4, on every core (Armv7-M ARM, A3.2.1).
_WORDS = ("ldrd", "strd", "ldm", "stm", "vldr", "vstr", "vldm", "vstm", "ldrex", "strex", "lda", "stl")
_HALF_OR_BYTE = {"ldrexh": 2, "strexh": 2, "ldah": 2, "stlh": 2, "ldrexb": 1, "strexb": 1, "ldab": 1, "stlb": 1}
# On Armv6-M, all.
_V6M = {"ldr": 4, "str": 4, "ldrh": 2, "strh": 2, "ldrsh": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedAccess:
    """An instruction whose address, registers[base] + registers[index] + offset, must be a multiple of `alignment`.

    `base` and `index` are register numbers 0 to 14; `index` is None without one.
    """

    pc: int
    text: str
    base: int
    index: int | None
    offset: int
    alignment: int


def aligned_accesses(elf: Path, core: str) -> tuple[AlignedAccess, ...]:
    """All such instructions of an image. Those relative to SP and PC are aligned by construction and left out."""
    from edgeq.toolchain.disassembler import Disassembler
    from edgeq.toolchain.elf import symbols

    disassembler = Disassembler(elf)
    found: dict[int, AlignedAccess] = {}
    for function in symbols(elf).functions:
        for pc, insn in disassembler.function(function):
            access = _access(pc, insn, core) if insn is not None else None
            if access is not None:
                found[pc] = access
    return tuple(found.values())


def _alignment(name: str, core: str) -> int:
    if name in _HALF_OR_BYTE:
        return _HALF_OR_BYTE[name]
    if name.startswith(_WORDS):
        return 4
    return _V6M.get(name, 1) if core.startswith("cortex-m0") else 1


def _access(pc: int, insn: Any, core: str) -> AlignedAccess | None:
    from capstone import arm

    name = insn.mnemonic.split(".")[0]
    alignment = _alignment(name, core)
    if alignment == 1:
        return None
    text = f"{insn.mnemonic} {insn.op_str}"
    memory = next((o.mem for o in insn.operands if o.type == arm.ARM_OP_MEM), None)
    if memory is not None:
        base, index, offset = memory.base, memory.index, memory.disp
        if "]," in insn.op_str:  # post-indexed: the address is the base alone
            index, offset = 0, 0
    else:
        base, index, offset = insn.operands[0].reg, 0, 0
    numbers = _register_numbers()
    if base not in numbers:
        return None
    return AlignedAccess(
        pc=pc, text=text, base=numbers[base], index=numbers.get(index), offset=offset, alignment=alignment
    )


def _register_numbers() -> dict[int, int]:
    """capstone's register -> number, without SP and PC."""
    from capstone import arm

    names = [*(f"R{i}" for i in range(13)), "LR"]
    return {getattr(arm, f"ARM_REG_{n}"): i if n != "LR" else 14 for i, n in enumerate(names)}
