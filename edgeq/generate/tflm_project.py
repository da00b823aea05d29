"""The C++ project of a model that TensorFlow Lite Micro runs on a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeq.boards import Board
from edgeq.generate import sources, tflm
from edgeq.generate.environment import environment
from edgeq.generate.names import c_prefix, op_number, op_symbol
from edgeq.generate.writing import Subject, model_facts, write_project
from edgeq.lower.interpreted import file_ops
from edgeq.lower.program import Program
from edgeq.lower.trace import trace_points
from edgeq.model.graph import Graph
from edgeq.model.naming import op_label
from edgeq.records import Project
from edgeq.toolchain.compiler import CXX_FLAGS
from edgeq.toolchain.gcc import TFLM_LIBRARIES, TFLM_LINK_FLAGS
from edgeq.version import version

# The interpreter's and CMSIS-NN's own functions take up to 1.5 KB of stack.
STACK_BYTES = 8192
_DEFINES = (f"EDGEQ_STACK_BYTES={STACK_BYTES}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """The interpreter's arena: its size, and in words where the figure is from."""

    nbytes: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpView:
    """An operator: `symbol` is the function that runs it."""

    symbol: str
    number: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointView:
    """A trace point: output `output` of operator `op`."""

    op: int
    output: int
    name: str


def generate_tflm(
    program: Program,
    *,
    content: bytes,
    graph: Graph,
    board: Board,
    out: Path,
    name: str,
    golden_inputs: Sequence[NDArray[np.generic]],
    golden_outputs: Sequence[NDArray[np.generic]],
    arena: Arena,
    equal_model: str | None,
    labels: Sequence[str] = (),
) -> Project:
    """Write the C++ project of a model. The same arguments give the same bytes.

    Args:
        program: of `edgeq.lower.interpreted.interpreted`.
        content: the .tflite that the device runs.
        graph: the same, parsed.
        board: what `make firmware` builds for.
        out: the project's folder, as of `edgeq.generate.generate`.
        name: prefix of every C symbol and file; made an identifier by `names.c_prefix`.
        golden_inputs: one sample of integers per model input, of its dtype, with or without the batch dimension.
        golden_outputs: what the reference answers to it, likewise.
        arena: of the interpreter.
        equal_model: why `content` is not the user's model but an equal one; None if it is.
        labels: names of the classes; may be empty.

    Raises:
        InputError: the name has no letter or digit, or `out` holds something else, or cannot be written.
        DataError: golden values or labels that do not fit the model.
    """
    subject = Subject(program=program, content=content, graph=graph, board=board, prefix=c_prefix(name))
    ops = op_views(graph, subject.prefix)
    facts = {
        **model_facts(subject, golden_inputs=golden_inputs, golden_outputs=golden_outputs, labels=labels),
        "engine": "tflm",
        "equal_model": equal_model,
        "ops": ops,
        "points": point_views(program, graph),
        "variables": variable_count(graph),
        "tflm_arena_bytes": arena.nbytes,
        "tflm_arena_words": arena.words,
        "tflm_arena_measured": None,
        "cxx_flags": CXX_FLAGS,
        "link_flags": TFLM_LINK_FLAGS,
        "link_libraries": TFLM_LIBRARIES,
    }
    return write_project(
        subject, out, copied=sources.interpreter_files(board), templates=_targets(subject.prefix), facts=facts,
        suffixes=(".c", ".cc"), include_dirs=(sources.INCLUDE, "model", "tflm"), op_symbols=[op.symbol for op in ops],
        tflm_files=f"tflm/{subject.prefix}_", defines=_DEFINES,
    )  # fmt: skip


def model_files(prefix: str, *, content: bytes, graph: Graph, sha256: str) -> dict[str, str]:
    """What the interpreter is given: path in the project -> text of the array and of the op resolver.

    Args:
        prefix: of the C names.
        content: the .tflite that the interpreter runs.
        graph: the same, parsed.
        sha256: of the user's .tflite, to which that one is equal.
    """
    context = {
        "prefix": prefix,
        "macro": prefix.upper(),
        "version": version(),
        "sha256": sha256,
        "tflite": np.frombuffer(content, np.uint8),
        "resolver_methods": tflm.resolver_methods(graph),
    }
    made = environment("project")
    return {place: made.get_template(template).render(context) for place, template in _model_targets(prefix).items()}


def variable_count(graph: Graph) -> int:
    """As many resource variables as the interpreter must have room for, or more."""
    return sum(op.name == "VAR_HANDLE" for op in graph.ops)


def op_views(graph: Graph, prefix: str) -> tuple[OpView, ...]:
    """The operators in the order in which the interpreter runs them."""
    ops = file_ops(graph)
    count = len(ops)
    return tuple(
        OpView(
            symbol=op_symbol(prefix, i, count, op.name.lower()), number=op_number(i, count), title=op_label(graph, op)
        )
        for i, op in enumerate(ops)
    )


def point_views(program: Program, graph: Graph) -> tuple[PointView, ...]:
    """The program's trace points, as the device looks for them."""
    ops = file_ops(graph)
    return tuple(
        PointView(
            op=point.call,
            output=ops[point.call].outputs.index(point.tensor),
            name=graph.tensors[point.tensor].name,
        )
        for point in trace_points(program)
    )


def _targets(prefix: str) -> dict[str, str]:
    """Path in the project -> template."""
    return {
        ".gitignore": "gitignore.j2",
        "README.md": "tflm/README.md.j2",
        "Makefile": "tflm/Makefile.j2",
        f"model/{prefix}.h": "tflm/model.h.j2",
        f"model/{prefix}_engine.cc": "tflm/engine.cc.j2",
        f"model/{prefix}_golden.c": "golden.c.j2",
        "app/app.c": "tflm/app.c.j2",
        **_model_targets(prefix),
        f"tflm/{prefix}_settings.h": "settings.h.j2",
    }


def _model_targets(prefix: str) -> dict[str, str]:
    return {
        f"tflm/{prefix}_model_data.h": "model_data.h.j2",
        f"tflm/{prefix}_model_data.cc": "model_data.cc.j2",
        f"tflm/{prefix}_op_resolver.h": "op_resolver.h.j2",
    }
