"""GCC: arm-none-eabi-gcc for boards, the host's own for the host."""

from __future__ import annotations

import functools
import re

from edgeq import process
from edgeq.boards import Board
from edgeq.records import Toolchain
from edgeq.toolchain.compiler import COMMON_FLAGS, Compiler


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
        command = str(
            process.find_tool("gcc", hint="Install it (Debian: apt-get install gcc), or use --toolchain zig.")
        )
        flags = (*COMMON_FLAGS, *board.gcc_flags)
        return Compiler(
            toolchain=Toolchain(name="gcc", version=_version(command), flags=flags),
            command=(command,),
            flags=flags,
            link_flags=("-Wl,--gc-sections", "-Wl,--build-id=none"),
            libraries=((),),
        )
    hint = "Install it (Debian: apt-get install gcc-arm-none-eabi), or use --toolchain zig."
    command = str(process.find_tool("arm-none-eabi-gcc", hint=hint))
    flags = (*board.gcc_flags, *COMMON_FLAGS, "-ffreestanding")
    return Compiler(
        toolchain=Toolchain(name="gcc", version=_version(command), flags=flags),
        command=(command,),
        flags=flags,
        link_flags=("-nostdlib", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments"),
        libraries=(("-lgcc",),),
    )
