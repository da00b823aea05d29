"""zig's C compiler (clang and lld), which the package index ships for every host."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import sys
from pathlib import Path

from edgeq.boards import Board
from edgeq.caches import zig_environment
from edgeq.errors import ToolError
from edgeq.records import Toolchain
from edgeq.toolchain.compiler import COMMON_FLAGS, Compiler


@functools.cache
def version() -> str:
    """The installed zig's version.

    Raises:
        ToolError: it is not installed.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise ToolError("The default compiler, zig, is not installed.", hint="pip install ziglang")
    return importlib.metadata.version("ziglang")


@functools.cache
def command() -> tuple[str, ...]:
    """Starts zig. The package's own way, `python -m ziglang`, starts Python first for each file that is compiled.

    Raises:
        ToolError: it is not installed.
    """
    version()
    spec = importlib.util.find_spec("ziglang")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        for name in ("zig", "zig.exe"):
            if (program := Path(folder, name)).is_file():
                return (str(program),)
    return (sys.executable, "-m", "ziglang")


def compiler(board: Board) -> Compiler:
    """zig for a board.

    Raises:
        ToolError: it is not installed.
    """
    # zig's `cc` turns UndefinedBehaviorSanitizer on by itself.
    target = ("-target", board.zig_target, f"-mcpu={board.zig_cpu}") if board.zig_target else ()
    shown = (*(t for t in target if t is not None), *COMMON_FLAGS, "-fno-sanitize=all")
    if board.is_host:
        return Compiler(
            toolchain=Toolchain(name="zig", version=version(), flags=shown),
            command=(*command(), "cc"),
            flags=shown,
            link_flags=("-Wl,--gc-sections", "-Wl,--build-id=none"),
            libraries=((),),
            environment=zig_environment(),
        )
    shown = (*shown, "-ffreestanding")
    return Compiler(
        toolchain=Toolchain(name="zig", version=version(), flags=shown),
        command=(*command(), "cc"),
        flags=shown,
        link_flags=("-e", "edgeq_reset", "-Wl,--gc-sections", "-Wl,--build-id=none"),
        libraries=(("-nostdlib",), ()),  # without -nostdlib zig compiles its compiler_rt, which takes seconds once
        environment=zig_environment(),
    )
