"""A CMake package: to add as a subdirectory, or to install and find."""

from __future__ import annotations

import shlex
from pathlib import Path

from edgeq.export.layout import Layout
from edgeq.export.record import Ecosystem

_LAYOUT = Layout(
    ecosystem="cmake",
    include="include",
    sources="src",
    templates={
        "CMakeLists.txt": "cmake/CMakeLists.txt.j2",
        "cmake/{name}Config.cmake.in": "cmake/Config.cmake.in.j2",
        "examples/main.c": "common/main.c.j2",
    },
)


def _commands(name: str, out: Path) -> tuple[str, ...]:
    folder = shlex.quote(str(out))
    return (
        f"cmake -S {folder} -B {folder}/build",
        f"cmake --build {folder}/build --target test_{name}",
        f"cmake --install {folder}/build --prefix ~/.local",
    )


ECOSYSTEM = Ecosystem(name="cmake", files=_LAYOUT.files, commands=_commands)
