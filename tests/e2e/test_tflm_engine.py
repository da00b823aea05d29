"""The tflm engine on an emulated board, with the user's own TensorFlow Lite Micro (EDGEQ_TFLM_ROOT: a library for the
Cortex-M4F, its headers beside it)."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from projects import small_model
from streaming_model import streaming
from tflite_builder import ModelBuilder
from tflm_trees import NO_TFLM

import edgeq
from edgeq import process
from edgeq.boards import load_board
from edgeq.builds import open_build
from edgeq.devices.qemu import QemuDevice
from edgeq.errors import DeviceError, InputError
from edgeq.link.session import Session
from edgeq.link.timing import op_ticks
from edgeq.measure import started
from edgeq.options import TFLM_ROOT_VARIABLE, BuildOptions, Engine
from edgeq.report.record import Report
from edgeq.toolchain.elf import load_segments
from edgeq.toolchain.tflm import TflmLibrary, find_library

pytestmark = pytest.mark.skipif(not os.environ.get(TFLM_ROOT_VARIABLE), reason=NO_TFLM)


def build(model: Path, out: Path, **options: object) -> Report:
    return edgeq.build(BuildOptions(model=model, out=out, samples=20, **{"engine": Engine.TFLM, **options}))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(small_model())
    return path


@pytest.fixture(scope="module")
def built(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    out = tmp_path_factory.mktemp("build") / "tflm"
    return out, build(model, out)


def test_the_device_equals_the_host_layer_by_layer(built: tuple[Path, Report]) -> None:
    _, report = built
    assert report.passed, [check.message for check in report.checks if not check.passed]
    assert report.engine == "tflm"
    assert report.drift is not None
    assert report.drift.primary.mismatches == 0
    assert [row.state for row in report.drift.layers] == ["equal"] * 7
    assert report.profile is not None
    assert [layer.kernel for layer in report.profile.layers][:2] == ["CONV_2D", "LOGISTIC"]
    assert all(layer.cycles > 0 for layer in report.profile.layers)
    assert report.memory is not None
    assert report.memory.arena_used_bytes is not None
    assert 0 < report.memory.arena_used_bytes <= report.memory.arena_bytes
    assert {s.group.value for s in report.memory.sections} >= {"weights", "kernels", "arena", "stack"}


def test_validate_drift_and_profile_need_no_library(
    built: tuple[Path, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build holds both images; QEMU and the built-in emulator agree."""
    monkeypatch.delenv(TFLM_ROOT_VARIABLE)
    folder, report = built
    for device in ("emulated", "qemu", "tflm-host"):
        assert edgeq.validate(folder, device=device, samples=3).passed
    assert {row.state for row in edgeq.drift(folder, device="qemu")} == {"equal"}
    profile = edgeq.profile(folder)
    assert profile is not None
    assert report.profile is not None
    assert profile.instructions == report.profile.instructions
    with pytest.raises(InputError, match="is for no other board"):
        edgeq.validate(folder, device="native")


def test_the_device_times_its_kernels(built: tuple[Path, Report]) -> None:
    """By its own counter, which in QEMU counts instructions: all kernels together take less than the inference."""
    made = open_build(built[0])
    sample = tuple(a[0].tobytes() for a in made.samples.inputs)
    with started(made, "qemu") as (_, session):
        ticks = op_ticks(session, sample)
        whole = session.run(sample).ticks
    assert ticks is not None
    assert len(ticks) == len(made.program.calls)
    assert 0.5 * whole < sum(ticks) < whole
    assert ticks.index(max(ticks)) in (0, 1)


def test_the_next_build_has_an_arena_that_just_fits(model: Path, built: tuple[Path, Report], tmp_path: Path) -> None:
    folder = shutil.copytree(built[0], tmp_path / "again")
    before = built[1].memory
    again = build(model, folder).memory
    assert before is not None
    assert again is not None
    assert before.arena_used_bytes is not None
    assert again.arena_bytes == -(-before.arena_used_bytes // 16) * 16
    assert again.arena_used_bytes == before.arena_used_bytes


def test_an_arena_that_is_too_small_is_named(model: Path, built: tuple[Path, Report], tmp_path: Path) -> None:
    """Wherever the interpreter stops, just before the end too, it is the arena and no kernel that is at fault; what is
    said to be the least is never too much."""
    with pytest.raises(DeviceError, match=r"needs more than the 1,024 bytes of its arena, at least 1,\d+"):
        build(model, tmp_path / "out", arena=1024)
    memory = built[1].memory
    assert memory is not None
    assert memory.arena_used_bytes is not None
    library = find_library(Path(os.environ[TFLM_ROOT_VARIABLE]), load_board("mps2-an386"))
    project = shutil.copytree(built[0] / "project", tmp_path / "project")
    settings = (project / "tflm/small_settings.h").read_text()
    for arena in (*range(352, memory.arena_used_bytes, 176), memory.arena_used_bytes - 16):
        sized = settings.replace(f"ARENA_BYTES {memory.arena_bytes}", f"ARENA_BYTES {arena}")
        assert sized != settings
        (project / "tflm/small_settings.h").write_text(sized)
        (project / "model/small_engine.cc").touch()
        make_firmware(project, library)
        with (
            QemuDevice(project / "build/small.elf", load_board("mps2-an386")) as device,
            pytest.raises(DeviceError, match=rf"needs more than the {arena:,} bytes of its arena, at least") as caught,
        ):
            Session.connect(device.url, failure=device.failure)
        least = int(re.findall(r"at least ([\d,]+)", caught.value.message)[0].replace(",", ""))
        assert arena < least <= memory.arena_used_bytes


def test_relu6_with_unequal_scales_is_right(tmp_path: Path) -> None:
    """TFLM's own kernel would be wrong nearly everywhere: the firmware runs an equal model, and the report says so."""
    m = ModelBuilder()
    x = m.tensor("x", (1, 256), scale=0.1, zero_point=0)
    y = m.tensor("y", (1, 256), scale=0.04, zero_point=-100)
    m.op("RELU6", [x], [y])
    path = tmp_path / "clipped.tflite"
    path.write_bytes(m.finish([x], [y]))
    report = build(path, tmp_path / "out")
    assert report.passed
    made = open_build(tmp_path / "out")
    values = made.samples.inputs[0].reshape(-1).astype(float) * 0.1
    expected = np.clip(np.floor(np.clip(values, 0, 6) / 0.04 + 0.5) - 100, -128, 127)
    assert (made.references[0].outputs[0].reshape(-1) == expected).mean() > 0.99
    assert "RELU6" in (tmp_path / "out/project/model/clipped_engine.cc").read_text()


def test_a_sequence_is_the_same_on_device_and_host(tmp_path: Path) -> None:
    """Resource variables with first values, SVDF: what an inference leaves for the next, also in the traced image."""
    path = tmp_path / "streaming.tflite"
    path.write_bytes(streaming(lstm=False))
    report = build(path, tmp_path / "out", traced_samples=6)
    assert report.passed, [check.message for check in report.checks if not check.passed]
    assert report.drift is not None
    assert {row.state for row in report.drift.layers if row.point is not None} == {"equal"}


def test_both_engines_side_by_side(model: Path, built: tuple[Path, Report], tmp_path: Path) -> None:
    aot = build(model, tmp_path / "aot", engine=Engine.AOT, beside=built[0])
    assert aot.beside is not None
    assert aot.beside.flash_bytes == built[1].memory.flash_bytes if built[1].memory else None
    diff = edgeq.diff(tmp_path / "aot", built[0])
    assert diff.columns == ("aot", "tflm")
    assert not diff.regressed
    assert any("Two engines, one model: aot takes" in note for note in diff.notes)
    assert {change.name for change in diff.changes} >= {"cycles, estimated", "flash", "RAM", "0 CONV_2D 6×6×3"}


def make_firmware(project: Path, library: TflmLibrary) -> None:
    """The project's own Makefile."""
    includes = " ".join(f"-isystem {d}" for d in library.include_dirs)
    stripped = ["TFLM_DEFINES=-DTF_LITE_STRIP_ERROR_STRINGS"] if library.stripped else []
    argv = ["make", "-s", "firmware", f"TFLM_LIBRARY={library.archive}", f"TFLM_INCLUDES={includes}", *stripped]
    process.run(argv, timeout=300, what="make firmware", cwd=project)


def test_the_project_builds_without_edgeq(built: tuple[Path, Report], tmp_path: Path) -> None:
    library = find_library(Path(os.environ[TFLM_ROOT_VARIABLE]), load_board("mps2-an386"))
    project = shutil.copytree(built[0] / "project", tmp_path / "project")
    make_firmware(project, library)
    assert load_segments(project / "build/small.elf") == load_segments(built[0] / "firmware.elf")
