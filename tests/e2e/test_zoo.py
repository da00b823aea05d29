"""Whole models through `edgeq.build` from their .tflite: no output and no layer of any device differs from TFLM's."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import zoo as models
from numpy.typing import NDArray

import edgeq
from edgeq import measure
from edgeq.builds import Build, open_build
from edgeq.devices.run import run_samples
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Tensor
from edgeq.records import DeviceRun, Reference
from edgeq.report.record import Report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Multiply-accumulates in all samples of one model: the emulator takes about 15 instructions for each.
_MACS = 25_000_000
_FEWEST, _MOST = 3, 12
_NS_PER_INSTRUCTION = 64
_WITH_GCC = ("two_in_two_out", "squeeze_excite")


@dataclass(frozen=True)
class Made:
    report: Report
    build: Build


def _samples(tensor: Tensor, n: int, seed: int) -> NDArray[np.float32]:
    """All −128, all 127, and random ones; as the real numbers that they stand for."""
    assert tensor.quantization is not None
    steps = np.random.default_rng(seed).integers(-128, 128, (n, *tensor.shape[1:]))
    steps[0], steps[1] = -128, 127
    real: NDArray[np.float32] = (tensor.quantization.scale * (steps - tensor.quantization.zero_point)).astype(
        np.float32
    )
    return real


def _make(name: str, folder: Path, *, toolchain: str = "zig") -> Made:
    content = models.zoo_tflite(name)
    (folder / f"{name}.tflite").write_bytes(content)
    graph = parse_tflite(content)
    macs = edgeq.inspect(folder / f"{name}.tflite")[0].macs
    count = min(_MOST, max(_FEWEST, _MACS // macs))
    inputs = [_samples(t, count, seed=i) for i, t in enumerate(graph.input_tensors)]
    names = ["x_test"] if len(inputs) == 1 else [f"x_test_{i}" for i in range(len(inputs))]
    np.savez(folder / "data.npz", **dict(zip(names, inputs, strict=True)))
    report = edgeq.build(
        edgeq.BuildOptions(
            model=folder / f"{name}.tflite",
            data=str(folder / "data.npz"),
            out=folder / "build",
            device="emulated",
            toolchain=toolchain,
            traced_samples=2,
        )
    )
    return Made(report=report, build=open_build(folder / "build"))


# A worker takes all tests of a model: else each of them builds it.
_PARAMS = [pytest.param(name, marks=pytest.mark.xdist_group(f"zoo-{name}")) for name in models.ZOO]


@pytest.fixture(scope="module", params=_PARAMS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return _make(request.param, tmp_path_factory.mktemp(request.param))


def _check(report: Report) -> None:
    assert report.passed, [check for check in report.checks if not check.passed]
    assert report.drift is not None
    drift = report.drift.primary
    assert drift.reference is Reference.TFLM
    assert (drift.mismatches, drift.max_lsb) == (0, 0)
    assert drift.samples == report.data.samples


def _on(build: Build, device: str, samples: int | None = None) -> DeviceRun:
    """The samples, and no profile."""
    with measure.started(build, device) as (running, session):
        assert session.selftest()
        return run_samples(running, session, measure.first(build.samples.inputs, samples))


def _differing(build: Build, outputs: tuple[NDArray[np.generic], ...]) -> list[int]:
    wanted = build.references[0].outputs
    return [int((a != b[: len(a)]).sum()) for a, b in zip(outputs, wanted, strict=True)]


def test_no_output_of_the_emulated_board_differs(made: Made) -> None:
    _check(made.report)
    samples = made.build.samples.inputs
    assert all((a[0] == -128).all() and (a[1] == 127).all() for a in samples), "the extremes did not get there"
    answers = made.build.references[0].outputs
    assert all(len(np.unique(a.reshape(len(a), -1), axis=0)) > 1 for a in answers), "constant outputs prove nothing"


def test_no_layer_differs(made: Made) -> None:
    assert made.report.drift is not None
    traced = [layer for layer in made.report.drift.layers if layer.point is not None]
    assert len(traced) == len(made.build.trace_points) > 0
    assert {layer.state for layer in traced} == {"equal"}
    assert {layer.samples for layer in traced} == {2}


def test_cost_and_memory_are_reported(made: Made) -> None:
    profile, memory = made.report.profile, made.report.memory
    assert profile is not None and memory is not None and memory.plan is not None
    layers = sum(layer.instructions for layer in profile.layers)
    assert 0.98 * profile.instructions < layers <= profile.instructions
    assert profile.cycles_estimated is not None and profile.cycles_estimated > profile.instructions
    assert memory.stack_measured
    assert memory.plan.liveness_bound <= memory.plan.arena_bytes == memory.arena_bytes


@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
def test_qemu_runs_the_same_image_alike(made: Made) -> None:
    # Its serial line is slow: 10 to 26 kB/s.
    size = sum(a[0].nbytes for a in made.build.samples.inputs)
    ran = _on(made.build, "qemu", samples=max(2, min(_MOST, 30_000 // size)))
    assert not any(_differing(made.build, ran.outputs))
    assert made.report.profile is not None
    # The firmware reads the counter around the call of the engine; the profile has the engine alone.
    instructions = int(ran.ticks[0]) * 1e9 / ran.ticks_hz / _NS_PER_INSTRUCTION
    assert instructions == pytest.approx(made.report.profile.instructions, rel=1e-3)


@pytest.mark.parametrize("device", ["native", "tflm-host"])
def test_devices_on_the_host(made: Made, device: str) -> None:
    first, *others = _on(made.build, device).outputs
    assert not any(_differing(made.build, (first, *others)))
    changed = first.copy()
    changed.flat[-1] ^= 1
    assert _differing(made.build, (changed, *others)) == [1, *(0 for _ in others)], "the comparison cannot fail"


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
@pytest.mark.parametrize("name", _WITH_GCC)
def test_gcc_computes_the_same(name: str, tmp_path: Path) -> None:
    gcc = _make(name, tmp_path, toolchain="gcc")
    _check(gcc.report)
    assert gcc.build.image.toolchain.name == "gcc"
    assert json.loads((tmp_path / "build" / "report.json").read_text())["toolchain"]["name"] == "gcc"
