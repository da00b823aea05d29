"""The user's own TensorFlow Lite Micro: where its library and headers are, and whether they are of use for a board."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from edgeq.boards import Board
from edgeq.errors import InputError
from edgeq.toolchain.archive import ARCHITECTURES, Archive, BuiltFor

_INTERPRETER = "tensorflow/lite/micro/micro_interpreter.h"
_RESOLVER = "tensorflow/lite/micro/micro_mutable_op_resolver.h"
_ALLOCATES = "_ZN6tflite16MicroInterpreter15AllocateTensorsEv"
_PRINTS = "_Z11MicroPrintfPKcz"
_CMSIS_NN = "arm_convolve_wrapper_s8"
_CMSIS_NN_LSTM = "arm_lstm_unidirectional_s8"
_SCHEMA = re.compile(r"#\s*define\s+TFLITE_SCHEMA_VERSION\s*\(?(\d+)")

# A header of each of its parts, and the folders that may hold it, relative to those of its own headers: what `make`
# downloads, what create_tflm_tree.py writes, and one folder for all.
_PARTS = {
    "FlatBuffers": ("flatbuffers/flatbuffers.h", ("flatbuffers/include", "flatbuffers")),
    "gemmlowp": ("fixedpoint/fixedpoint.h", ("gemmlowp",)),
    "ruy": ("ruy/profiler/instrumentation.h", ("ruy",)),
}
_PARENTS = ("tensorflow/lite/micro/tools/make/downloads", "third_party", "")
# Of headers that are newer than the oldest interpreter that the generated code can talk to (summer of 2023).
_NEEDED = {
    "tensorflow/lite/micro/micro_common.h": "TFLMRegistration",
    "tensorflow/lite/micro/debug_log.h": "va_list",
    "tensorflow/lite/micro/micro_op_resolver.h": "TfLiteBridgeBuiltinParseFunction",
}
_SEARCHED_FILES = 200_000

# Architectures that each core executes, by Tag_CPU_arch.
_V6M = frozenset({11, 12})
_EXECUTES = {
    "cortex-m0": _V6M, "cortex-m0plus": _V6M, "cortex-m3": _V6M | {10}, "cortex-m4": _V6M | {10, 13},
    "cortex-m7": _V6M | {10, 13}, "cortex-m33": _V6M | {10, 13, 16, 17}, "cortex-m55": _V6M | {10, 13, 16, 17, 21},
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TflmLibrary:
    """What the generated application is compiled with and linked to.

    `stripped`: it was built without error strings (BUILD_TYPE=release), so that its headers must be read the same way.
    `cmsis_nn_lstm`: CMSIS-NN's kernel runs LSTMs. `schema_version` is of the .tflite files that it reads; `methods` are
    those of its MicroMutableOpResolver.
    """

    archive: Path
    include_dirs: tuple[Path, ...]
    stripped: bool
    cmsis_nn: bool
    cmsis_nn_lstm: bool
    schema_version: int
    methods: frozenset[str]
    sha256: str

    @property
    def title(self) -> str:
        """What reports call it."""
        kernels = "with CMSIS-NN" if self.cmsis_nn else "without CMSIS-NN"
        return f"TensorFlow Lite Micro: {self.archive.name}, {kernels}, SHA-256 {self.sha256[:12]}"


def find_library(root: Path, board: Board) -> TflmLibrary:
    """The library in a folder that fits a board, and its headers.

    Args:
        root: a source tree that holds its library in gen/…, one of these folders, a tree made by
            create_tflm_tree.py with a library in it, a folder with include/ and lib/, or the library itself.
        board: what it must have been compiled for. Of several libraries that fit, one with CMSIS-NN is taken, and then
            the newest.

    Raises:
        InputError: there is none, it is for another core or calling convention, or of another version; the message
            says what was looked for.
    """
    if board.core not in _EXECUTES:
        raise InputError(
            f"The tflm engine runs on Cortex-M boards; {board.name} is {board.core}.",
            hint="Build for a board, or take the aot engine. `--device tflm-host` runs a build in this computer's "
            "interpreter.",
        )
    if not root.exists():
        raise InputError(f"--tflm-root {root}: there is no such file or folder.")
    headers = _headers(root)
    _check_version(headers)
    parts = tuple(_part(name, root, headers) for name in _PARTS)
    archive = _archive(root, board)
    text = (headers / _RESOLVER).read_text(encoding="utf-8", errors="replace")
    return TflmLibrary(
        archive=archive.path.resolve(),
        include_dirs=tuple(dict.fromkeys((headers.resolve(), *(part.resolve() for part in parts)))),
        stripped=_PRINTS not in archive.symbols,
        cmsis_nn=_CMSIS_NN in archive.symbols,
        cmsis_nn_lstm=_CMSIS_NN_LSTM in archive.symbols,
        schema_version=_schema_version(headers),
        methods=frozenset(re.findall(r"\bTfLiteStatus\s+(Add\w+)\s*\(", text)),
        sha256=hashlib.sha256(archive.path.read_bytes()).hexdigest(),
    )


def _headers(root: Path) -> Path:
    """The folder that holds tensorflow/."""
    start = root if root.is_dir() else root.parent
    above = [start, *list(start.resolve().parents)[:6]]
    tried = [folder / sub for folder in above[:1] for sub in ("", "include", "src")]
    tried += [folder / sub for folder in above[1:] for sub in ("", "include")]
    for folder in tried:
        if (folder / _INTERPRETER).is_file():
            return folder
    for file in _walk(start, "micro_interpreter.h"):
        if file.as_posix().endswith(_INTERPRETER):
            return file.parents[3]
    raise InputError(
        f"--tflm-root {root} has no headers of TensorFlow Lite Micro: {_INTERPRETER} is neither in it, nor in its "
        "include/ or src/, nor in a folder above it.",
        hint="Give the source tree of tflite-micro that holds the library, or a folder with include/ and lib/.",
    )


def _check_version(headers: Path) -> None:
    for name, word in _NEEDED.items():
        path = headers / name
        if not path.is_file() or word not in path.read_text(encoding="utf-8", errors="replace"):
            raise InputError(
                f"The TensorFlow Lite Micro in {headers} is too old for the generated code: {name} has no {word}.",
                hint="Take a tflite-micro from July 2023 or later, and build its library from the same sources.",
            )


def _schema_version(headers: Path) -> int:
    found = _SCHEMA.search((headers / _INTERPRETER).read_text(encoding="utf-8", errors="replace"))
    if found is None:
        raise InputError(
            f"{headers / _INTERPRETER} does not say which .tflite files it reads: it has no TFLITE_SCHEMA_VERSION.",
            hint="Give the headers of the very tree that the library was built from, unchanged.",
        )
    return int(found[1])


def _part(name: str, root: Path, headers: Path) -> Path:
    """The folder to include of one of the parts that its headers include themselves."""
    header, folders = _PARTS[name]
    tried = [headers / parent / folder for parent in _PARENTS for folder in folders] + [headers]
    for folder in tried:
        if (folder / header).is_file():
            return folder
    start = root if root.is_dir() else root.parent
    for file in _walk(start, Path(header).name):
        if file.as_posix().endswith(header):
            return file.parents[len(Path(header).parts) - 1]
    shown = "\n".join(f"  {folder}" for folder in tried)
    raise InputError(
        f"{name}, which the headers of TensorFlow Lite Micro include, was not found: {header} is in none of\n{shown}\n"
        f"and nowhere in {start}.",
        hint="Building TensorFlow Lite Micro fetches it: give the tree in which your library was built.",
    )


def _archive(root: Path, board: Board) -> Archive:
    paths = [root] if root.is_file() else sorted(_walk(root, "*.a"))
    found, others = [], []
    for path in paths:
        try:
            archive = Archive(path)
        except InputError:
            if root.is_file():
                raise
            continue
        if _ALLOCATES not in archive.symbols:
            continue
        try:
            why = _unfit(archive.built_for(_ALLOCATES), board)
        except InputError as exc:  # another may fit
            why = exc.message.removeprefix(f"{path}: ")
        if why is None:
            found.append(archive)
        else:
            others.append(f"  {path}: {why}")
    if found:
        return max(found, key=lambda a: (_CMSIS_NN in a.symbols, a.path.stat().st_mtime, str(a.path)))
    how = (
        f"Give a library that was built for {board.core} ({_convention(board)}), best with CMSIS-NN's kernels; "
        "TensorFlow Lite Micro's documentation says how."
    )
    if others:
        raise InputError(
            f"No TensorFlow Lite Micro library in {root} fits {board.name} ({board.core}, {_convention(board)}):\n"
            + "\n".join(others),
            hint=how,
        )
    raise InputError(
        f"There is no library of TensorFlow Lite Micro in {root}: of {len(paths)} static libraries (*.a) there, none "
        "defines tflite::MicroInterpreter. Looked for, among others, gen/*/lib/libtensorflow-microlite.a and lib/*.a.",
        hint=how,
    )


def _unfit(built: BuiltFor, board: Board) -> str | None:
    """Why an object cannot be linked into a board's image."""
    if built.machine != "ARM":
        return f"for {built.machine}, not for Arm"
    if built.architecture not in _EXECUTES[board.core]:
        known = ARCHITECTURES.get(built.architecture, f"architecture {built.architecture}")
        return f"compiled for {known}, which the core does not execute"
    if built.hard_float != _is_hard(board):
        other = "floating-point registers" if built.hard_float else "core registers"
        return f"passes floats in {other} (-mfloat-abi={'hard' if built.hard_float else 'soft or softfp'})"
    return None


def _is_hard(board: Board) -> bool:
    return "-mfloat-abi=hard" in board.gcc_flags


def _convention(board: Board) -> str:
    return next((flag.removeprefix("-m") for flag in board.gcc_flags if flag.startswith("-mfloat-abi=")), "soft float")


def _walk(root: Path, pattern: str) -> Iterator[Path]:
    """Files of that name below a folder; links are not followed, and a huge folder is not searched to its end."""

    def files() -> Iterator[Path]:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(f for f in folders if f != ".git")
            yield from (Path(folder) / name for name in sorted(names))

    return (file for file in islice(files(), _SEARCHED_FILES) if file.match(pattern))


def check_model(library: TflmLibrary, *, methods: Iterable[str], schema_version: int) -> None:
    """Refuse what the library is known not to run.

    Args:
        library: as it was found.
        methods: of the op resolver, which the model needs.
        schema_version: of the .tflite.

    Raises:
        InputError: it has no such method, or reads .tflite files of another schema version.
    """
    missing: Sequence[str] = [m for m in methods if m not in library.methods]
    if missing:
        names = ", ".join(missing)
        raise InputError(
            f"This TensorFlow Lite Micro's op resolver has no {names} ({library.include_dirs[0] / _RESOLVER}): it "
            "cannot run the operator behind it.",
            hint="Take a newer tflite-micro, replace the layer, or use the aot engine if it has the operator.",
        )
    if schema_version != library.schema_version:
        raise InputError(
            f"The .tflite has schema version {schema_version}, this TensorFlow Lite Micro reads version "
            f"{library.schema_version}.",
            hint="Convert the model with a TensorFlow of the library's time.",
        )
