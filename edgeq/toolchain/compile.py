"""A generated C project becomes an image: compile in parallel, link once, read the ELF, check it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edgeq import process
from edgeq.boards import Board
from edgeq.errors import BudgetError, InputError, ToolError
from edgeq.records import Group, Image, Project
from edgeq.toolchain import elf as elf_file
from edgeq.toolchain import gcc, tflm_words, zig
from edgeq.toolchain.compiler import Compiler
from edgeq.toolchain.instructions import check_instructions
from edgeq.toolchain.shared_objects import TRACE, asks_for_tracing
from edgeq.toolchain.tflm import TflmLibrary

TOOLCHAINS = ("zig", "gcc")

_TIMEOUT = 300.0
_NO_ROOM = re.compile(r"will not fit in region|overflowed by")
_NO_SUPPORT = re.compile(r"undefined symbol: (__|mem)")
# More than any board has, to measure what did not fit; the board's own sizes are in its linker script.
_LARGE = 0x0400_0000


def find_compiler(toolchain: str, board: Board, tflm: TflmLibrary | None = None) -> Compiler:
    """The compiler of that name for a board, and for TensorFlow Lite Micro if it is given.

    Raises:
        InputError: unknown name, or one that cannot link TensorFlow Lite Micro.
        ToolError: it is not installed.
    """
    if tflm is not None:
        check_tflm_toolchain(toolchain)
        return gcc.tflm_compiler(board, tflm)
    if toolchain == "zig":
        return zig.compiler(board)
    if toolchain == "gcc":
        return gcc.compiler(board)
    raise InputError(f"There is no toolchain {toolchain!r}.", hint=f"Known toolchains: {', '.join(TOOLCHAINS)}.")


def check_tflm_toolchain(toolchain: str) -> None:
    """Only GCC links TensorFlow Lite Micro.

    Raises:
        InputError: another compiler.
    """
    if toolchain != "gcc":
        raise InputError(
            f"The tflm engine cannot be built with {toolchain}: TensorFlow Lite Micro is C++, and {toolchain} brings "
            "no C++ library for bare metal.",
            hint="--toolchain gcc (the default with --engine tflm; Debian: apt-get install gcc-arm-none-eabi "
            "libstdc++-arm-none-eabi-newlib).",
        )


def host_toolchain() -> str:
    """The compiler for programs of this machine: "gcc" if it is installed, else "zig"."""
    return "gcc" if shutil.which("gcc") else "zig"


def compile_project(
    project: Project,
    board: Board,
    *,
    toolchain: str,
    traced: bool,
    out: Path,
    flash_limit: int | None = None,
    ram_limit: int | None = None,
    tflm: TflmLibrary | None = None,
    after_untraced: bool = False,
) -> Image:
    """Compile and link a project for a board.

    Args:
        project: the C project; its sources are compiled in its own folder, so that no path gets into the image.
        board: what it is compiled for.
        toolchain: "zig" or "gcc".
        traced: with per-layer fingerprints (EDGEQ_TRACE). Traced images are never measured.
        out: folder for objects and the image; made if missing.
        flash_limit: a budget in bytes smaller than the board's flash.
        ram_limit: a budget in bytes smaller than the board's RAM.
        tflm: what a project for the tflm engine is linked with; None for aot.
        after_untraced: the last that was compiled into `out` is the same project's image without tracing; the traced
            one shares its objects as far as they are equal.

    Raises:
        ToolError: the compiler is missing, or refused the code (its words are in the message).
        BudgetError: the image does not fit.
        InputError: unknown toolchain.
    """
    compiler = find_compiler(toolchain, board, tflm)
    name = "firmware-traced" if traced else "firmware"
    objects_folder = (out / f"{name}.obj").resolve()
    objects_folder.mkdir(parents=True, exist_ok=True)
    untraced = (out / "firmware.obj").resolve() if traced and after_untraced else None
    objects = (*_compile(compiler, project, traced, objects_folder, untraced), *_archives(compiler, objects_folder))
    elf = (out / (name if board.is_host else f"{name}.elf")).resolve()
    _link(compiler, project, board, objects, elf, flash_limit, ram_limit)
    memory = elf_file.memory_use(elf, board)
    elf_file.check_budget(memory, board, flash_limit, ram_limit)
    if not board.is_host:
        check_instructions(elf, board)
    return Image(
        elf=elf,
        toolchain=compiler.toolchain,
        memory=memory,
        traced=traced,
        sha256=hashlib.sha256(elf.read_bytes()).hexdigest(),
    )


def _compile(
    compiler: Compiler, project: Project, traced: bool, folder: Path, untraced: Path | None
) -> tuple[Path, ...]:
    root = project.root.resolve()
    include_dirs = [root / d for d in project.include_dirs]
    defines = (*project.defines, TRACE) if traced else project.defines
    jobs = [(group, source) for group in Group for source in project.sources.get(group, ())]

    def one(job: tuple[Group, str]) -> Path:
        group, source = job
        if untraced is not None and not asks_for_tracing(root / source, include_dirs):
            return untraced / object_name(source, group)
        obj = folder / object_name(source, group)
        argv = compiler.compile_argv(source, obj, project.include_dirs, defines)
        with tflm_words.explained() if source.endswith(".cc") else contextlib.nullcontext():
            process.run(
                argv,
                timeout=_TIMEOUT,
                what=f"Compiling {source} with {compiler.toolchain.name}",
                cwd=root,
                env=compiler.environment,
            )
        return obj

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return tuple(pool.map(one, jobs))


def object_name(source: str, group: Group) -> str:
    """Of a source's object file, no two alike: tflm/log.cc of the model -> tflm_log.cc.model.o. The linker script sorts
    by the group."""
    return f"{source.replace('/', '_')}.{group.value}.o"


def _archives(compiler: Compiler, folder: Path) -> tuple[Path, ...]:
    """The libraries under names by which the linker script counts them as kernels."""
    found = []
    for i, archive in enumerate(compiler.cxx.archives if compiler.cxx else ()):
        place = folder / f"library{i}.{Group.KERNELS.value}.a"
        place.unlink(missing_ok=True)
        try:
            place.symlink_to(archive)
        except OSError:  # a file system without links
            shutil.copyfile(archive, place)
        found.append(place)
    return tuple(found)


def _link(
    compiler: Compiler,
    project: Project,
    board: Board,
    objects: tuple[Path, ...],
    elf: Path,
    flash_limit: int | None,
    ram_limit: int | None,
) -> None:
    if board.is_host:
        _run_linker(compiler, objects, None, elf, project.root)
        return
    script = (project.root / project.linker_script).resolve()
    try:
        _run_linker(compiler, objects, script, elf, script.parent)
    except ToolError as exc:
        if not _NO_ROOM.search(exc.message):
            raise
        large = elf.with_suffix(".large.ld")
        large.write_text(f"edgeq_flash_length = {_LARGE};\nedgeq_ram_length = {_LARGE};\nINCLUDE {script.name}\n")
        too_big = elf.with_suffix(".too-big.elf")
        try:
            _run_linker(compiler, objects, large, too_big, script.parent)
            elf_file.check_budget(elf_file.memory_use(too_big, board), board, flash_limit, ram_limit)
        except ToolError:
            raise BudgetError(f"The image does not fit {board.name}. {exc.message}") from exc
        finally:
            large.unlink(missing_ok=True)
            too_big.unlink(missing_ok=True)
        raise BudgetError(f"The image does not fit {board.name}. {exc.message}") from exc


def _run_linker(compiler: Compiler, objects: tuple[Path, ...], script: Path | None, elf: Path, folder: Path) -> None:
    for attempt, libraries in enumerate(compiler.libraries, start=1):
        argv = compiler.link_argv(objects, script, libraries, elf)
        try:
            with tflm_words.explained() if compiler.cxx else contextlib.nullcontext():
                process.run(
                    argv,
                    timeout=_TIMEOUT,
                    what=f"Linking {elf.name} with {compiler.toolchain.name}",
                    cwd=folder,
                    env=compiler.environment,
                )
        except ToolError as exc:
            if attempt == len(compiler.libraries) or not _NO_SUPPORT.search(exc.message):
                raise
        else:
            return
