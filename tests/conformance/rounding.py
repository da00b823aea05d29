"""Convolutions of one pixel whose sums are often rounding ties, for every value of the input."""

from __future__ import annotations

import numpy as np
from conformance.cases import Case
from conformance.draw import Rng
from tflite_builder import ModelBuilder

_CHANNELS = 48


def rounding(index: int, *, seed: int, activation: str) -> Case:
    """A 1x1 convolution of all int8 values to channels with multipliers j / 2^k: where j divides a sum times 2^k
    doubled, the result is a half, of both signs."""
    rng = Rng(seed, 7, index)
    k = rng.integers(2, 13, _CHANNELS)
    odd = 2 * (rng.random(_CHANNELS) * 2.0 ** (k - 2)).astype(np.int64) + 1
    ratio = odd / 2.0**k
    weights = np.clip(np.round(rng.uniform(-1.2, 1.2, _CHANNELS) / ratio), -127, 127)
    bias = np.round(rng.integers(-60, 60, _CHANNELS) / ratio) + rng.integers(-2, 3, _CHANNELS)
    unit = 2.0 ** int(rng.integers(-8, 0))  # scales of the input and the output: exact in every product
    model = ModelBuilder()
    shape = (1, 16, 16, 1)
    x = model.tensor("x", shape, scale=unit, zero_point=int(rng.integers(-128, 128)))
    scales = [float(r) for r in ratio]
    w = model.tensor("w", (_CHANNELS, 1, 1, 1), data=weights.astype(np.int8), scale=scales)
    b = model.tensor("b", (_CHANNELS,), "int32", data=bias.astype(np.int32), scale=[unit * s for s in scales])
    y = model.tensor("y", (*shape[:3], _CHANNELS), scale=unit, zero_point=int(rng.integers(-20, 21)))
    model.op(
        "CONV_2D", [x, w, b], [y], padding="VALID", stride_h=1, stride_w=1, dilation_h_factor=1, dilation_w_factor=1,
        fused_activation_function=activation,
    )  # fmt: skip
    every = np.arange(-128, 128, dtype=np.int8).reshape(shape)
    content = model.finish([x], [y])
    return Case(family="rounding", index=index, draw=0, seed=seed, content=content, inputs=(every[None, 0],))
