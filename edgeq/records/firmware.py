"""The C project, and the image that a compiler makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Optimize(Enum):
    """What the aot engine's choice of kernels prefers; the value is what `--optimize` takes."""

    SIZE = "size"
    BALANCED = "balanced"
    SPEED = "speed"


class Group(Enum):
    """What a part of an image is for: the rows of the memory table, and the folders of the C project."""

    WEIGHTS = "weights"
    MODEL = "model"
    KERNELS = "kernels"
    ARENA = "arena"
    LINK = "link"
    RUNTIME = "runtime"
    STACK = "stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A generated C project. Paths are relative to `root`, in POSIX form, sorted.

    `sources` has the C and C++ files to compile per group, with `defines` as macros; `tflm_files` are the TFLite Micro
    artifacts, which the aot engine does not compile. `symbol` is the C prefix and `<symbol>_model` the `edgeq_model`;
    `op_symbols[i]` is the C function of kernel call i.
    """

    root: Path
    symbol: str
    sources: Mapping[Group, tuple[str, ...]]
    include_dirs: tuple[str, ...]
    linker_script: str
    tflm_files: tuple[str, ...]
    op_symbols: tuple[str, ...]
    files: tuple[str, ...]
    defines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """A compiler that was found: `name` is "zig" or "gcc", `flags` what every C file was compiled with."""

    name: str
    version: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of an image. `flash` and `ram` are the bytes that it takes of either (.data takes both)."""

    name: str
    group: Group
    flash: int
    ram: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """What an image takes, read from the ELF. `stack_bytes` is the stack's reserved size until a run measured its
    high-water mark (`stack_measured`)."""

    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    stack_bytes: int
    stack_measured: bool
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A compiled firmware. `traced` images report per-layer fingerprints and are never measured."""

    elf: Path
    toolchain: Toolchain
    memory: MemoryUse
    traced: bool
    sha256: str
