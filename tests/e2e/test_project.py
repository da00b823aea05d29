"""The C project of a finished build, copied elsewhere, without edgeq: make, cmake, and its firmware on emulators.

What the generated files hold, and how they compile, is in tests/unit/test_generate.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import zoo as models

import edgeq
from edgeq import process
from edgeq.builds import Build, open_build
from edgeq.devices.base import Device
from edgeq.devices.emulated import EmulatedDevice
from edgeq.devices.qemu import QemuDevice
from edgeq.devices.run import run_samples
from edgeq.link.session import Session
from edgeq.toolchain.elf import load_segments

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("project")]

_MODEL = "squeeze_excite"
# Everything that a person without edgeq has. No PYTHONPATH, no venv.
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


def _needs(*tools: str) -> pytest.MarkDecorator:
    missing = [tool for tool in tools if shutil.which(tool, path=_ENVIRONMENT["PATH"]) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("build")
    (folder / "model.tflite").write_bytes(models.zoo_tflite(_MODEL))
    (inputs,) = models.zoo_inputs(_MODEL, 10)
    np.savez(folder / "data.npz", x_test=inputs)
    options = edgeq.BuildOptions(
        model=folder / "model.tflite",
        data=str(folder / "data.npz"),
        out=folder / "out",
        device="native",
        toolchain="gcc" if shutil.which("arm-none-eabi-gcc") else "zig",
        name="gate",
        traced_samples=0,
    )
    assert edgeq.build(options).passed
    return open_build(folder / "out")


@pytest.fixture(scope="module")
def copied(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project alone, in a folder whose name has a blank nowhere else."""
    place = tmp_path_factory.mktemp("their repository") / "gate"
    shutil.copytree(build.folder / "project", place)
    return place


def _run(argv: list[str | Path], folder: Path) -> str:
    done = process.run(argv, timeout=120, what=str(argv[0]), cwd=folder, env=_ENVIRONMENT)
    assert b"warning" not in done.stderr, done.stderr.decode()
    return done.stdout.decode()


def test_it_holds_no_samples_and_no_paths(build: Build, copied: Path) -> None:
    secrets = [str(build.folder).encode(), str(Path(edgeq.__file__).parent).encode(), b"/tmp/"]
    for path in (p for p in copied.rglob("*") if p.is_file()):
        content = path.read_bytes()
        assert not [s for s in secrets if s in content], path
        assert path.suffix not in {".npz", ".o", ".elf", ".tflite"}


@_needs("make", "gcc", "ar")
def test_make(copied: Path) -> None:
    _run(["make", "-s"], copied)
    assert (copied / "build" / "native" / "libgate.a").is_file()
    assert "self-test passed" in _run(["make", "-s", "selftest"], copied)
    # A second make has nothing to do; a changed source is noticed.
    assert "Nothing to be done" in _run(["make"], copied)
    (copied / "model" / "gate.c").touch()
    assert "model/gate.c" in _run(["make"], copied)
    _run(["make", "-s", "clean"], copied)
    assert not (copied / "build").exists()


@_needs("cmake", "make", "gcc")
def test_cmake_in_a_project_of_ones_own(copied: Path, tmp_path: Path) -> None:
    """A person's program adds the folder, and computes with the model."""
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\n"
        "project(theirs LANGUAGES C)\n"
        f'add_subdirectory("{copied}" gate)\n'
        "add_executable(theirs main.c)\n"
        "target_link_libraries(theirs PRIVATE gate)\n"
    )
    (tmp_path / "main.c").write_text(
        '#include "gate.h"\nint main(void) { gate_init(); return gate_selftest() == 0 ? 0 : 1; }\n'
    )
    out = tmp_path / "out"
    _run(["cmake", "-S", tmp_path, "-B", out], tmp_path)
    _run(["cmake", "--build", out], tmp_path)
    _run([out / "theirs"], tmp_path)


@_needs("make", "arm-none-eabi-gcc")
def test_their_firmware_is_our_firmware(build: Build, copied: Path, tmp_path: Path) -> None:
    _run(["make", "-s", "firmware", f"BUILD={tmp_path / 'out'}"], copied)
    theirs = tmp_path / "out" / "firmware" / "gate.elf"
    assert load_segments(theirs) == load_segments(build.image.elf)


@_needs("make", "arm-none-eabi-gcc")
@pytest.mark.parametrize("device", ["qemu", "emulated"])
def test_their_firmware_runs(build: Build, copied: Path, tmp_path: Path, device: str) -> None:
    if device == "qemu" and shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm is not installed")
    _run(["make", "-s", "firmware", f"BUILD={tmp_path / 'out'}"], copied)
    elf = tmp_path / "out" / "firmware" / "gate.elf"
    running: Device = QemuDevice(elf, build.board) if device == "qemu" else EmulatedDevice(elf, build.board)
    with (
        running,
        Session.connect(running.url, expect_sha256=build.quantized.graph.sha256, failure=running.failure) as session,
    ):
        assert session.selftest()
        ran = run_samples(running, session, build.samples.inputs)
    wanted = build.references[0].outputs
    assert all(np.array_equal(a, b) for a, b in zip(ran.outputs, wanted, strict=True))
