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


# As TensorFlow Lite Micro's Makefile compiles its own sources: macros that decide on the layout of its structs, above
# all. Its headers want a whole C++ library, so no -ffreestanding.
CXX_FLAGS = (
    "-std=c++17",
    "-O2",
    "-g0",
    "-fno-rtti",
    "-fno-exceptions",
    "-fno-threadsafe-statics",
    "-fomit-frame-pointer",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
    "-DNDEBUG",
    "-DTF_LITE_STATIC_MEMORY",
    "-DTF_LITE_DISABLE_X86_NEON",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cxx:
    """The C++ side of a compiler, for an engine in C++: `command` compiles and links, `flags` go to every compile.
    `archives` are linked, as part of the image's kernels."""

    command: tuple[str, ...]
    flags: tuple[str, ...]
    archives: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """A compiler for one board.

    `command` starts it; `flags` go to every compile and link, `link_flags` to links. `libraries` are tried one after
    the other until no runtime function is undefined: the compiler's own support library may have to be built first.
    `environment` is what it runs in; None: this process's. `cxx` is None where only C is compiled.
    """

    toolchain: Toolchain
    command: tuple[str, ...]
    flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    libraries: tuple[tuple[str, ...], ...]
    environment: Mapping[str, str] | None = None
    cxx: Cxx | None = None

    def compile_argv(
        self, source: str, obj: Path, include_dirs: tuple[str, ...], defines: tuple[str, ...]
    ) -> list[str]:
        """Command line that compiles one C or C++ file; it runs in the project's folder."""
        command, flags = self.command, self.flags
        if self.cxx is not None and source.endswith(".cc"):
            command, flags = self.cxx.command, self.cxx.flags
        return [
            *command, *flags, *(f"-I{d}" for d in include_dirs), *(f"-D{d}" for d in defines),
            "-c", source, "-o", str(obj),
        ]  # fmt: skip

    def link_argv(
        self, objects: tuple[Path, ...], script: Path | None, libraries: tuple[str, ...], elf: Path
    ) -> list[str]:
        """Command line that links; it runs in the folder of the linker script, where INCLUDE looks."""
        place = ["-T", str(script)] if script is not None else []
        command, flags = (self.command, self.flags) if self.cxx is None else (self.cxx.command, self.cxx.flags)
        return [
            *command, *flags, *self.link_flags, *place, *map(str, objects), *libraries, "-o", str(elf),
        ]  # fmt: skip
