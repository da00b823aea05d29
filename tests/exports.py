"""What tests of `edgeq export` share: a build of the small model, compilers, golden files of every ecosystem."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import cast

import numpy as np
from projects import small_model

import edgeq
from edgeq.boards import load_board
from edgeq.builds import Build, BuildSamples
from edgeq.export.export import MARK
from edgeq.export.record import Package
from edgeq.export.registry import TITLES, load
from edgeq.generate import generate
from edgeq.lower.choose import Limits
from edgeq.lower.lower import lower
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import Image, Quantized, Reference, ReferenceOutputs
from edgeq.records.firmware import Optimize

FOLDER = Path(__file__).parent / "golden" / "export"

_LEFT_OUT = {"LICENSE", MARK}

WARNINGS = (
    "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wundef", "-Wwrite-strings",
    "-Wpointer-arith", "-Werror",
)  # fmt: skip
C99 = ("-x", "c", "-std=c99", "-Wstrict-prototypes", "-Wmissing-prototypes")
CPP17 = ("-x", "c++", "-std=c++17")
ZIG = (sys.executable, "-m", "ziglang")


def make_build(folder: Path, name: str, board: str) -> Path:
    """A build of the small model; it ran on this computer only."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.tflite").write_bytes(small_model())
    options = edgeq.BuildOptions(
        model=folder / "model.tflite", data=None, out=folder / "build", device="native", board=board, name=name,
        toolchain="gcc" if shutil.which("arm-none-eabi-gcc") else "zig", samples=20, traced_samples=0,
    )  # fmt: skip
    assert edgeq.build(options).passed
    return folder / "build"


def save_samples(build: Build, folder: Path) -> tuple[Path, bytes]:
    """A file with all inputs of a build, and what its reference answered, as the programs of these tests want it."""
    (inputs,) = build.samples.inputs
    outputs = build.references[0].outputs
    path = folder / f"{build.name}.bin"
    path.write_bytes(np.ascontiguousarray(inputs).tobytes())
    return path, b"".join(o[i].tobytes() for i in range(len(inputs)) for o in outputs)


def unproven(content: bytes, folder: Path, name: str) -> Build:
    """A build that was neither compiled nor run: its project alone, with zeros for inputs and outputs."""
    graph, board = parse_tflite(content), load_board("mps2-an386")
    quantized = Quantized(content=content, graph=graph, method=None, float_model=None, calibration_samples=0, seed=0)
    program = lower(graph, features=board.features)
    inputs, outputs = (
        tuple(np.zeros(t.shape, t.dtype.value) for t in tensors) for tensors in (graph.input_tensors, program.outputs)
    )
    project = generate(
        program, quantized=quantized, board=board, out=folder / "project", name=name, arena_tflm_bytes=2000,
        golden_inputs=[a[0] for a in inputs], golden_outputs=[a[0] for a in outputs],
    )  # fmt: skip
    return Build(
        folder=folder, name=name, engine="aot", optimize=Optimize.SPEED, source_format="tflite", source_sha256=None,
        quantized=quantized, program=program, limits=Limits(), without_passes=(), board=board, board_spec=board.name,
        project=project, image=cast(Image, None), traced=None,
        samples=BuildSamples(
            inputs=inputs, labels=None, float_outputs=None, source="zeros", sha256="", class_names=()
        ),
        references=(ReferenceOutputs(reference=Reference.TFLM, version="", outputs=outputs),),
        notes=(), flash_limit=None, ram_limit=None, tflm_arena_bytes=2000,
    )  # fmt: skip


def package(build: Build, to: str, out: Path, engine: str) -> Path:
    """The files of an export in a folder."""
    for path, content in load(to).files(build, Package(engine=engine)).items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)
    return out


def generated(build: Path, folder: Path) -> dict[str, str]:
    """What the templates write for every ecosystem, and how the model's own files are changed (once), by path."""
    found: dict[str, str] = {}
    known: set[str] = set()
    options = {"license": "MIT", "author": "Ada <ada@example.org>", "url": "https://example.org/small"}
    for to, engine in [*((to, "aot") for to in TITLES), *((to, "tflm") for to in TITLES)]:
        place = to if engine == "aot" else f"tflm/{to}"
        done = edgeq.export_build(build, to=to, out=folder / place, engine=engine, **options)
        texts = {path: (done.out / path).read_text(encoding="utf-8") for path in done.files if path not in _LEFT_OUT}
        copied = {path for path in texts if {"kernels", "edgeq"} & set(Path(path).parts)}
        found |= {f"{place}/{p}": text for p, text in texts.items() if p not in copied and text not in known}
        known |= set(texts.values())
    return found


def stored() -> dict[str, str]:
    """The files as they were accepted."""
    return {p.relative_to(FOLDER).as_posix(): p.read_text(encoding="utf-8") for p in FOLDER.rglob("*") if p.is_file()}


def update() -> None:
    """Accept the files as they are generated now."""
    with tempfile.TemporaryDirectory() as scratch:
        files = generated(make_build(Path(scratch), "small", "mps2-an386"), Path(scratch))
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, content in files.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
