"""Images of the tiny engines, compiled once per test run and board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny import ENGINES, tiny_project

from edgeq.boards import load_board
from edgeq.records import Image
from edgeq.toolchain.compile import compile_project

ImageOf = Callable[..., Image]


@pytest.fixture(scope="session")
def image_of(tmp_path_factory: pytest.TempPathFactory) -> ImageOf:
    """image_of(board, toolchain="zig", engine="tiny") -> Image."""
    made: dict[tuple[str, str, str], Image] = {}

    def make(board: str, toolchain: str = "zig", engine: str = "tiny") -> Image:
        key = (board, toolchain, engine)
        if key not in made:
            folder: Path = tmp_path_factory.mktemp("-".join(key))
            project = tiny_project(load_board(board), folder / "project", ENGINES[engine])
            made[key] = compile_project(
                project, load_board(board), toolchain=toolchain, traced=False, out=folder / "out"
            )
        return made[key]

    return make
