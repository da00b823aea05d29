"""The tiny engine as a Project, and a client that is just enough to run it."""

from __future__ import annotations

import shutil
from pathlib import Path

from edgeq import resources
from edgeq.boards import Board
from edgeq.generate.sources import LINK_SOURCES
from edgeq.records import Group, Project

SYMBOL = "tiny"
OPERATORS = ("tiny_op_0", "tiny_op_1", "tiny_op_2")
HERE = Path(__file__).parent
KERNELS = ("conv_2d.c", "depthwise_conv_2d.c", "fully_connected.c")
"""The kernels that kernels_engine.c calls."""
ENGINES = {"tiny": HERE / "tiny_engine.c", "kernels": HERE / "kernels_engine.c"}


def tiny_project(board: Board, root: Path, engine: Path = ENGINES["tiny"]) -> Project:
    """A C project like a generated one, with the tiny engine (or another C file) as its model."""
    firmware = resources.firmware()
    for folder in ("include/edgeq", "src", "board", "model"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for header in (firmware / "include" / "edgeq").glob("*.h"):
        shutil.copy(header, root / "include" / "edgeq")
    for source in LINK_SOURCES:
        shutil.copy(firmware / "src" / source, root / "src")
    shutil.copy(engine, root / "model" / "engine.c")
    kernels = KERNELS if engine == ENGINES["kernels"] else ()
    for file in (*(firmware / "kernels" / name for name in kernels), *(firmware / "kernels").glob("*.h")):
        (root / "kernels").mkdir(exist_ok=True)
        shutil.copy(file, root / "kernels")
    extra = [p for p in (board.linker_script, *board.linker_includes) if p is not None]
    for file in (*board.sources, *extra):
        shutil.copy(file, root / "board")
    return Project(
        root=root,
        symbol=SYMBOL,
        sources={
            Group.MODEL: ("model/engine.c",),
            Group.LINK: tuple(f"src/{name}" for name in LINK_SOURCES),
            Group.KERNELS: tuple(f"kernels/{name}" for name in kernels),
            Group.RUNTIME: tuple(sorted(f"board/{p.name}" for p in board.sources)),
        },
        include_dirs=("include",),
        linker_script="board/link.ld" if board.linker_script else "",
        tflm_files=(),
        op_symbols=OPERATORS,
        files=(),
    )
