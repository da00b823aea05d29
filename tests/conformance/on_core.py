"""Programs on a Cortex-M4, in the built-in emulator: the instructions themselves, under either compiler."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeq.boards import load_board
from edgeq.devices.emulated import EmulatedDevice
from edgeq.generate import generate
from edgeq.link.session import Session
from edgeq.lower.program import Program
from edgeq.model.graph import Graph
from edgeq.records import Quantized
from edgeq.toolchain.compile import compile_project

BOARD = load_board("mps2-an386")


def differing(
    program: Program,
    graph: Graph,
    content: bytes,
    inputs: Sequence[NDArray[np.generic]],
    reference: Sequence[NDArray[np.generic]],
    *,
    toolchain: str,
    folder: Path,
) -> list[int]:
    """How many int8 values of each output of a model differ from the reference's, over all samples.

    Args:
        program: what `lower` made of the model for BOARD's features.
        graph: the model.
        content: its .tflite.
        inputs: for each input, its samples.
        reference: for each output, its values for these.
        toolchain: "zig" or "gcc"; the test is skipped where there is no gcc.
        folder: for the project and the image.
    """
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    project = generate(
        program,
        quantized=Quantized(content=content, graph=graph, method=None, float_model=None, calibration_samples=0, seed=0),
        board=BOARD,
        out=folder / "project",
        name="core",
        golden_inputs=[x[0] for x in inputs],
        golden_outputs=[values[0] for values in reference],
    )
    image = compile_project(project, BOARD, toolchain=toolchain, traced=False, out=folder / "out")
    differ = [0] * len(reference)
    with (
        EmulatedDevice(image.elf, BOARD, symbol="core") as device,
        Session.connect(device.url, failure=device.failure) as session,
    ):
        for i in range(len(inputs[0])):
            outputs = session.run([x[i].tobytes() for x in inputs]).outputs
            for j, (ours, theirs) in enumerate(zip(outputs, reference, strict=True)):
                differ[j] += int((np.frombuffer(ours, np.int8) != theirs[i].reshape(-1)).sum())
    return differ
