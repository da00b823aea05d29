"""What a FAULT frame says, in words."""

from __future__ import annotations

from collections.abc import Callable

from edgeq.link.codes import FaultKind
from edgeq.link.messages import Fault

# Turns an address in flash into a place ("edgeq_conv_2d, conv_2d.c:120"), None where it is unknown.
Symbolise = Callable[[int], str | None]

_KINDS = {
    FaultKind.HARD: "a hard fault",
    FaultKind.MEMORY: "a memory protection fault",
    FaultKind.BUS: "a bus fault",
    FaultKind.USAGE: "a usage fault",
    FaultKind.SECURE: "a security fault",
    FaultKind.STACK_OVERFLOW: "a stack overflow",
    FaultKind.UNEXPECTED_INTERRUPT: "an interrupt that nobody handles",
}

# Configurable Fault Status Register, Armv7-M ARM, B3.2.15.
_CFSR = {
    0: "instruction fetch from memory that must not be executed",
    1: "access to protected memory",
    3: "protected memory on return from an exception",
    4: "protected memory on entry of an exception",
    8: "instruction fetch from an address where nothing is",
    9: "access to an address where nothing is",
    10: "write to an address where nothing is, noticed a few instructions later",
    11: "bus error on return from an exception",
    12: "bus error on entry of an exception",
    16: "undefined instruction",
    17: "jump to an address that is not Thumb code",
    18: "invalid return from an exception",
    19: "floating point or coprocessor instruction while that unit is off",
    20: "stack overflow",
    24: "unaligned access",
    25: "division by zero",
}


def describe_fault(fault: Fault, symbolise: Symbolise | None = None) -> str:
    """One sentence: what happened, where, on which address."""

    def place(address: int) -> str:
        name = symbolise(address) if symbolise is not None else None
        return f"{name} ({address:#010x})" if name else f"{address:#010x}"

    known = fault.kind in set(FaultKind)
    text = _KINDS[FaultKind(fault.kind)] if known else f"a fault of unknown kind {fault.kind}"
    causes = [cause for bit, cause in _CFSR.items() if fault.cfsr >> bit & 1]
    if causes and fault.kind != FaultKind.STACK_OVERFLOW:
        text += f" ({'; '.join(causes)})"
    if not (fault.pc or fault.lr or fault.xpsr):
        return f"{text}, where is not known: the stack pointer was wrong ({fault.sp:#010x})"
    text += f" at {place(fault.pc)}"
    if fault.address is not None:
        text += f", address {fault.address:#010x}"
    if 0 < fault.lr < 0xFFFF_FF00:  # else not known, or a special value that says how to return from an exception
        text += f", called from {place(fault.lr & ~1)}"
    return text
