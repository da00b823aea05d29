"""The tflm engine's part of a build: what TensorFlow Lite Micro runs, with which arena, and what it would get wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq.boards import Board
from edgeq.devices.names import NATIVE
from edgeq.errors import InputError, UnsupportedError
from edgeq.generate.manifest import Json
from edgeq.generate.tflm import arena_estimate, resolver_methods
from edgeq.generate.tflm_project import Arena
from edgeq.lower.exceptions import KnownException, known_exceptions
from edgeq.lower.interpreted import interpreted, least_arena
from edgeq.lower.program import Program
from edgeq.model.flatbuffer import SCHEMA_VERSION, parse_tflite
from edgeq.model.graph import Graph
from edgeq.model.naming import op_place
from edgeq.options import TFLM_ROOT_VARIABLE, BuildOptions
from edgeq.records import Quantized
from edgeq.reference.rewrite import corrected_for_tflm
from edgeq.toolchain.tflm import TflmLibrary, check_model, find_library

_ALIGN = 16
_LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
_REWRITTEN = "relu6"  # the exception that `corrected_for_tflm` knows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Running:
    """What the interpreter runs: `content`, parsed in `graph`. `equal_model` says why it is not the user's .tflite but
    an equal one; None if it is."""

    content: bytes
    graph: Graph
    equal_model: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TflmPart:
    """What a build with the tflm engine has beside others: the library's title, and its archive's digest."""

    library: str
    library_sha256: str
    arena: Arena
    running: Running


def find_tflm(options: BuildOptions, board: Board) -> TflmLibrary:
    """The user's TensorFlow Lite Micro, from `--tflm-root` or the environment.

    Raises:
        InputError: none was named, it cannot be used, or a device cannot run it.
    """
    root = options.tflm_root or (Path(named) if (named := os.environ.get(TFLM_ROOT_VARIABLE)) else None)
    if root is None:
        raise InputError(
            "--engine tflm links your own TensorFlow Lite Micro, and none was named.",
            hint=f"--tflm-root DIR, or {TFLM_ROOT_VARIABLE} in the environment: a source tree of tflite-micro in which "
            "its library was built, or a folder with include/ and lib/.",
        )
    if NATIVE in options.devices:
        raise InputError(
            "--device native cannot run the tflm engine: its library is for the board.",
            hint="--device emulated or qemu; tflm-host is the interpreter on this computer.",
        )
    return find_library(root, board)


def running(quantized: Quantized) -> Running:
    """What the interpreter is given, so that its outputs are those of the model.

    Raises:
        UnsupportedError: TensorFlow Lite Micro computes an op wrongly or crashes on it, and no equal model is known.
    """
    graph = quantized.graph
    wrong = [found for found in known_exceptions(graph) if found.always and found.rule != _REWRITTEN]
    if wrong:
        ops = {op.index: op for op in graph.ops}
        lines = "\n".join(f"  {op_place(graph, ops[e.op])}: {e.reason} [{e.rule}]" for e in wrong)
        raise UnsupportedError(
            f"TensorFlow Lite Micro does not compute this model as it says:\n{lines}",
            hint="Use the aot engine, which computes it right. docs/exceptions.md has each case.",
        )
    content = corrected_for_tflm(quantized.content, graph)
    if content is quantized.content:
        return Running(content=content, graph=graph, equal_model=None)
    words = (
        "TensorFlow Lite Micro's RELU6 ignores its output's scale, so that RELU and MINIMUM, which it computes right, "
        "stand in its place."
    )
    return Running(content=content, graph=parse_tflite(content), equal_model=words)


def unusual_inputs(graph: Graph) -> tuple[KnownException, ...]:
    """Ops that TensorFlow Lite Micro gets wrong on unusual inputs alone."""
    return tuple(found for found in known_exceptions(graph) if not found.always)


def kernel_notes(library: TflmLibrary, graph: Graph) -> tuple[str, ...]:
    """What kernels of this library are known to do otherwise than TensorFlow Lite Micro's own, which the host runs."""
    if not library.cmsis_nn_lstm or all(op.name != _LSTM for op in graph.ops):
        return ()
    return (
        f"This library runs {_LSTM} with CMSIS-NN's kernel, which TensorFlow Lite Micro lets begin with a state of "
        "zeros in each inference. Its own kernel goes on with the state of the last one: from the second sample on the "
        "device differs from the host. A library without CMSIS-NN goes on, as does the aot engine",
    )


def check_tflm(library: TflmLibrary, graph: Graph) -> None:
    """Refuse a model that the library cannot run.

    Raises:
        InputError: as `edgeq.toolchain.tflm.check_model`.
    """
    check_model(library, methods=resolver_methods(graph), schema_version=SCHEMA_VERSION)


def choose_arena(given: int | None, graph: Graph, *, before: int | None, on_host: int | None) -> Arena:
    """The arena's size.

    Args:
        given: by the user.
        graph: what the interpreter runs.
        before: bytes that the device used in an earlier build of the same model with the same library; None: unknown.
        on_host: what the interpreter took on this computer; None where it cannot run.

    Raises:
        InputError: the user's is too small for any plan, or there is nothing to estimate it from.
    """
    if given is not None:
        least = least_arena(graph)
        if given < least:
            raise InputError(
                f"--arena {given}: one operator of this model alone reads and writes {least:,} bytes.",
                hint="Leave it out for an estimate; the report then says what the device used.",
            )
        return Arena(nbytes=_aligned(given), words="As --arena said.")
    if before is not None:
        return Arena(
            nbytes=_aligned(before), words=f"As an earlier build's device reported it: {before:,} bytes are used."
        )
    if on_host is None:
        raise InputError(
            "There is no interpreter on this computer to estimate the arena of the tflm engine with.",
            hint="Give its size: --arena 64K. The report then says how much of it is used.",
        )
    return Arena(
        nbytes=arena_estimate(on_host),
        words=f"An estimate: {on_host:,} bytes measured on a 64-bit host, and a margin.",
    )


def interpreted_program(run: Running, quantized: Quantized, arena: Arena) -> Program:
    """What the interpreter does, as a program."""
    return interpreted(
        run.graph, arena_bytes=arena.nbytes, known_tensors=len(quantized.graph.tensors), sha256=quantized.graph.sha256
    )


def _aligned(nbytes: int) -> int:
    return -(-nbytes // _ALIGN) * _ALIGN


def tflm_facts(part: TflmPart | None) -> Json:
    """What a build's manifest keeps of it."""
    if part is None:
        return None
    arena: Json = {"bytes": part.arena.nbytes, "words": part.arena.words}
    return {"library": part.library, "library_sha256": part.library_sha256, "arena": arena}


def restored_part(facts: Mapping[str, Any], quantized: Quantized) -> TflmPart:
    """The part of a build again.

    Args:
        facts: of `tflm_facts`.
        quantized: the build's model.
    """
    return TflmPart(
        library=facts["library"],
        library_sha256=facts["library_sha256"],
        arena=Arena(nbytes=facts["arena"]["bytes"], words=facts["arena"]["words"]),
        running=running(quantized),
    )
