"""Which of edgeq's own C files a project needs, and where they go in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from edgeq import resources
from edgeq.boards import Board
from edgeq.errors import InputError
from edgeq.lower.program import Program
from edgeq.records import Group

INCLUDE = "include"

_INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
_MODEL_SOURCES = ("affine.c", "selftest.c")
# The link, the same in every project: files of firmware/src.
LINK_SOURCES = (
    "board_defaults.c",
    "crc32.c",
    "describe.c",
    "execute.c",
    "fault_link.c",
    "frame.c",
    "link.c",
    "main.c",
    "reply.c",
    "runs.c",
    "tensors.c",
)
# Headers that the templates' files include.
_MODEL_HEADERS = ("affine.h", "attributes.h", "engine.h", "kernels.h", "link.h", "selftest.h")
# Files of firmware/tflm, and what its generated files include.
_TFLM_SOURCES = ("engine.cc", "log.cc", "runtime.cc")
_TFLM_HEADERS = ("engine.h", "link.h", "selftest.h", "tflm.h", "tflm_arena.h", "tflm_resolver.h", "tflm_text.h")


def copied_files(program: Program, board: Board) -> dict[str, Path]:
    """Path in the project -> file that is copied there as it is.

    Raises:
        InputError: two of the board's files have the same name.
    """
    firmware = resources.firmware()
    files = {f"kernels/{name}": firmware / "kernels" / name for call in program.calls for name in call.sources}
    files |= {f"model/{name}": firmware / "model" / name for name in _MODEL_SOURCES}
    return _with_firmware(files, board, _MODEL_HEADERS)


def interpreter_files(board: Board) -> dict[str, Path]:
    """As `copied_files`, for a project whose engine is TensorFlow Lite Micro."""
    firmware = resources.firmware()
    files = {f"tflm/{name}": firmware / "tflm" / name for name in _TFLM_SOURCES}
    files |= {"model/selftest.c": firmware / "model" / "selftest.c"}
    return _with_firmware(files, board, _TFLM_HEADERS)


def _with_firmware(files: dict[str, Path], board: Board, headers: Iterable[str]) -> dict[str, Path]:
    """The files, those of link and board, and all headers."""
    firmware = resources.firmware()
    files |= {f"link/{name}": firmware / "src" / name for name in LINK_SOURCES}
    board_files = [*board.sources, *([board.linker_script] if board.linker_script else []), *board.linker_includes]
    for file in board_files:
        place = f"board/{file.name}"
        if place in files and files[place] != file:
            raise InputError(
                f"The board {board.name} uses two files called {file.name}: {files[place]} and {file}.",
                hint="Rename one of them.",
            )
        files[place] = file
    for header in (*(firmware / "include" / "edgeq" / name for name in headers), *board.headers):
        files[f"{INCLUDE}/edgeq/{header.name}"] = header
    return _with_includes(files, firmware / "include")


def sources_by_group(
    paths: Iterable[str], prefix: str, *, suffixes: tuple[str, ...] = (".c",)
) -> dict[Group, tuple[str, ...]]:
    """The C (and C++) files to compile, of all files in a project, by what they are for."""
    found: dict[Group, list[str]] = {}
    for path in sorted(paths):
        if path.endswith(suffixes) and path != "app/selftest.c":
            found.setdefault(_group(path, prefix), []).append(path)
    return {group: tuple(found[group]) for group in Group if group in found}


def _group(path: str, prefix: str) -> Group:
    folder = path.split("/", maxsplit=1)[0]
    if path in (f"model/{prefix}_weights.c", f"tflm/{prefix}_model_data.cc"):
        return Group.WEIGHTS
    groups = {"kernels": Group.KERNELS, "model": Group.MODEL, "tflm": Group.MODEL, "link": Group.LINK}
    return groups.get(folder, Group.RUNTIME)


def _with_includes(files: dict[str, Path], include: Path) -> dict[str, Path]:
    """The files, and the headers that they include with quotes, and what those include."""
    pending = list(files.items())
    complete = dict(files)
    while pending:
        place, file = pending.pop()
        for name in (m.decode() for m in _INCLUDE.findall(file.read_bytes())):
            beside = file.parent / name
            found = (
                (f"{place.rpartition('/')[0]}/{name}", beside)
                if beside.is_file()
                else (f"{INCLUDE}/{name}", include / name)
            )
            if found[0] not in complete and found[1].is_file():
                complete[found[0]] = found[1]
                pending.append(found)
    return complete
