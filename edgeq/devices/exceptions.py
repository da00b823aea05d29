"""Exceptions of a Cortex-M on Unicorn, which reports them and leaves the rest to its user: entry and return, with the
frame on the stack (Armv7-M ARM, B1.5.6 to B1.5.8).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import unicorn
from unicorn import arm_const as arm

from edgeq.devices.checks import REGISTERS

_BASIC, _EXTENDED = 0x20, 0x68
_WORDS = struct.Struct("<8I")
_FLOATS = tuple(getattr(arm, f"UC_ARM_REG_S{i}") for i in range(16))
_STACKED = (*REGISTERS[:4], REGISTERS[12], arm.UC_ARM_REG_LR)
_ON_PROCESS_STACK, _FLOATING_POINT_ACTIVE = 2, 4  # of CONTROL
_THUMB, _PADDED = 1 << 24, 1 << 9  # of xPSR


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """An exception that was entered: where its frame is, what kind of frame, and which stack that is."""

    frame: int
    extended: bool
    on_process_stack: bool
    from_handler: bool

    @property
    def exc_return(self) -> int:
        """What LR has in the handler."""
        kind = 0xFFFF_FFED if self.extended else 0xFFFF_FFFD
        return kind - (0 if self.on_process_stack else 12 if self.from_handler else 4)


def enter(uc: Any, number: int, pc: int, *, has_fpu: bool) -> tuple[Entered, bool]:
    """Push the frame and switch to handler mode; (what has been entered, whether there was memory for the frame).

    Args:
        uc: the core.
        number: of the exception.
        pc: where to go on afterwards.
        has_fpu: whether floating-point registers are in the frame where they have been used.
    """
    control = uc.reg_read(arm.UC_ARM_REG_CONTROL)
    from_handler = bool(uc.reg_read(arm.UC_ARM_REG_IPSR))
    on_process_stack = bool(control & _ON_PROCESS_STACK) and not from_handler
    extended = bool(control & _FLOATING_POINT_ACTIVE) and has_fpu
    frame = uc.reg_read(arm.UC_ARM_REG_SP) - (_EXTENDED if extended else _BASIC)
    padded = frame & 4
    frame = (frame - padded) & 0xFFFF_FFFF
    xpsr = (uc.reg_read(arm.UC_ARM_REG_XPSR) & ~_PADDED) | (_PADDED if padded else 0) | _THUMB
    words = (*(uc.reg_read(r) for r in _STACKED), pc, xpsr)
    data = _WORDS.pack(*(word & 0xFFFF_FFFF for word in words))
    if extended:
        floats = (*(uc.reg_read(r) for r in _FLOATS), uc.reg_read(arm.UC_ARM_REG_FPSCR), 0)
        data += struct.pack("<18I", *(word & 0xFFFF_FFFF for word in floats))
    try:
        uc.mem_write(frame, data)
        pushed = True
    except unicorn.UcError:
        pushed = False
    entered = Entered(frame=frame, extended=extended, on_process_stack=on_process_stack, from_handler=from_handler)
    uc.reg_write(arm.UC_ARM_REG_PSP if on_process_stack else arm.UC_ARM_REG_MSP, frame)
    uc.reg_write(arm.UC_ARM_REG_LR, entered.exc_return)
    uc.reg_write(arm.UC_ARM_REG_IPSR, number)
    return entered, pushed


def leave(uc: Any, entered: Entered) -> int:
    """Back from a handler to thread mode, with the registers that the frame has; gives where to go on."""
    uc.reg_write(arm.UC_ARM_REG_IPSR, 0)
    size = _EXTENDED if entered.extended else _BASIC
    data = bytes(uc.mem_read(entered.frame, size))
    *words, pc, xpsr = _WORDS.unpack_from(data)
    for register, word in zip(_STACKED, words, strict=True):
        uc.reg_write(register, word)
    if entered.extended:
        *floats, fpscr, _ = struct.unpack_from("<18I", data, _BASIC)
        for register, word in zip(_FLOATS, floats, strict=True):
            uc.reg_write(register, word)
        uc.reg_write(arm.UC_ARM_REG_FPSCR, fpscr)
    stack = entered.frame + size + (4 if xpsr & _PADDED else 0)
    uc.reg_write(arm.UC_ARM_REG_PSP if entered.on_process_stack else arm.UC_ARM_REG_MSP, stack)
    uc.reg_write(arm.UC_ARM_REG_APSR, xpsr & 0xF80F_0000)
    return int(pc) & ~1
