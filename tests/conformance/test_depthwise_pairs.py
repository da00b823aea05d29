"""Depthwise convolutions by pairs of rows: windows of every shape, in every order, in bands, with
strides and dilated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conformance.cases import samples
from conformance.draw import Rng, small, zero_of
from conformance.native import Batch, Model
from conformance.settings import SEED
from conformance.weighted import window_count
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.dsp.candidate import Candidate
from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Image, window, strides and dilation: columns, rows, both, even sizes, windows larger than the image; rows and columns
# of outputs two apart, or three; dilated ones, whose parts are not all of one size.
_SHAPES = (
    ((23, 1), (5, 1)), ((8, 1), (3, 1)), ((1, 17), (1, 9)), ((1, 6), (1, 4)), ((9, 6), (5, 5)), ((7, 5), (7, 3)),
    ((6, 9), (2, 4)), ((4, 4), (7, 7)), ((10, 3), (4, 1)), ((5, 8), (1, 5)), ((3, 3), (3, 3)), ((6, 7), (4, 2)),
    ((9, 10), (5, 5), (2, 2)), ((7, 7), (4, 4), (2, 2)), ((6, 11), (3, 3), (2, 1)), ((11, 6), (3, 3), (1, 2)),
    ((12, 1), (7, 1), (2, 1)), ((5, 9), (2, 3), (1, 3)), ((3, 5), (7, 7), (2, 2)), ((1, 15), (1, 3), (1, 2)),
    ((9, 7), (3, 3), (1, 1), (2, 2)), ((10, 8), (5, 3), (1, 1), (3, 1)), ((1, 20), (1, 3), (1, 1), (1, 4)),
    ((6, 6), (2, 3), (1, 1), (4, 3)), ((11, 1), (3, 1)), ((1, 14), (1, 4)), ((5, 9), (1, 5)), ((8, 3), (6, 1)),
    ((1, 19), (1, 3), (1, 1), (1, 2)), ((13, 2), (5, 1)), ((4, 4), (4, 1)),
)  # fmt: skip
_VARIANT = "of any window"


def _convolution(
    rng: Rng,
    size: tuple[int, int],
    window: tuple[int, int],
    strides: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> tuple[bytes, NDArray[np.int8]]:
    channels = small(rng, 1, 9)
    multiplier = small(rng, 1, 2) if channels > 1 else 1  # of one channel several are a convolution
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    padding = "SAME" if rng.integers(2) or min(np.subtract(size, reach)) < 0 else "VALID"
    shape = (1 + int(rng.integers(2)), *size, channels)
    out = tuple(window_count(padding, *axis) for axis in zip(size, window, strides, dilation, strict=True))
    filters, x_scale = channels * multiplier, 0.05
    model = ModelBuilder()
    x = model.tensor("x", shape, scale=x_scale, zero_point=zero_of(rng))
    weights = rng.integers(-127, 128, (1, *window, filters)).astype(np.int8)
    scales = [float(s) for s in rng.uniform(0.005, 0.01, filters)]
    w = model.tensor("w", weights.shape, data=weights, scale=scales, axis=3)
    y_scale = x_scale * 0.01 * 3000 * (window[0] * window[1]) ** 0.5 / 60
    y = model.tensor("y", (shape[0], *out, filters), scale=y_scale, zero_point=zero_of(rng))
    model.op(
        "DEPTHWISE_CONV_2D", [x, w], [y], padding=padding, stride_h=strides[0], stride_w=strides[1],
        dilation_h_factor=dilation[0], dilation_w_factor=dilation[1], depth_multiplier=multiplier,
        fused_activation_function="RELU" if rng.integers(2) else "NONE",
    )  # fmt: skip
    return model.finish([x], [y]), samples(rng, shape)


def test_bits(tflm: ReferenceWorker, gcc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng([SEED, 14])
    models = [_convolution(rng, *shape) for shape in _SHAPES]
    taken: list[str] = []

    def choose(candidates: Sequence[Sequence[Candidate]], *_: object, **__: object) -> list[Candidate]:
        pairs = [[c for c in options if _VARIANT in str(c.call.variant)] for options in candidates]
        lines = [[c for c in options if "lines" in str(c.call.variant)] for options in pairs]
        n = len(taken)
        options = [few if few and n % 3 else many for few, many in zip(lines, pairs, strict=True)]
        chosen = [some[n % len(some)] for some in options]
        taken.extend(str(c.call.variant) for c in chosen)
        return chosen

    monkeypatch.setattr("edgeq.lower.lower.choose", choose)
    batch = Batch(
        [Model(name=f"{i}", content=content, misalign=1) for i, (content, _) in enumerate(models)],
        tmp_path, frozenset({"dsp"}),
    )  # fmt: skip
    assert all(any(order in t for t in taken) for order in ("down", "along", "squares", "lines", "columns of"))
    found = batch.run([(i, [inputs]) for i, (_, inputs) in enumerate(models)])
    for i, ((content, inputs), outputs) in enumerate(zip(models, found, strict=True)):
        want = tflm.run(content, [inputs])[0].reshape(outputs[0].shape)
        np.testing.assert_array_equal(outputs[0], want, err_msg=f"{_SHAPES[i]}, {taken[i]}, seed {SEED}")
