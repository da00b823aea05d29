"""Random models of one op on emulated cores: many in one image, with the kernels and instructions of that core."""

from __future__ import annotations

import itertools
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conformance.cases import Case, make_case
from conformance.merged import merged
from conformance.native import Arrays, misaligned, nth_candidates
from conformance.settings import SEED

from edgeq.boards import Board, load_board
from edgeq.devices.base import Device
from edgeq.devices.qemu import PROGRAM, QemuDevice
from edgeq.errors import InterpreterError
from edgeq.generate import generate
from edgeq.link.session import Session
from edgeq.lower.lower import lower
from edgeq.lower.program import Program
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import Image, Quantized
from edgeq.reference import ReferenceWorker
from edgeq.toolchain.compile import compile_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_NAME = "many"
_SAMPLES = 4
# Cases of each family in one image: those with kernels of their own, and the others.
_MVE = {
    "conv_2d": 30, "depthwise_conv_2d": 20, "fully_connected": 15, "add": 15, "sub": 5, "average_pool_2d": 8,
    "max_pool_2d": 8,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cases:
    """Cases, and what TFLM answers to the first samples of each."""

    cases: tuple[Case, ...]
    answers: tuple[Arrays, ...]


def _drawn(tflm: ReferenceWorker, counts: dict[str, int]) -> Cases:
    cases: list[Case] = []
    answers: list[Arrays] = []
    for family, count in counts.items():
        end = len(cases) + count
        for index in itertools.count():
            if len(cases) == end:
                break
            case = make_case(family, index, seed=SEED)
            with suppress(InterpreterError):  # one that TFLM refuses
                answers.append(tflm.run(case.content, [x[:_SAMPLES] for x in case.inputs]))
                cases.append(case)
    return Cases(cases=tuple(cases), answers=tuple(answers))


def _image(drawn: Cases, board: Board, toolchain: str, folder: Path) -> tuple[Program, Image]:
    """All cases as one program, each call with another of its candidates, int8 buffers off their alignment."""
    content = merged([case.content for case in drawn.cases])
    graph = parse_tflite(content)
    with nth_candidates(SEED):
        program = misaligned(lower(graph, features=board.features), graph, 1)
    project = generate(
        program,
        quantized=Quantized(content=content, graph=graph, method=None, float_model=None, calibration_samples=0, seed=0),
        board=board,
        out=folder / "project",
        name=_NAME,
        golden_inputs=[np.zeros(t.shape, t.dtype.value) for t in graph.input_tensors],
        golden_outputs=[np.zeros(t.shape, t.dtype.value) for t in graph.output_tensors],
    )
    return program, compile_project(project, board, toolchain=toolchain, traced=False, out=folder / "out")


def _check(drawn: Cases, device: Device) -> None:
    failures: list[str] = []
    with Session.connect(device.url, failure=device.failure) as session:
        for sample in range(_SAMPLES):
            inputs = [x[sample % len(x)].tobytes() for case in drawn.cases for x in case.inputs]
            found = iter(session.run(inputs).outputs)
            for case, answers in zip(drawn.cases, drawn.answers, strict=True):
                for theirs in answers:
                    expected = theirs[sample % len(theirs)].reshape(-1)
                    wrong = np.frombuffer(next(found), expected.dtype) != expected
                    if wrong.any():
                        failures.append(f"{case.name}, sample {sample}: {wrong.sum()} of {wrong.size} values wrong")
    assert not failures, f"{len(failures)} failures; the first ones:\n" + "\n".join(failures[:10])


@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"{PROGRAM} is not installed")
@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_cortex_m55(toolchain: str, tflm: ReferenceWorker, tmp_path: Path) -> None:
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    board = load_board("mps3-an547")
    drawn = _drawn(tflm, _MVE)
    program, image = _image(drawn, board, toolchain, tmp_path)
    taken = sum(call.variant.startswith("mve") for call in program.calls)
    assert taken > len(drawn.cases) / 3, f"{taken} of {len(drawn.cases)} calls got a kernel for the vector extension"
    with QemuDevice(image.elf, board) as device:
        _check(drawn, device)
