"""The C firmware of the link compiled for this machine around tests/link/model.c, and that model in Python."""

from __future__ import annotations

import shutil
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from edgeq import process, resources
from edgeq.devices.host_model import Inferred
from edgeq.generate.sources import LINK_SOURCES
from edgeq.link.about import TensorInfo
from edgeq.link.codes import HelloFlag, Status

HERE = Path(__file__).parent
SHA256 = bytes([*range(0xE0, 0xF0), *range(1, 16), 0]).hex()
CONTEXT_BYTES = 10
DRIVER_INPUT_BYTES = 8
NATIVE_INPUT_BYTES = 3000


def compile_firmware(out: Path, *, board: Path, main: bool, input_bytes: int, defines: tuple[str, ...] = ()) -> Path:
    """Compile with warnings as errors, AddressSanitizer and UBSan (gcc; without it, zig and UBSan alone)."""
    options = (*defines, f"MODEL_INPUT_BYTES={input_bytes}")
    sources = [source for source in _sources() if main or source.name != "main.c"]
    _compile([*sources, board, HERE / "model.c"], out, options)
    return out


def compile_fuzzer(folder: Path) -> Path:
    """tests/link/fuzz.c in `folder`, with the firmware's code telling which of it runs (gcc only)."""
    options = (
        "EDGEQ_TRACE",
        "EDGEQ_STACK_BYTES=0",
        "EDGEQ_LINK_PAYLOAD=256",
        f"MODEL_INPUT_BYTES={DRIVER_INPUT_BYTES}",
    )
    objects = []
    for source in (*_sources(), HERE / "fuzz.c", HERE / "model.c"):
        if source.name == "main.c":
            continue
        told = () if source.parent == HERE or not shutil.which("gcc") else ("-fsanitize-coverage=trace-pc",)
        objects.append(folder / f"{source.stem}.o")
        _compile([source], objects[-1], options, "-c", *told)
    _compile(objects, folder / "fuzz", ())
    return folder / "fuzz"


def _sources() -> list[Path]:
    return [resources.firmware() / "src" / name for name in LINK_SOURCES]


def _compile(files: list[Path], out: Path, defines: tuple[str, ...], *extra: str) -> None:
    gcc = shutil.which("gcc")
    compiler = [gcc, "-fsanitize=address,undefined"] if gcc else [sys.executable, "-m", "ziglang", "cc"]
    flags = ["-std=c99", "-O1", "-g", "-fno-sanitize-recover=all"]
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow", "-Wstrict-prototypes"]
    options = [f"-D{name}" for name in defines]
    include = f"-I{resources.firmware() / 'include'}"
    argv = [*compiler, *flags, *warnings, *options, *extra, include, "-o", out, *files]
    process.run(argv, timeout=120, what="compiling the link's firmware")


class PythonModel:
    """What tests/link/model.c computes. `runs` counts inferences that went to their end."""

    name = "hand-made"
    engine = "test"
    board = "test"
    flags = HelloFlag.TRACED
    clock_hz = ticks_hz = 0
    about: ClassVar[Mapping[str, str]] = {}
    sha256 = SHA256
    op_count = 3
    trace_point_count = 3

    def __init__(self, input_bytes: int) -> None:
        self.runs = 0
        self.seen: list[bytes] = []
        image = TensorInfo(
            output=False, index=0, name="image", dtype="int8", shape=(1, input_bytes), nbytes=input_bytes, scale=0.5,
            zero_point=-3,
        )  # fmt: skip
        context = TensorInfo(
            output=False, index=1, name="context", dtype="int16", shape=(1, 5), nbytes=CONTEXT_BYTES, scale=0.25,
            zero_point=0,
        )  # fmt: skip
        sums = TensorInfo(
            output=True, index=0, name="sums", dtype="int32", shape=(1, 4), nbytes=16, scale=0.125, zero_point=7
        )
        echo = TensorInfo(
            output=True, index=1, name="echo", dtype="int8", shape=(1, input_bytes), nbytes=input_bytes, scale=0.5,
            zero_point=-3,
        )  # fmt: skip
        self.inputs = (image, context)
        self.outputs = (sums, echo)
        self.arena_bytes = 2 * input_bytes

    def invoke(self, inputs: Sequence[bytes], repeat: int = 1) -> Inferred:
        for _ in range(repeat):
            self.runs += 1
            self.seen.append(inputs[0])
        return Inferred(outputs=expected(inputs, self.runs), ticks=[100 + i for i in range(repeat) if self.ticks_hz])

    def points(self, inputs: Sequence[bytes]) -> tuple[bytes, ...]:
        sums, echo = expected(inputs, 0)
        return echo, sums, bytes(CONTEXT_BYTES)

    def selftest(self) -> Status:
        self.runs += 1
        return Status.OK


def expected(inputs: Sequence[bytes], runs: int) -> tuple[bytes, bytes]:
    """The outputs of the model's `runs`-th inference."""
    values = struct.unpack(f"<{len(inputs[0])}b", inputs[0])
    extra = sum(struct.unpack("<5h", inputs[1]))
    weighted = sum(v * (i % 7 + 1) for i, v in enumerate(values))
    return struct.pack("<4i", sum(values), weighted, extra, runs), bytes(b ^ 0x55 for b in reversed(inputs[0]))
