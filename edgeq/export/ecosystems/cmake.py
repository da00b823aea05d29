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
    without_tflm=frozenset({"cmake/{name}Config.cmake.in", "examples/main.c"}),
)


def _commands(name: str, out: Path) -> tuple[str, ...]:
    folder = shlex.quote(str(out))
    return (
        f"cmake -S {folder} -B {folder}/build",
        f"cmake --build {folder}/build --target test_{name}",
        f"cmake --install {folder}/build --prefix ~/.local",
    )


def _tflm_commands(name: str, out: Path) -> tuple[str, ...]:
    """In the user's own project, which has a target for TensorFlow Lite Micro."""
    line = f'add_subdirectory("{out.absolute().as_posix()}" {name})'
    return (
        f"echo {shlex.quote(line)} >> CMakeLists.txt",
        "cmake -S . -B build",
        f"cmake --build build --target {name}",
    )


ECOSYSTEM = Ecosystem(name="cmake", files=_LAYOUT.files, commands=_commands, tflm_commands=_tflm_commands)
