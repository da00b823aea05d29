"""Cores that boards may have."""

from __future__ import annotations

HOST = "host"
"""Stands for a program of this machine."""

CPUID = {
    "cortex-m0": 0x410C_C200,
    "cortex-m0plus": 0x410C_C601,
    "cortex-m3": 0x412F_C231,
    "cortex-m4": 0x410F_C241,
    "cortex-m7": 0x411F_C272,
    "cortex-m33": 0x411F_D213,
    "cortex-m55": 0x411F_D221,
}
"""The identification register at 0xE000ED00, of one revision of each (the cores' Technical Reference Manuals)."""

CORES = (*CPUID, HOST)

CPUID_ADDRESS = 0xE000_ED00
_PART = 0xFF00_FFF0


def core_of(cpuid: int) -> str | None:
    """The core with that identification, whatever its revision; None for one that is not known here."""
    return next((core for core, known in CPUID.items() if (known ^ cpuid) & _PART == 0), None)
