"""Limits of flash and RAM choose the kernels; passes can be left out; a build remembers both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from tflite_builder import ModelBuilder

import edgeq
from edgeq import engines
from edgeq.builds import open_build
from edgeq.cli.build import command
from edgeq.errors import BudgetError
from edgeq.lower.names import Pass
from edgeq.records import Image
from edgeq.report.record import MemoryInfo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PAD, and a convolution with many weights."""
    builder, rng = ModelBuilder(), np.random.default_rng(1)
    x = builder.tensor("x", (1, 20, 20, 32), scale=0.05, zero_point=-3)
    padded = builder.tensor("padded", (1, 22, 22, 32), scale=0.05, zero_point=-3)
    y = builder.tensor("y", (1, 20, 20, 32), scale=0.4)
    amounts = builder.tensor("amounts", (4, 2), "int32", data=np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    weights = rng.integers(-127, 128, (32, 3, 3, 32)).astype(np.int8)
    w = builder.tensor("w", weights.shape, data=weights, scale=[0.002] * 32, axis=0)
    builder.op("PAD", [x, amounts], [padded])
    builder.op(
        "CONV_2D", [padded, w], [y], padding="VALID", stride_h=1, stride_w=1, dilation_h_factor=1, dilation_w_factor=1,
        fused_activation_function="NONE",
    )  # fmt: skip
    path = tmp_path_factory.mktemp("model") / "model.tflite"
    path.write_bytes(builder.finish([x], [y]))
    return path


def _built(model: Path, out: Path, **options: Any) -> MemoryInfo:
    report = edgeq.build(
        edgeq.BuildOptions(
            model=model, data=None, out=out, samples=2, traced_samples=0, optimize=edgeq.Optimize.SPEED, **options
        )
    )
    assert report.passed and report.memory is not None and report.memory.plan is not None
    plan = open_build(out).program
    assert [c.variant for c in plan.calls] == [c.variant for c in report.memory.plan.calls]
    return report.memory


def _convolution(memory: MemoryInfo) -> str:
    assert memory.plan is not None
    return memory.plan.calls[-1].variant


def test_flash_chooses_kernels_that_fit(model: Path, tmp_path: Path) -> None:
    fast = _built(model, tmp_path / "fast")
    small = _built(model, tmp_path / "small", flash_limit=fast.flash_bytes - 20_000)
    assert "Winograd" in _convolution(fast)
    assert _convolution(small) != _convolution(fast)
    assert small.flash_bytes <= fast.flash_bytes - 20_000
    with pytest.raises(BudgetError, match="The image does not fit"):
        _built(model, tmp_path / "none", flash_limit=20_000)


def test_a_pass_is_left_out(model: Path, tmp_path: Path) -> None:
    def shown(name: str, *options: str) -> str:
        argv = [
            str(model),
            f"--out={tmp_path / name}",
            "--samples=1",
            "--traced-samples=0",
            "--device=native",
            *options,
        ]
        done = CliRunner().invoke(command, argv, standalone_mode=False)
        assert done.exception is None, done.output
        return done.output

    assert "merge-padding: 1 PAD merged into convolutions" in shown("with")
    saved = {s.name: s for s in open_build(tmp_path / "with").program.saved}
    assert (saved[Pass.MERGE_PADDING].arena_bytes or 0) > 0
    assert "merge-padding" not in shown("without", "--without-pass", "merge-padding")
    build = open_build(tmp_path / "without")
    assert build.without_passes == (Pass.MERGE_PADDING,)
    assert [call.label.split()[1] for call in build.program.calls] == ["PAD", "CONV_2D"]


def test_all_leaves_out_every_pass(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def build(request: edgeq.BuildOptions, progress: object) -> None:
        asked.append(request.without_passes)
        raise BudgetError("The image does not fit.")

    monkeypatch.setattr(edgeq, "build", build)
    argv = [str(model), f"--out={tmp_path / 'out'}", "--without-pass=in-place", "--without-pass=all"]
    CliRunner().invoke(command, argv)
    assert asked == [tuple(Pass)]


def test_a_traced_image_that_does_not_fit_costs_the_layers_alone(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code that hands out layers is not in the product, so a board that has no room for it is no failure."""
    compiled = engines.compile_project

    def no_room(*args: Any, traced: bool, **options: Any) -> Image:
        if traced:
            raise BudgetError("The image does not fit.")
        return compiled(*args, traced=traced, **options)

    monkeypatch.setattr(engines, "compile_project", no_room)
    report = edgeq.build(edgeq.BuildOptions(model=model, data=None, out=tmp_path / "out", samples=2))
    assert report.passed
    assert "Layers were not compared: With the code that hands out layers" in (report.accuracy.note or "")
    assert not (tmp_path / "out" / "firmware-traced.elf").exists()
    with pytest.raises(BudgetError, match="does not fit mps2-an386"):
        edgeq.drift(tmp_path / "out")
    assert edgeq.validate(tmp_path / "out").passed
