"""What a compiler is to `compile_project`, and the flags that all of them get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeq.records import Toolchain

# -ffreestanding: neither compiler then wants a C library's headers; -fbuiltin keeps memcpy of 4 bytes one instruction.
COMMON_FLAGS = (
    "-std=c99",
    "-O2",
    "-funroll-loops",  # GCC: convolutions in 0.56 of the cycles on a Cortex-M4; clang unrolls without it
    "-g0",
    "-fbuiltin",
    "-fomit-frame-pointer",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """A compiler for one board.

    `command` starts it; `flags` go to every compile and link, `link_flags` to links. `libraries` are tried one after
    the other until no runtime function is undefined: the compiler's own support library may have to be built first.
    `environment` is what it runs in; None: this process's.
    """

    toolchain: Toolchain
    command: tuple[str, ...]
    flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    libraries: tuple[tuple[str, ...], ...]
    environment: Mapping[str, str] | None = None

    def compile_argv(
        self, source: str, obj: Path, include_dirs: tuple[str, ...], defines: tuple[str, ...]
    ) -> list[str]:
        """Command line that compiles one C file; it runs in the project's folder."""
        return [
            *self.command, *self.flags, *(f"-I{d}" for d in include_dirs), *(f"-D{d}" for d in defines),
            "-c", source, "-o", str(obj),
        ]  # fmt: skip

    def link_argv(
        self, objects: tuple[Path, ...], script: Path | None, libraries: tuple[str, ...], elf: Path
    ) -> list[str]:
        """Command line that links; it runs in the folder of the linker script, where INCLUDE looks."""
        place = ["-T", str(script)] if script is not None else []
        return [
            *self.command, *self.flags, *self.link_flags, *place, *map(str, objects), *libraries, "-o", str(elf),
        ]  # fmt: skip
