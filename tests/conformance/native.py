"""Generated models, compiled for this host with the sanitizers on, many to a program."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeq import process, resources
from edgeq.boards import load_board
from edgeq.generate import generate
from edgeq.lower.dsp.candidate import Candidate
from edgeq.lower.lower import lower
from edgeq.lower.names import Pass
from edgeq.lower.program import Placement, Program
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import DType, Graph
from edgeq.records import Quantized

Arrays = tuple[NDArray[np.generic], ...]

_HERE = Path(__file__).resolve().parent
_WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow")
_SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
FLAGS = ("-std=c99", "-O1", "-g1", "-DEDGEQ_NO_SELFTEST", *_WARNINGS, *_SANITIZERS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A .tflite to compile. `misalign` moves its int8 buffers off their alignment by 1 to 3 bytes; 0 does not.
    `features` and `pick` (as `nth_candidates`) take the place of the batch's, if given; `passes` are `lower`'s."""

    name: str
    content: bytes
    misalign: int = 0
    features: frozenset[str] | None = None
    pick: int | None = None
    passes: Sequence[Pass] | None = None


class Batch:
    """Models compiled into one program. `programs` has what the engine made of each."""

    def __init__(
        self,
        models: Sequence[Model],
        folder: Path,
        features: frozenset[str] = frozenset(),
        *,
        pick: bool = False,
    ) -> None:
        """Generate and compile; with the kernels for cores with these features, whose instructions run in C.

        With `pick`, the models take each of a call's candidates in turn, not the best one.

        Raises:
            UnsupportedError: a model that the engine refuses.
            ToolError: gcc is missing, or the code does not compile.
        """
        self.programs: list[Program] = []
        self._graphs: list[Graph] = []
        self._folder = folder
        includes, table, kernels = [], [], set()
        include_dirs: list[Path] = []
        board = load_board("native")
        for i, model in enumerate(models):
            graph = parse_tflite(model.content)
            nth = i if model.pick is None else model.pick
            with nth_candidates(nth) if pick or model.pick is not None else nullcontext():
                core = features if model.features is None else model.features
                program = lower(graph, features=core, passes=model.passes)
            if model.misalign:
                program = misaligned(program, graph, model.misalign)
            project = generate(
                program,
                quantized=Quantized(
                    content=model.content, graph=graph, method=None, float_model=None, calibration_samples=0, seed=0
                ),
                board=board,
                out=folder / f"m{i}",
                name=f"m{i}",
                golden_inputs=_zeros(graph, graph.inputs),
                golden_outputs=_zeros(graph, graph.outputs),
            )
            self._graphs.append(graph)
            self.programs.append(program)
            includes += [f'#include "m{i}/model/m{i}.c"', f'#include "m{i}/model/m{i}_weights.c"']
            table.append(f"    &m{i}_model,")
            kernels |= {name for call in program.calls for name in call.sources}
            include_dirs.append(project.root / "model")
        count = f"static const uint32_t model_count = {len(models)};"
        lines = [*includes, "static const edgeq_model *const models[] = {", *table, "};", count, ""]
        (folder / "batch.h").write_text("\n".join(lines))
        self._program = folder / "runner"
        firmware = resources.firmware()
        shared = [*(firmware / "kernels" / name for name in sorted(kernels)), firmware / "model" / "affine.c"]
        self._compile([_HERE / "runner.c", *shared], [firmware / "include", *include_dirs])

    def _compile(self, sources: Iterable[Path], include_dirs: Iterable[Path]) -> None:
        gcc = process.find_tool("gcc", hint="Install gcc.")
        includes = [f"-I{d}" for d in (self._folder, *include_dirs)]
        process.run(
            [gcc, *FLAGS, *includes, *sources, "-o", self._program], timeout=300, what="compiling the generated models"
        )

    def run(self, runs: Sequence[tuple[int, Sequence[NDArray[np.generic]]]]) -> list[Arrays]:
        """Outputs of (model index, one array of samples per input) runs, each (samples, *shape).

        Raises:
            ToolError: a sanitizer stopped the program; the message holds its report.
        """
        request = bytearray()
        for index, inputs in runs:
            samples = len(inputs[0])
            request += struct.pack("<II", index, samples)
            for sample in range(samples):
                for tensor, values in zip(self._graphs[index].input_tensors, inputs, strict=True):
                    request += np.ascontiguousarray(values[sample], tensor.dtype.value).tobytes()
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
        answer = process.run(
            [self._program], timeout=300, what="running the generated models", stdin=bytes(request), env=environment
        ).stdout
        found, at = [], 0
        for index, inputs in runs:
            tensors = self._graphs[index].output_tensors
            outputs: list[list[NDArray[np.generic]]] = [[] for _ in tensors]
            for _ in range(len(inputs[0])):
                for values, tensor in zip(outputs, tensors, strict=True):
                    flat = np.frombuffer(answer, tensor.dtype.value, tensor.elements, at)
                    values.append(flat.reshape(tensor.shape))
                    at += tensor.nbytes
            found.append(tuple(np.stack(values) for values in outputs))
        assert at == len(answer)
        return found


@contextmanager
def nth_candidates(n: int) -> Iterator[None]:
    """Lowering takes candidate n of the first call, n + 1 of the second…, modulo how many there are."""

    def choose(candidates: Sequence[Sequence[Candidate]], *_: object, **__: object) -> list[Candidate]:
        return [options[(n + i) % len(options)] for i, options in enumerate(candidates)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgeq.lower.lower.choose", choose)
        yield


def misaligned(program: Program, graph: Graph, shift: int) -> Program:
    """The same program with its int8 buffers 1 to 3 bytes off their alignment.

    Each buffer gets bytes of its own, so that kernels cannot rely on how the planner lays buffers out; values that
    share one (aliases) still do.
    """
    moved: dict[tuple[int, int, int], int] = {}
    placements: dict[int, Placement] = {}
    end = 0
    for index, place in program.placements.items():
        key = (place.offset, place.first, place.last)
        if key not in moved:
            start = -(-end // 16) * 16
            start += (shift + len(moved)) % 3 + 1 if graph.tensors[index].dtype is DType.INT8 else 0
            moved[key] = start
            end = start + place.nbytes
        placements[index] = replace(place, offset=moved[key])
    scratch: dict[int, Placement] = {}
    for call, place in program.scratch.items():
        start = -(-end // 16) * 16
        scratch[call] = replace(place, offset=start)
        end = start + place.nbytes
    return replace(program, placements=placements, scratch=scratch, arena_bytes=end)


def _zeros(graph: Graph, indices: Sequence[int]) -> list[NDArray[np.generic]]:
    return [np.zeros(graph.tensors[i].shape, graph.tensors[i].dtype.value) for i in indices]
