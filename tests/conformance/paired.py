"""Random models of MAXIMUM, MINIMUM and PRELU, with broadcasting."""

from __future__ import annotations

from functools import partial

import numpy as np
from conformance.draw import Rng, broadcast_shapes, chance, near, pick, samples, scale_of, zero_of
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

Case = tuple[bytes, list[NDArray[np.int8]]]


def choice(rng: Rng, name: str) -> Case:
    """MAXIMUM or MINIMUM; TFLM compares integers, so that all three tensors have one quantization."""
    shape1, shape2, target = broadcast_shapes(rng)
    quantization = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    model = ModelBuilder()
    x1 = model.tensor("x1", shape1, **quantization)
    inputs, values = [x1], [samples(rng, shape1)]
    if chance(rng, 0.3):
        x2 = model.tensor("x2", shape2, data=rng.integers(-128, 128, shape2).astype(np.int8), **quantization)
    else:
        x2 = model.tensor("x2", shape2, **quantization)
        inputs.append(x2)
        values.append(rng.permutation(samples(rng, shape2)))
    y = model.tensor("y", target, **quantization)
    model.op(name, pick(rng, [x1, x2], [x2, x1]), [y])
    return model.finish(inputs, [y]), values


def prelu(rng: Rng) -> Case:
    """PRELU, its slopes mostly one for each channel and constant."""
    shape, slopes, target = broadcast_shapes(rng)
    if chance(rng, 0.6):
        slopes, target = shape[-1:], shape
    x_scale = scale_of(rng)
    ratio = 2.0 ** rng.uniform(*pick(rng, (-2, 2), (-8, 12)))
    slope_scale = near(rng, scale_of(rng, -10, -2), 1.0)
    y_scale = near(rng, x_scale * ratio, x_scale * pick(rng, 1.0, slope_scale))
    slope = {"scale": slope_scale, "zero_point": pick(rng, 0, zero_of(rng))}
    model = ModelBuilder()
    x = model.tensor("x", shape, scale=x_scale, zero_point=zero_of(rng))
    inputs, values = [x], [samples(rng, shape)]
    if chance(rng, 0.8):
        a = model.tensor("slopes", slopes, data=rng.integers(-128, 128, slopes).astype(np.int8), **slope)
    else:
        a = model.tensor("slopes", slopes, **slope)
        inputs.append(a)
        values.append(rng.permutation(samples(rng, slopes)))
    y = model.tensor("y", target, scale=y_scale, zero_point=zero_of(rng))
    model.op("PRELU", [x, a], [y])
    return model.finish(inputs, [y]), values


FAMILIES = {
    "maximum": partial(choice, name="MAXIMUM"),
    "minimum": partial(choice, name="MINIMUM"),
    "prelu": prelu,
}
