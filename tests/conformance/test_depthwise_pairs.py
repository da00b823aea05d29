"""Depthwise convolutions by pairs of rows: windows of every shape, along rows and down columns, in bands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conformance.cases import samples
from conformance.draw import Rng, small, zero_of
from conformance.native import Batch, Model
from conformance.settings import SEED
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.dsp.candidate import Candidate
from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Image and window: columns, rows, both, even sizes, windows larger than the image.
_SHAPES = (
    ((23, 1), (5, 1)), ((8, 1), (3, 1)), ((1, 17), (1, 9)), ((1, 6), (1, 4)), ((9, 6), (5, 5)), ((7, 5), (7, 3)),
    ((6, 9), (2, 4)), ((4, 4), (7, 7)), ((10, 3), (4, 1)), ((5, 8), (1, 5)), ((3, 3), (3, 3)), ((6, 7), (4, 2)),
)  # fmt: skip
_VARIANT = "dsp: pairs of rows of any window"


def _convolution(rng: Rng, size: tuple[int, int], window: tuple[int, int]) -> tuple[bytes, NDArray[np.int8]]:
    channels = small(rng, 1, 9)
    multiplier = small(rng, 1, 2) if channels > 1 else 1  # of one channel several are a convolution
    padding = "SAME" if rng.integers(2) or min(np.subtract(size, window)) < 0 else "VALID"
    shape = (1 + int(rng.integers(2)), *size, channels)
    out = size if padding == "SAME" else tuple(n - k + 1 for n, k in zip(size, window, strict=True))
    filters, x_scale = channels * multiplier, 0.05
    model = ModelBuilder()
    x = model.tensor("x", shape, scale=x_scale, zero_point=zero_of(rng))
    weights = rng.integers(-127, 128, (1, *window, filters)).astype(np.int8)
    scales = [float(s) for s in rng.uniform(0.005, 0.01, filters)]
    w = model.tensor("w", weights.shape, data=weights, scale=scales, axis=3)
    y_scale = x_scale * 0.01 * 3000 * (window[0] * window[1]) ** 0.5 / 60
    y = model.tensor("y", (shape[0], *out, filters), scale=y_scale, zero_point=zero_of(rng))
    model.op(
        "DEPTHWISE_CONV_2D", [x, w], [y], padding=padding, stride_h=1, stride_w=1, dilation_h_factor=1,
        dilation_w_factor=1, depth_multiplier=multiplier,
        fused_activation_function="RELU" if rng.integers(2) else "NONE",
    )  # fmt: skip
    return model.finish([x], [y]), samples(rng, shape)


def test_bits(tflm: ReferenceWorker, gcc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng([SEED, 14])
    models = [_convolution(rng, *shape) for shape in _SHAPES for _ in range(2)]
    taken: list[str] = []

    def choose(candidates: Sequence[Sequence[Candidate]], *_: object, **__: object) -> list[Candidate]:
        pairs = [[c for c in options if str(c.call.variant).startswith(_VARIANT)] for options in candidates]
        chosen = [options[len(taken) % len(options)] for options in pairs]
        taken.extend(str(c.call.variant) for c in chosen)
        return chosen

    monkeypatch.setattr("edgeq.lower.lower.choose", choose)
    batch = Batch(
        [Model(name=f"{i}", content=content, misalign=1) for i, (content, _) in enumerate(models)],
        tmp_path, frozenset({"dsp"}),
    )  # fmt: skip
    assert any("down" in t for t in taken) and any("along" in t for t in taken)
    found = batch.run([(i, [inputs]) for i, (_, inputs) in enumerate(models)])
    for i, ((content, inputs), outputs) in enumerate(zip(models, found, strict=True)):
        want = tflm.run(content, [inputs])[0].reshape(outputs[0].shape)
        np.testing.assert_array_equal(outputs[0], want, err_msg=f"{_SHAPES[i // 2]}, {taken[i]}, seed {SEED}")
