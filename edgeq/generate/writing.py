"""What the projects of both engines have in common: facts that templates may state of a model, and how files become a
Project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.boards import Board
from edgeq.errors import DataError
from edgeq.generate import sources, staging, tflm, views
from edgeq.generate.environment import environment
from edgeq.lower.program import Program
from edgeq.model.graph import Graph
from edgeq.records import Group, Project
from edgeq.toolchain.compiler import COMMON_FLAGS
from edgeq.version import version

ENGINE_ABI = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A model to write a project of, for one board: `content` is the .tflite for an interpreter, `graph` the same,
    parsed; `prefix` begins every C symbol."""

    program: Program
    content: bytes
    graph: Graph
    board: Board
    prefix: str


def model_facts(
    subject: Subject,
    *,
    golden_inputs: Sequence[NDArray[np.generic]],
    golden_outputs: Sequence[NDArray[np.generic]],
    labels: Sequence[str],
) -> dict[str, Any]:
    """What every template may say about a model and its board.

    Raises:
        DataError: golden values or labels that do not fit the model.
    """
    program, prefix, board = subject.program, subject.prefix, subject.board
    inputs = views.golden_arrays(golden_inputs, program.inputs)
    outputs = views.golden_arrays(golden_outputs, program.outputs)
    if labels and all(len(labels) != t.elements for t in program.outputs):
        sizes = ", ".join(str(t.elements) for t in program.outputs)
        raise DataError(f"{len(labels)} labels for outputs of {sizes} values.")
    input_views = views.value_views(program, program.inputs, "input")
    output_views = views.value_views(program, program.outputs, "output")
    return {
        "prefix": prefix,
        "macro": prefix.upper(),
        "version": version(),
        "sha256": program.model_sha256,
        "digest": np.frombuffer(bytes.fromhex(program.model_sha256), np.uint8),
        "engine_abi": ENGINE_ABI,
        "inputs": input_views,
        "outputs": output_views,
        "values": input_views + output_views,
        "labels": tuple(labels),
        "golden_inputs": inputs,
        "output_crc": views.output_crc(outputs),
        "tflite": np.frombuffer(subject.content, np.uint8),
        "resolver_methods": tflm.resolver_methods(subject.graph),
        "board": board,
        "common_flags": COMMON_FLAGS,
        "marker": staging.MARKER,
        **firmware_flags(board),
    }


def write_project(
    subject: Subject,
    out: Path,
    *,
    copied: Mapping[str, Path],
    templates: Mapping[str, str],
    facts: Mapping[str, Any],
    suffixes: tuple[str, ...],
    include_dirs: tuple[str, ...],
    op_symbols: Iterable[str],
    tflm_files: str,
    defines: tuple[str, ...] = (),
) -> Project:
    """Write a project's files. The same arguments give the same bytes.

    Args:
        subject: of the project.
        out: the project's folder: new, empty, or an earlier project, of which only edgeq's own files are replaced.
        copied: path in the project -> file that is copied there as it is.
        templates: path in the project -> template below templates/project/.
        facts: what the templates may state beside the project's own.
        suffixes: of the files to compile.
        include_dirs: for the compiler, relative to the project.
        op_symbols: the functions that run the operators, in order.
        tflm_files: begins the paths of what an interpreter is given.
        defines: for the preprocessor.

    Raises:
        InputError: `out` holds something else, or cannot be written.
    """
    prefix, script = subject.prefix, subject.board.linker_script
    files = {place: file.read_bytes() for place, file in copied.items()}
    by_group: dict[Group, tuple[str, ...]] = sources.sources_by_group([*files, *templates], prefix, suffixes=suffixes)
    context = {**facts, "sources": tuple(by_group.items()), "include_dirs": include_dirs, "defines": defines}
    made = environment("project")
    files |= {place: made.get_template(template).render(context).encode() for place, template in templates.items()}
    known = {"edgeq": version(), "model_sha256": subject.program.model_sha256, "name": prefix}
    written = staging.write_files(out, files, facts=known)
    return Project(
        root=out,
        symbol=prefix,
        sources=by_group,
        include_dirs=include_dirs,
        linker_script=f"board/{script.name}" if script else "",
        tflm_files=tuple(p for p in written if p.startswith(tflm_files)),
        op_symbols=tuple(op_symbols),
        files=written,
        defines=defines,
    )


def firmware_flags(board: Board) -> dict[str, Any]:
    """How the Makefile compiles and links the firmware with GCC."""
    if board.is_host:
        return {
            "cross": "", "firmware_suffix": "", "firmware_flags": board.gcc_flags, "linker_script": "",
            "firmware_link": ("-Wl,--gc-sections",), "firmware_libraries": (),
        }  # fmt: skip
    script = board.linker_script.name if board.linker_script else ""
    return {
        "cross": "arm-none-eabi-",
        "firmware_suffix": ".elf",
        "firmware_flags": (*board.gcc_flags, "-ffreestanding"),
        "linker_script": f"board/{script}",
        "firmware_link": (
            "-nostdlib", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments",
            "-Lboard", "-T", script,
        ),
        "firmware_libraries": ("-lgcc",),
    }  # fmt: skip
