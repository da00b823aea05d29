"""Random models of one op on emulated cores: many in one image, with the kernels and instructions of that core."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conformance import stateful
from conformance.cases import FAMILIES, Case, make_case
from conformance.merged import merged
from conformance.native import Arrays, misaligned, nth_candidates
from conformance.rounding import rounding
from conformance.settings import SEED

from edgeq import resources
from edgeq.boards import Board, load_board
from edgeq.devices.base import Device
from edgeq.devices.emulated import EmulatedDevice
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
# Cases of each family in one image.
_MVE = {
    "conv_2d": 30, "depthwise_conv_2d": 20, "fully_connected": 15, "add": 15, "sub": 5, "average_pool_2d": 8,
    "max_pool_2d": 8,
}  # fmt: skip
_EVERY = dict.fromkeys((family for family in FAMILIES if family not in stateful.FAMILIES), 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cases:
    """Cases, and what TFLM answers to the first samples of each."""

    cases: tuple[Case, ...]
    answers: tuple[Arrays, ...]


def _drawn(tflm: ReferenceWorker, counts: dict[str, int], ties: Sequence[str] = ()) -> Cases:
    """So many cases of each family, and, with each of the activations `ties`, one whose results are often ties."""
    cases = [rounding(i, seed=SEED, activation=activation) for i, activation in enumerate(ties)]
    answers = [tflm.run(case.content, case.inputs) for case in cases]
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
    with Session.connect(device.url, timeout=60, failure=device.failure) as session:
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
    drawn = _drawn(tflm, _MVE, ties=("NONE", "RELU"))
    program, image = _image(drawn, board, toolchain, tmp_path)
    taken = sum(call.variant.startswith("mve") for call in program.calls)
    assert taken > len(drawn.cases) / 3, f"{taken} of {len(drawn.cases)} calls got a kernel for the vector extension"
    with QemuDevice(image.elf, board) as device:
        _check(drawn, device)


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
def test_every_family(core: str, tflm: ReferenceWorker, tmp_path: Path) -> None:
    board = load_board("mps2-an386") if core == "cortex-m4" else _cortex_m0(tmp_path / "board")
    assert board.core == core
    drawn = _drawn(tflm, _EVERY)
    _, image = _image(drawn, board, "zig", tmp_path)
    with EmulatedDevice(image.elf, board, symbol=_NAME) as device:
        _check(drawn, device)


def _cortex_m0(folder: Path) -> Board:
    """The Cortex-M3's board with the smallest core in its place: no unaligned access, no 32-bit instructions."""
    shutil.copytree(resources.firmware() / "boards" / "mps2-an385", folder)
    text = (folder / "board.toml").read_text()
    for old, new in (("cortex-m3", "cortex-m0"), ("CORTEX_M3", "CORTEX_M0"), ("cortex_m3", "cortex_m0")):
        assert old in text
        text = text.replace(old, new)
    (folder / "board.toml").write_text(text)
    return load_board(str(folder))
