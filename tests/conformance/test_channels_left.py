"""Channels that nothing reads but that stay to make fours: depthwise layers leave them out, wherever they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conformance.native import Batch, Model
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# Channels, and how many of them nothing reads.
_CHANNELS = ((8, 0), (8, 1), (8, 2), (8, 3), (7, 1), (7, 2), (12, 5), (12, 6), (4, 4), (5, 3))
_SCALE = 0.05


def _model(channels: int, unread: int, stride: int) -> tuple[bytes, NDArray[np.int8]]:
    """1x1, 3x3 depthwise and 1x1, whose last weights are zero for some channels."""
    rng = np.random.default_rng([channels, unread, stride])
    model = ModelBuilder()
    x = at = model.tensor("x", (1, 6, 7, 3), scale=_SCALE, zero_point=-3)
    idle = rng.permutation(channels)[:unread]
    forms = ((channels, 1, 1, 3), (1, 3, 3, channels), (6, 1, 1, channels))
    for i, form in enumerate(forms):
        depthwise = i == 1
        filters = form[3] if depthwise else form[0]
        weights = rng.integers(-127, 128, form).astype(np.int8)
        if i == 2:
            weights[..., idle] = 0
        scales = [float(s) for s in rng.uniform(0.002, 0.004, filters)]
        w = model.tensor(f"w{i}", form, data=weights, scale=scales, axis=3 if depthwise else 0)
        bias = rng.integers(-9000, 9000, filters).astype(np.int32)
        b = model.tensor(f"b{i}", (filters,), "int32", data=bias, scale=[_SCALE * s for s in scales])
        step = stride if depthwise else 1
        size = (6, 7) if i == 0 else (-(-6 // stride), -(-7 // stride))
        y = model.tensor(f"y{i}", (1, *size, filters), scale=_SCALE, zero_point=5)
        model.op(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [at, w, b], [y], padding="SAME", stride_h=step,
            stride_w=step, dilation_h_factor=1, dilation_w_factor=1, fused_activation_function="NONE",
            **({"depth_multiplier": 1} if depthwise else {}),
        )  # fmt: skip
        at = y
    return model.finish([x], [at]), rng.integers(-128, 128, (4, 1, 6, 7, 3)).astype(np.int8)


def test_bits(tflm: ReferenceWorker, gcc: str, tmp_path: Path) -> None:
    shapes = [(*both, stride) for both in _CHANNELS for stride in (1, 2)]
    models = [_model(*shape) for shape in shapes]
    contents = [Model(name=f"m{i}", content=content) for i, (content, _) in enumerate(models)]
    batch = Batch(contents, tmp_path, frozenset({"dsp"}))
    found = batch.run([(i, [inputs]) for i, (_, inputs) in enumerate(models)])
    for shape, (content, inputs), ours, program in zip(shapes, models, found, batch.programs, strict=True):
        channels, unread, _ = shape
        expected = tflm.run(content, [inputs])[0].reshape(ours[0].shape)
        np.testing.assert_array_equal(ours[0], expected, err_msg=str(shape))
        depthwise = next(call for call in program.calls if "DEPTHWISE" in call.label)
        if unread and channels > unread:
            assert depthwise.params["channels_read"] == channels - unread, shape
