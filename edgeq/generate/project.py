"""Program to C project: self-contained, reproducible, to be built with plain make or committed to a repository."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.boards import Board
from edgeq.errors import DataError
from edgeq.generate import sources, staging, tflm, views
from edgeq.generate.environment import environment
from edgeq.generate.names import c_prefix
from edgeq.lower.program import Program
from edgeq.lower.trace import trace_points
from edgeq.records import Group, Project, Quantized
from edgeq.toolchain.compiler import COMMON_FLAGS
from edgeq.version import version

ENGINE_ABI = 1
# Word loads and vector loads of weights want no more.
_WEIGHTS_ALIGN = 16
_LIBRARY_GROUPS = frozenset({Group.WEIGHTS, Group.MODEL, Group.KERNELS})


def generate(
    program: Program,
    *,
    quantized: Quantized,
    board: Board,
    out: Path,
    name: str,
    golden_inputs: Sequence[NDArray[np.generic]],
    golden_outputs: Sequence[NDArray[np.generic]],
    labels: Sequence[str] = (),
    arena_tflm_bytes: int | None = None,
) -> Project:
    """Write the C project of a program. The same arguments give the same bytes.

    Args:
        program: what the aot engine runs.
        quantized: the .tflite that the program was made from.
        board: what `make firmware` builds for.
        out: the project's folder: new, empty, or an earlier project, of which only edgeq's own files are replaced.
        name: prefix of every C symbol and file; made an identifier by `names.c_prefix`.
        golden_inputs: one sample of integers per model input, of its dtype, with or without the batch dimension.
        golden_outputs: what the reference answers to it, likewise.
        labels: names of the classes; may be empty.
        arena_tflm_bytes: what TensorFlow Lite Micro's interpreter took on the host; None if it was not measured.

    Raises:
        InputError: the name has no letter or digit, or `out` holds something else, or cannot be written.
        DataError: golden values or labels that do not fit the model.
    """
    prefix = c_prefix(name)
    inputs = views.golden_arrays(golden_inputs, program.inputs)
    outputs = views.golden_arrays(golden_outputs, program.outputs)
    if labels and all(len(labels) != t.elements for t in program.outputs):
        sizes = ", ".join(str(t.elements) for t in program.outputs)
        raise DataError(f"{len(labels)} labels for outputs of {sizes} values.")
    copied = sources.copied_files(program, board)
    constants = views.constant_views(program, quantized.graph, prefix)
    calls = views.call_views(program, quantized.graph, prefix, constants)
    files = {place: file.read_bytes() for place, file in copied.items()}
    rendered = _targets(prefix)
    by_group = sources.sources_by_group([*files, *rendered], prefix)
    context = {
        "engine": "aot",
        "prefix": prefix,
        "macro": prefix.upper(),
        "version": version(),
        "sha256": program.model_sha256,
        "digest": np.frombuffer(bytes.fromhex(program.model_sha256), np.uint8),
        "engine_abi": ENGINE_ABI,
        "program": program,
        "calls": calls,
        "states": views.state_views(program, quantized.graph, constants),
        "layout": _layout(calls),
        "constants": constants,
        "weight_bytes": sum(c.data.nbytes for c in constants),
        "weights_align": _WEIGHTS_ALIGN,
        "trace_points": trace_points(program),
        "inputs": (input_views := views.value_views(program, program.inputs, "input")),
        "outputs": (output_views := views.value_views(program, program.outputs, "output")),
        "values": input_views + output_views,
        "places": views.places(calls, input_views + output_views),
        "helpers": any(v.helper for v in input_views + output_views),
        "labels": tuple(labels),
        "golden_inputs": inputs,
        "output_crc": views.output_crc(outputs),
        "tflite": np.frombuffer(quantized.content, np.uint8),
        "resolver_methods": tflm.resolver_methods(quantized.graph),
        "tflm_arena_measured": arena_tflm_bytes,
        "tflm_arena_bytes": None if arena_tflm_bytes is None else tflm.arena_estimate(arena_tflm_bytes),
        "board": board,
        "sources": tuple(by_group.items()),
        "library_groups": _LIBRARY_GROUPS,
        "include_dirs": (sources.INCLUDE, "model"),
        "common_flags": COMMON_FLAGS,
        "marker": staging.MARKER,
        **firmware_flags(board),
    }
    templates = environment("project")
    for place, template in rendered.items():
        files[place] = templates.get_template(template).render(context).encode()
    written = staging.write_files(
        out, files, facts={"edgeq": version(), "model_sha256": program.model_sha256, "name": prefix}
    )
    return Project(
        root=out,
        symbol=prefix,
        sources=by_group,
        include_dirs=(sources.INCLUDE, "model"),
        linker_script=f"board/{board.linker_script.name}" if board.linker_script else "",
        tflm_files=tuple(p for p in written if p.startswith("tflm/")),
        op_symbols=tuple(c.symbol for c in calls),
        files=written,
    )


def _targets(prefix: str) -> dict[str, str]:
    """Path in the project -> template."""
    return {
        ".gitignore": "gitignore.j2",
        "README.md": "README.md.j2",
        "Makefile": "Makefile.j2",
        "CMakeLists.txt": "CMakeLists.txt.j2",
        f"model/{prefix}.h": "model.h.j2",
        f"model/{prefix}.c": "model.c.j2",
        f"model/{prefix}_weights.h": "weights.h.j2",
        f"model/{prefix}_weights.c": "weights.c.j2",
        f"model/{prefix}_golden.c": "golden.c.j2",
        "app/app.c": "app.c.j2",
        "app/selftest.c": "selftest.c.j2",
        f"tflm/{prefix}_model_data.h": "model_data.h.j2",
        f"tflm/{prefix}_model_data.cc": "model_data.cc.j2",
        f"tflm/{prefix}_op_resolver.h": "op_resolver.h.j2",
        f"tflm/{prefix}_settings.h": "settings.h.j2",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Column widths of the table of layers."""

    number: int
    kernel: int
    shapes: int
    macs: int
    weights: int
    offsets: int


def _layout(calls: Sequence[views.CallView]) -> _Layout:
    def width(title: str, texts: Iterable[str]) -> int:
        return max(len(title), *(len(t) for t in texts), 0)

    return _Layout(
        number=width("#", [c.number for c in calls]),
        kernel=width("kernel", [c.kernel for c in calls]),
        shapes=width("shapes", [c.shapes for c in calls]),
        macs=width("MACs", [str(c.macs) for c in calls]),
        weights=width("constants", [str(c.weight_bytes) for c in calls]),
        offsets=width("arena offsets", [c.offsets for c in calls]),
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
