"""GCC: arm-none-eabi-gcc for boards, the host's own for the host."""

from __future__ import annotations

import functools
import re

from edgeq import process
from edgeq.boards import Board
from edgeq.errors import ToolError
from edgeq.records import Toolchain
from edgeq.toolchain.compiler import COMMON_FLAGS, CXX_FLAGS, Compiler, Cxx
from edgeq.toolchain.tflm import TflmLibrary

# How an image with TensorFlow Lite Micro is linked, and what with: the C++ library, the C library and GCC's own.
TFLM_LINK_FLAGS = (
    "-nostartfiles", "-nodefaultlibs", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments",
)  # fmt: skip
TFLM_LIBRARIES = ("-Wl,--start-group", "-lstdc++", "-lm", "-lc", "-lgcc", "-Wl,--end-group")

# Only `edgeq build` chooses the compiler; other commands take the build's.
_HINT = "Install it (Debian: apt-get install {}), or build with zig: edgeq build … --toolchain zig."


@functools.cache
def _version(command: str) -> str:
    out = process.run([command, "-dumpfullversion"], timeout=30, what=f"asking {command} for its version").stdout
    match = re.search(r"\d+(\.\d+)*", out.decode(errors="replace"))
    return match[0] if match else "unknown"


def compiler(board: Board) -> Compiler:
    """GCC for a board.

    Raises:
        ToolError: it is not installed.
    """
    if board.is_host:
        command = str(process.find_tool("gcc", hint=_HINT.format("gcc")))
        flags = (*COMMON_FLAGS, *board.gcc_flags)
        return Compiler(
            toolchain=Toolchain(name="gcc", version=_version(command), flags=flags),
            command=(command,),
            flags=flags,
            link_flags=("-Wl,--gc-sections", "-Wl,--build-id=none"),
            libraries=((),),
        )
    command = str(process.find_tool("arm-none-eabi-gcc", hint=_HINT.format("gcc-arm-none-eabi")))
    flags = (*board.gcc_flags, *COMMON_FLAGS, "-ffreestanding")
    return Compiler(
        toolchain=Toolchain(name="gcc", version=_version(command), flags=flags),
        command=(command,),
        flags=flags,
        link_flags=("-nostdlib", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments"),
        libraries=(("-lgcc",),),
    )


def tflm_compiler(board: Board, library: TflmLibrary) -> Compiler:
    """GCC for a board's image with TensorFlow Lite Micro.

    Raises:
        ToolError: it, its C++ compiler or its C++ library is not installed.
    """
    base = compiler(board)
    debian = "libstdc++-arm-none-eabi-newlib"
    hint = f"Install it (Debian: apt-get install gcc-arm-none-eabi {debian})."
    command = str(process.find_tool("arm-none-eabi-g++", hint=hint))
    found = process.run(
        [command, *board.gcc_flags, "-print-file-name=libstdc++.a"], timeout=30, what="looking for GCC's C++ library"
    ).stdout
    if not found.startswith(b"/"):
        raise ToolError("arm-none-eabi-g++ is installed without its C++ library, libstdc++.", hint=hint)
    stripped = ("-DTF_LITE_STRIP_ERROR_STRINGS",) if library.stripped else ()
    return Compiler(
        toolchain=base.toolchain,
        command=base.command,
        flags=base.flags,
        link_flags=TFLM_LINK_FLAGS,
        libraries=(TFLM_LIBRARIES,),
        cxx=Cxx(
            command=(command,),
            flags=(*board.gcc_flags, *CXX_FLAGS, *stripped, *(f"-isystem{d}" for d in library.include_dirs)),
            archives=(library.archive,),
        ),
    )
