"""Cores that boards may have."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CompilerFlags:
    """How the compilers are told of a core as it is usually built; `features` are a board file's."""

    features: tuple[str, ...]
    zig_target: str
    zig_cpu: str
    gcc: tuple[str, ...]


def _soft(core: str) -> CompilerFlags:
    return CompilerFlags(
        features=(), zig_target="thumb-freestanding-eabi", zig_cpu=core.replace("-", "_"),
        gcc=(f"-mcpu={core}", "-mthumb", "-mfloat-abi=soft"),
    )  # fmt: skip


def _hard(zig_cpu: str, *gcc: str, features: tuple[str, ...] = ("dsp", "fpu")) -> CompilerFlags:
    return CompilerFlags(
        features=features, zig_target="thumb-freestanding-eabihf", zig_cpu=zig_cpu,
        gcc=(gcc[0], "-mthumb", *gcc[1:], "-mfloat-abi=hard"),
    )  # fmt: skip


COMPILERS = {
    "cortex-m0": _soft("cortex-m0"),
    "cortex-m0plus": _soft("cortex-m0plus"),
    "cortex-m3": _soft("cortex-m3"),
    "cortex-m4": _hard("cortex_m4+vfp4d16sp", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"),
    "cortex-m7": _hard("cortex_m7+fp_armv8d16sp", "-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16"),
    "cortex-m33": _hard("cortex_m33+dsp+fp_armv8d16sp", "-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16"),
    "cortex-m55": _hard("cortex_m55+mve_fp", "-march=armv8.1-m.main+mve.fp", features=("dsp", "fpu", "mve")),
}
"""For new boards: with the DSP extension and single precision where the core may have them."""
