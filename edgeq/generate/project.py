"""Program to C project: self-contained, reproducible, to be built with plain make or committed to a repository."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeq.boards import Board
from edgeq.generate import sources, tflm, views
from edgeq.generate.names import c_prefix
from edgeq.generate.writing import Subject, model_facts, write_project
from edgeq.lower.program import Program
from edgeq.lower.trace import trace_points
from edgeq.records import Group, Project, Quantized

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
    subject = Subject(
        program=program, content=quantized.content, graph=quantized.graph, board=board, prefix=c_prefix(name)
    )
    prefix, graph = subject.prefix, quantized.graph
    known = model_facts(subject, golden_inputs=golden_inputs, golden_outputs=golden_outputs, labels=labels)
    constants = views.constant_views(program, graph, prefix)
    calls = views.call_views(program, graph, prefix, constants)
    facts = {
        **known,
        "engine": "aot",
        "program": program,
        "calls": calls,
        "states": views.state_views(program, graph, constants),
        "layout": _layout(calls),
        "constants": constants,
        "weight_bytes": sum(c.data.nbytes for c in constants),
        "weights_align": _WEIGHTS_ALIGN,
        "trace_points": trace_points(program),
        "places": views.places(calls, known["values"]),
        "helpers": any(v.helper for v in known["values"]),
        "tflm_arena_measured": arena_tflm_bytes,
        "tflm_arena_bytes": None if arena_tflm_bytes is None else tflm.arena_estimate(arena_tflm_bytes),
        "library_groups": _LIBRARY_GROUPS,
    }
    return write_project(
        subject, out, copied=sources.copied_files(program, board), templates=_targets(prefix), facts=facts,
        suffixes=(".c",), include_dirs=(sources.INCLUDE, "model"), op_symbols=[c.symbol for c in calls],
        tflm_files="tflm/",
    )  # fmt: skip


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
