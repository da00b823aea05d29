"""What tests of `edgeq export` share: a build of the small model, compilers, golden files of every ecosystem."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from projects import small_model

import edgeq
from edgeq.export.export import MARK
from edgeq.export.registry import TITLES

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
