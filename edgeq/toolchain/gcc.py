"""GCC: arm-none-eabi-gcc for boards, the host's own for the host."""

from __future__ import annotations

import functools
import re

from edgeq import process
from edgeq.boards import Board
from edgeq.records import Toolchain
from edgeq.toolchain.compiler import COMMON_FLAGS, Compiler

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
