"""Faults of Cortex-M cores as the emulated board raises them (Armv7-M ARM, B1.5 and B3.2.15)."""

from __future__ import annotations

from dataclasses import dataclass

HARD, MEMORY, BUS, USAGE = 3, 4, 5, 6

IACCVIOL = 1 << 0
DACCVIOL = 1 << 1
MSTKERR = 1 << 4
MMARVALID = 1 << 7
IBUSERR = 1 << 8
PRECISERR = 1 << 9
STKERR = 1 << 12
BFARVALID = 1 << 15
UNDEFINSTR = 1 << 16
INVSTATE = 1 << 17
NOCP = 1 << 19
STKOF = 1 << 20
UNALIGNED = 1 << 24
HFSR_FORCED = 1 << 30
HFSR_DEBUG = 1 << 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: exception number, status bits, the address accessed if known, and words for people."""

    exception: int
    status: int
    what: str
    address: int | None = None
    hard_status: int = 0


def bad_access(kind: str, address: int, size: int, why: str, protected: bool) -> Fault:
    """A load or store that the bus refuses, or before it the memory protection unit. `kind` is "read" or "write"."""
    return Fault(
        exception=MEMORY if protected else BUS,
        status=DACCVIOL | MMARVALID if protected else PRECISERR | BFARVALID,
        address=address,
        what=f"{kind} of {size} bytes at {address:#010x}, {why}",
    )


def bad_fetch(address: int) -> Fault:
    """Execution from where there is no code. Devices' addresses are never executable (Armv7-M ARM, B3.1)."""
    never = 0x4000_0000 <= address < 0x6000_0000 or address >= 0xA000_0000
    return Fault(
        exception=MEMORY if never else BUS,
        status=IACCVIOL if never else IBUSERR,
        what=f"execution from {address:#010x}, where there is no code",
    )


def unaligned(text: str, address: int, alignment: int) -> Fault:
    """An access that this core only does aligned."""
    return Fault(
        exception=USAGE,
        status=UNALIGNED,
        what=f"misaligned access: {text} needs an address that is a multiple of {alignment}, and has {address:#010x}",
    )


def undefined(text: str) -> Fault:
    """An instruction that the core does not have."""
    return Fault(exception=USAGE, status=UNDEFINSTR, what=f"undefined instruction {text}")


INVALID_STATE = Fault(exception=USAGE, status=INVSTATE, what="branch to an address without the Thumb bit")
NO_COPROCESSOR = Fault(exception=USAGE, status=NOCP, what="floating-point instruction while the unit is off")
STACK_LIMIT = Fault(exception=USAGE, status=STKOF, what="stack pointer moved beyond its limit")
BREAKPOINT = Fault(exception=HARD, status=0, hard_status=HFSR_DEBUG, what="breakpoint instruction without a debugger")
