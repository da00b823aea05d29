"""Winograd convolutions of images with any number of channels, few of them above all: rows end inside of a word."""

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

_DEPTHS = 9


def _convolution(rng: Rng, depth: int) -> tuple[bytes, NDArray[np.int8]]:
    shape = (1, small(rng, 1, 9), small(rng, 2, 9), depth)  # one pixel alone would be a dense layer
    filters, x_scale = small(rng, 1, 12), 0.05
    model = ModelBuilder()
    x = model.tensor("x", shape, scale=x_scale, zero_point=zero_of(rng))
    weights = rng.integers(-127, 128, (filters, 3, 3, depth)).astype(np.int8)
    scales = [float(s) for s in rng.uniform(0.005, 0.01, filters)]
    w = model.tensor("w", weights.shape, data=weights, scale=scales, axis=0)
    y_scale = x_scale * 0.01 * 3000 * (9 * depth) ** 0.5 / 60
    y = model.tensor("y", (*shape[:3], filters), scale=y_scale, zero_point=zero_of(rng))
    model.op(
        "CONV_2D", [x, w], [y], padding="SAME", stride_h=1, stride_w=1, dilation_h_factor=1, dilation_w_factor=1,
        fused_activation_function="RELU" if rng.integers(2) else "NONE",
    )  # fmt: skip
    return model.finish([x], [y]), samples(rng, shape)


@pytest.mark.parametrize("tile", [2, 4])
def test_bits(tile: int, tflm: ReferenceWorker, gcc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng([SEED, 13, tile])
    models = [_convolution(rng, depth) for depth in range(1, _DEPTHS + 1)]
    variant = f"dsp: Winograd F({tile}x{tile})"

    def choose(candidates: Sequence[Sequence[Candidate]], *_: object, **__: object) -> list[Candidate]:
        return [next(c for c in options if c.call.variant == variant) for options in candidates]

    monkeypatch.setattr("edgeq.lower.lower.choose", choose)
    batch = Batch(
        [Model(name=f"depth {i}", content=content, misalign=1) for i, (content, _) in enumerate(models, 1)],
        tmp_path, frozenset({"dsp"}),
    )  # fmt: skip
    found = batch.run([(i, [inputs]) for i, (_, inputs) in enumerate(models)])
    for (content, inputs), outputs in zip(models, found, strict=True):
        want = tflm.run(content, [inputs])[0].reshape(outputs[0].shape)
        np.testing.assert_array_equal(outputs[0], want)
