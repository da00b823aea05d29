"""Estimated cycles of Cortex-M code from instruction counts and the cores' documented timings.

Cortex-M4 (and M3): Technical Reference Manual (Arm DDI 0439), tables 3-1 and 7-1 and section 3.3.2, zero wait states:

- most instructions take 1 cycle, multiplications and DSP instructions included;
- loads and stores take 2, but neighbours pipeline: n of them in a row take n + 1, unless an address needs the register
  that the load before has just read;
- LDM, STM, PUSH, POP, LDRD, STRD and their floating-point forms take 1 + the number of words; 3 more to load the PC;
- a branch costs 1 + P, where P is the refill of the pipeline, 1 to 3 cycles: 2 here;
- UDIV and SDIV take 2 to 12, depending on the operands: 7 here; VDIV and VSQRT 14; VMLA and VFMA 3;
- VMOV of two core registers and TBB take 2; barriers 4.

A block is costed as a unit, and the branch at its end as taken: counts tell how often a block ran, not where it went.

Every core is estimated with this one table. The Cortex-M3's and M33's differ in few entries; the dual-issue Cortex-M7
and M55 have no published table and are faster: for them the figure is an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_REFILL = 2
_TO_PC = 3
_MULTIPLE = ("ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop")
_STACK_ONLY = frozenset({"push", "pop", "vpush", "vpop"})
_PAIRS = ("ldrd", "strd")
_SINGLE = ("ldr", "str", "vldr", "vstr")
_FIXED: tuple[tuple[tuple[str, ...], int], ...] = (
    (("udiv", "sdiv"), 7),
    (("vdiv", "vsqrt"), 14),
    (("vmla", "vmls", "vfma", "vfms", "vnmla", "vnmls", "vfnma", "vfnms"), 3),
    (("isb", "dsb", "dmb"), 4),
    (("tbb", "tbh"), 2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Instructions and estimated cycles."""

    instructions: int = 0
    cycles: int = 0

    def __add__(self, other: Cost) -> Cost:
        """Both together."""
        return Cost(instructions=self.instructions + other.instructions, cycles=self.cycles + other.cycles)

    def times(self, n: int) -> Cost:
        """The same `n` times."""
        return Cost(instructions=self.instructions * n, cycles=self.cycles * n)


class CycleModel:
    """Costs of the blocks of one image."""

    def __init__(self, elf: Path) -> None:
        """Reads the image.

        Raises:
            InputError: it is no ELF file.
        """
        from edgeq.toolchain.disassembler import Disassembler

        self._disassembler = Disassembler(elf)
        self._known: dict[tuple[int, int], Cost] = {}

    def block(self, address: int, size: int) -> Cost:
        """Cost of one execution of the `size` bytes of code at `address`."""
        known = self._known.get((address, size))
        if known is None:
            insns = [insn for _, insn in self._disassembler.instructions(address, size)]
            known = self._known[address, size] = Cost(instructions=len(insns), cycles=block_cycles(insns))
        return known

    def total(self, blocks: Iterable[tuple[int, int, int]]) -> Cost:
        """Cost of (address, bytes, executions)."""
        instructions = cycles = 0
        for address, size, count in blocks:
            one = self.block(address, size)
            instructions += one.instructions * count
            cycles += one.cycles * count
        return Cost(instructions=instructions, cycles=cycles)


def block_cycles(insns: Iterable[Any]) -> int:
    """Cycles of a straight run of capstone instructions; None stands for one that could not be decoded (1 cycle)."""
    total = 0
    after_access, loaded, last = False, None, None
    for insn in insns:
        last = insn
        if insn is None:
            total += 1
            after_access, loaded = False, None
            continue
        name = insn.mnemonic.split(".")[0]
        if _is_single(name):
            cycles, loaded = _single(insn, name, after_access, loaded)
            after_access = True
        else:
            cycles, loaded, after_access = _other(insn, name), None, False
        total += cycles
    return total + (_REFILL if last is not None and _branches(last) else 0)


def _is_single(name: str) -> bool:
    return name.startswith(_SINGLE) and not name.startswith(_PAIRS)


def _registers(insn: Any) -> list[int]:
    from capstone import arm

    return [o.reg for o in insn.operands if o.type == arm.ARM_OP_REG]


def _single(insn: Any, name: str, after_access: bool, loaded: int | None) -> tuple[int, int | None]:
    """(cycles, register that it loads) of one load or store of one word or less."""
    from capstone import arm

    memory = next((o.mem for o in insn.operands if o.type == arm.ARM_OP_MEM), None)
    waits = memory is not None and loaded is not None and loaded in (memory.base, memory.index)
    cycles = 1 if after_access and not waits else 2
    registers = _registers(insn)
    is_load = name.startswith(("ldr", "vldr"))
    if is_load and registers and registers[0] == arm.ARM_REG_PC:
        cycles += _TO_PC
    return cycles, registers[0] if is_load and registers else None


def _other(insn: Any, name: str) -> int:
    from capstone import arm

    if name.startswith(_MULTIPLE):
        registers = _registers(insn)
        words = len(registers) - (0 if name in _STACK_ONLY else 1)
        return 1 + words + (_TO_PC if arm.ARM_REG_PC in registers else 0)
    if name.startswith(_PAIRS):
        return 3
    if name == "vmov" and len(_registers(insn)) > 2:
        return 2
    return next((cycles for names, cycles in _FIXED if name.startswith(names)), 1)


def _branches(insn: Any) -> bool:
    import capstone

    return any(group in insn.groups for group in (capstone.CS_GRP_JUMP, capstone.CS_GRP_CALL, capstone.CS_GRP_RET))
