"""The C++ of the tflm engine without TensorFlow Lite Micro: on what stands in for its headers, natively under the
sanitizers and for the Cortex-M4. What TFLM itself does, tests/e2e/test_tflm_engine.py runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from exports import ZIG
from projects import make_tflm_project, small_model
from tflm_trees import STAND_INS, stand_in

from edgeq import process, resources
from edgeq.caches import zig_environment
from edgeq.link.codes import Problem, Status
from edgeq.toolchain.compiler import CXX_FLAGS

FIRMWARE = resources.firmware()
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
NATIVE = ("g++", "-std=c++17", "-O1", "-g1", "-fno-exceptions", "-fno-rtti", *WARNINGS, f"-I{FIRMWARE / 'include'}",
          "-fsanitize=address,undefined", "-fno-sanitize-recover=all")  # fmt: skip
NEEDED = 640  # bytes of arena of the stand-in's model, on a 64-bit host


def test_texts_are_those_of_snprintf(tmp_path: Path) -> None:
    """Random formats and values; widths and precisions as arguments, all lengths, no room at all, nonsense."""
    process.run([*NATIVE, STAND_INS / "tflm_text.cpp", "-o", tmp_path / "text"], timeout=200, what="compiling")
    process.run([tmp_path / "text", os.environ.get("EDGEQ_SEED", "1")], timeout=100, what="formatting")


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = stand_in(tmp_path_factory.mktemp("stand_in"))
    sources = (FIRMWARE / "tflm/engine.cc", FIRMWARE / "tflm/log.cc", STAND_INS / "tflm_start.cpp")
    argv = [*NATIVE, "-Wno-unused-parameter", "-isystem", folder, *sources, "-o", folder / "start"]
    process.run(argv, timeout=200, what="compiling the engine")
    return folder / "start"


def start(starter: Path, arena: int, misfortune: str = "") -> tuple[int, ...]:
    """Status, problem, its detail, bytes of the arena, trace points."""
    settings = {**os.environ, "ARENA": str(arena), "MISFORTUNE": misfortune}
    done = process.run([starter], timeout=30, what="starting", env=settings)
    return tuple(map(int, done.stdout.split()))


def test_an_arena_that_is_too_small_is_named_wherever_it_ends(starter: Path) -> None:
    """In no arena does anything get a null or memory in use; what is said to be the least never is too much."""
    for arena in range(16, NEEDED, 32):
        status, problem, detail, least, _ = start(starter, arena)
        assert (status, problem, detail) == (Status.FAILED, Problem.ARENA, arena)
        assert arena < least <= NEEDED
    for arena in (NEEDED, NEEDED + 16, 4096):
        assert start(starter, arena) == (Status.OK, Problem.NONE, 0, NEEDED, 2)


@pytest.mark.parametrize(
    ("misfortune", "status", "problem", "detail"),
    [
        ("refuses", Status.FAILED, Problem.PREPARE, 1),
        ("tensors", Status.FAILED, Problem.START, 2),
        ("registration", Status.FAILED, Problem.START, 1),
        ("operator", Status.FAILED, Problem.OPERATOR, 4),
        ("schema", Status.FAILED, Problem.SCHEMA, 3),
        ("layout", Status.FAILED, Problem.LIBRARY, 0),
        ("size", Status.FAILED, Problem.TENSORS, 48),
        ("fails", Status.FAILED, Problem.INVOKE, 1),
        ("stop", Status.STOPPED, Problem.NONE, 0),
    ],
)
def test_what_goes_wrong_is_named(starter: Path, misfortune: str, status: int, problem: int, detail: int) -> None:
    assert start(starter, 4096, misfortune)[:3] == (status, problem, detail)


def test_resource_variables_take_their_part_of_the_arena(starter: Path) -> None:
    status, problem, _, used, points = start(starter, 4096, "variables")
    assert (status, problem, points) == (Status.OK, Problem.NONE, 2)
    assert NEEDED < used <= NEEDED + 128
    for arena in (*range(64, used - 16, 48), used - 16):
        assert start(starter, arena, "variables")[1] == Problem.ARENA
    assert start(starter, used, "variables")[3] == used


@pytest.mark.parametrize("defines", [(), ("-DEDGEQ_TRACE", "-DTF_LITE_STRIP_ERROR_STRINGS")])
def test_everything_compiles_for_a_board(tmp_path: Path, defines: tuple[str, ...]) -> None:
    """Without a C or C++ library, for the Cortex-M4: also what is generated."""
    project = make_tflm_project(small_model(), tmp_path / "project", "small", arena_bytes=6000)
    headers = stand_in(tmp_path / "headers", freestanding=True)
    sources = [s for group in project.sources.values() for s in group if s.endswith(".cc")]
    assert {"tflm/engine.cc", "tflm/log.cc", "tflm/runtime.cc", "model/small_engine.cc"} <= set(sources)
    process.run(
        [*ZIG, "cc", "-x", "c++", "-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp", *CXX_FLAGS,
         *WARNINGS, "-Wno-unused-parameter", "-c", *defines, *(f"-I{d}" for d in project.include_dirs),
         *(f"-D{d}" for d in project.defines), "-isystem", headers, *sources],
        timeout=200, what="compiling the project", cwd=project.root, env=zig_environment(),
    )  # fmt: skip
