"""TRANSPOSE_CONV by phases, on a Cortex-M4: TFLM's bits, at the cycles that the choice of the kernel counts with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tflite_builder import ModelBuilder

import edgeq

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# As tools/bench/counts.py has it for the layers of its models.
_ASTRAY = 0.15
# Per multiply-accumulate, from 16 channels to 16: the portable kernel takes about 10.
_CYCLES = 2
# Shape of the input, filters, window, stride.
_CASES = (
    ((8, 8, 16), 16, (2, 2), (2, 2)),
    ((8, 8, 16), 16, (3, 3), (2, 2)),
    ((7, 5, 24), 16, (4, 4), (2, 2)),
    ((1, 32, 16), 16, (1, 8), (1, 4)),
    ((6, 9, 10), 6, (3, 3), (2, 2)),
    ((8, 8, 12), 1, (3, 3), (2, 2)),
)


def test_bits_and_cycles(tmp_path: Path) -> None:
    model = tmp_path / "transposed.tflite"
    model.write_bytes(_model())
    report = edgeq.build(
        edgeq.BuildOptions(
            model=model, data=None, out=tmp_path / "build", board="mps2-an386", device="emulated", samples=2,
            traced_samples=0,
        )
    )  # fmt: skip
    assert report.passed
    assert report.profile is not None and report.memory is not None and report.memory.plan is not None
    for layer, call, (shape, *_) in zip(report.profile.layers, report.memory.plan.calls, _CASES, strict=True):
        assert call.kernel == "edgeq_transpose_conv_dsp_int8", call.variant
        assert layer.cycles is not None and call.expected_cycles is not None
        assert abs(call.expected_cycles / layer.cycles - 1) < _ASTRAY, f"{layer.label}: {layer.cycles}"
        assert shape[2] < 16 or layer.cycles < _CYCLES * layer.macs, f"{layer.label}: {layer.cycles}"


def _model() -> bytes:
    rng = np.random.default_rng(8)
    model = ModelBuilder()
    inputs, outputs = [], []
    for i, (shape, filters, window, stride) in enumerate(_CASES):
        target = (1, shape[0] * stride[0], shape[1] * stride[1], filters)
        weights = rng.integers(-127, 128, (filters, *window, shape[2])).astype(np.int8)
        x = model.tensor(f"x{i}", (1, *shape), scale=0.05, zero_point=3)
        stated = model.tensor(f"shape{i}", (4,), "int32", data=np.array(target, np.int32))
        w = model.tensor(f"w{i}", weights.shape, data=weights, scale=0.01)
        bias = rng.integers(-9000, 9000, filters).astype(np.int32)
        b = model.tensor(f"b{i}", (filters,), "int32", data=bias, scale=0.05 * 0.01)
        relu = i % 2 == 0
        y = model.tensor(f"y{i}", target, scale=0.03 * shape[2] ** 0.5, zero_point=-128 if relu else -5)
        model.op(
            "TRANSPOSE_CONV", [stated, w, x, b], [y], padding="SAME", stride_h=stride[0], stride_w=stride[1],
            fused_activation_function="RELU" if relu else "NONE",
        )  # fmt: skip
        inputs.append(x)
        outputs.append(y)
    return model.finish(inputs, outputs)
