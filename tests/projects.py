"""C projects for tests: small models built in code, generated with outputs of a real reference interpreter."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq import process
from edgeq.boards import load_board
from edgeq.generate import generate
from edgeq.generate.tflm_project import generate_tflm
from edgeq.interpreter import choose_arena, interpreted_program, running
from edgeq.lower.lower import lower
from edgeq.lower.program import Program
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Graph
from edgeq.records import Group, Project, Quantized
from edgeq.reference import primary, run_reference

ZIG = (sys.executable, "-m", "ziglang", "cc")
GCC = ("gcc",)
# The host's compiler; zig is always there.
HOST = GCC if shutil.which("gcc") else ZIG
HOST_CPP = ("g++",) if shutil.which("g++") else (sys.executable, "-m", "ziglang", "c++")
WARNINGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow")
WARNINGS += ("-Wstrict-prototypes", "-Wmissing-prototypes")


def small_model() -> bytes:
    """A model with what the generator has to cope with: a branch, an array of inputs, reshapes, an unused op, two
    outputs, a name that no comment or string may hold as it is."""
    rng = np.random.default_rng(5)

    def weights(*shape: int) -> NDArray[np.int8]:
        return rng.integers(-127, 128, shape).astype(np.int8)

    def bias(n: int) -> NDArray[np.int32]:
        return rng.integers(-500, 500, n).astype(np.int32)

    m = ModelBuilder()
    x = m.tensor('image */ "quoted" \\ ??/ é\n', (1, 6, 6, 2), scale=1 / 255, zero_point=-128)
    w = m.tensor("w", (3, 3, 3, 2), data=weights(3, 3, 3, 2), scale=(0.01, 0.02, 0.015), axis=0)
    b = m.tensor("b", (3,), "int32", data=bias(3), scale=(0.01 / 255, 0.02 / 255, 0.015 / 255), axis=0)
    conv = m.tensor("conv/Relu;conv/BiasAdd", (1, 6, 6, 3), scale=0.05, zero_point=-128)
    m.op("CONV_2D", [x, w, b], [conv], version=3, padding="SAME", stride_w=1, stride_h=1, dilation_w_factor=1,
         dilation_h_factor=1, fused_activation_function="RELU")  # fmt: skip
    unused = m.tensor("unused", (1, 6, 6, 3), scale=1 / 256, zero_point=-128)
    m.op("LOGISTIC", [conv], [unused])
    joined = m.tensor("joined", (1, 6, 6, 6), scale=0.05, zero_point=-128)
    m.op("CONCATENATION", [conv, conv], [joined], axis=3, fused_activation_function="NONE")
    pooled = m.tensor("pooled", (1, 3, 3, 6), scale=0.05, zero_point=-128)
    m.op("MAX_POOL_2D", [joined], [pooled], padding="VALID", stride_w=2, stride_h=2, filter_width=2, filter_height=2,
         fused_activation_function="NONE")  # fmt: skip
    shape = m.tensor("shape", (2,), "int32", data=np.array([1, 54]))
    flat = m.tensor("flat", (1, 54), scale=0.05, zero_point=-128)
    m.op("RESHAPE", [pooled, shape], [flat], new_shape=(1, 54))
    fw = m.tensor("fw", (4, 54), data=weights(4, 54), scale=0.01)
    fb = m.tensor("fb", (4,), "int32", data=bias(4), scale=0.0005)
    logits = m.tensor("logits", (1, 4), scale=0.2, zero_point=3)
    m.op("FULLY_CONNECTED", [flat, fw, fb], [logits], version=4, fused_activation_function="NONE")
    probabilities = m.tensor("probabilities", (1, 4), scale=1 / 256, zero_point=-128)
    m.op("SOFTMAX", [logits], [probabilities], beta=1.0)
    return m.finish([x], [probabilities, flat])


def tiny_model(seed: int, *, depth: int = 5) -> bytes:
    """One dense layer with weights of its own."""
    rng = np.random.default_rng(seed)
    m = ModelBuilder()
    x = m.tensor("x", (1, depth), scale=0.1, zero_point=-5)
    w = m.tensor("w", (3, depth), data=rng.integers(-127, 128, (3, depth)), scale=0.02)
    y = m.tensor("y", (1, 3), scale=0.3, zero_point=1)
    m.op("FULLY_CONNECTED", [x, w, -1], [y], version=4, fused_activation_function="NONE")
    return m.finish([x], [y])


def integers(graph: Graph, n: int, seed: int = 0) -> list[NDArray[np.generic]]:
    """`n` random samples per input, (n, *shape without the batch dimension)."""
    rng = np.random.default_rng(seed)
    return [rng.integers(-128, 128, (n, *t.shape[1:])).astype(t.dtype.value) for t in graph.input_tensors]


@cache
def _answer(content: bytes) -> tuple[NDArray[np.generic], ...]:
    return run_reference(content, integers(parse_tflite(content), 1), primary()[0]).outputs


def make_project(
    content: bytes, out: Path, name: str, *, board: str = "mps2-an386", **options: Any
) -> tuple[Project, Program]:
    """The C project of a model, with the primary reference's answer to a random input as the golden one."""
    graph = parse_tflite(content)
    program = lower(graph, features=load_board(board).features)
    inputs = integers(graph, 1)
    project = generate(
        program,
        quantized=Quantized(content=content, graph=graph, method=None, float_model=None, calibration_samples=0, seed=0),
        board=load_board(board),
        out=out,
        name=name,
        golden_inputs=[x[0] for x in inputs],
        golden_outputs=[y[0] for y in _answer(content)],
        **options,
    )
    return project, program


def make_tflm_project(
    content: bytes, out: Path, name: str, *, arena_bytes: int, board: str = "mps2-an386", labels: Sequence[str] = ()
) -> Project:
    """The C++ project of a model for TensorFlow Lite Micro, with a golden input as of `make_project`."""
    graph = parse_tflite(content)
    quantized = Quantized(content=content, graph=graph, method=None, float_model=None, calibration_samples=0, seed=0)
    run = running(quantized)
    arena = choose_arena(arena_bytes, run.graph, before=None, on_host=None)
    return generate_tflm(
        interpreted_program(run, quantized, arena),
        content=run.content,
        graph=run.graph,
        board=load_board(board),
        out=out,
        name=name,
        golden_inputs=[x[0] for x in integers(graph, 1)],
        golden_outputs=[y[0] for y in _answer(content)],
        arena=arena,
        equal_model=run.equal_model,
        labels=labels,
    )


def compile_c(compiler: tuple[str, ...], root: Path, sources: list[str], out: Path, *flags: str) -> None:
    """Compile C files of a project to one program or library, warnings being errors."""
    process.run(
        [*compiler, *WARNINGS, "-O1", "-Iinclude", "-Imodel", *flags, *sources, "-o", str(out)],
        timeout=120,
        what="compiling a project",
        cwd=root,
    )


def engine_sources(project: Project) -> list[str]:
    """The C files of the model alone, without link and board."""
    groups = (Group.WEIGHTS, Group.MODEL, Group.KERNELS)
    return [*(s for g in groups for s in project.sources.get(g, ())), "link/crc32.c"]
