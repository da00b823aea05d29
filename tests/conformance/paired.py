"""Random models of MAXIMUM, MINIMUM, PRELU and BATCH_MATMUL, with broadcasting; of ARG_MAX and L2_NORMALIZATION."""

from __future__ import annotations

import numpy as np
from conformance.draw import Rng, broadcast_shapes, chance, near, pick, samples, scale_of, small, zero_of
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


def batch_matmul(rng: Rng) -> Case:
    """BATCH_MATMUL, one side perhaps a constant, either transposed."""
    batches = [(), ()]
    if chance(rng, 0.7):
        batches = list(broadcast_shapes(rng)[:2])
    batches = [shape[-3:] for shape in batches]
    whole = tuple(np.broadcast_shapes(*batches))
    rows, columns, depth = small(rng, 1, 6), small(rng, 1, 6), pick(rng, small(rng, 1, 6), small(rng, 1, 40))
    adj_x, adj_y = chance(rng, 0.4), chance(rng, 0.4)
    shapes = [
        (*batches[0], *((depth, rows) if adj_x else (rows, depth))),
        (*batches[1], *((columns, depth) if adj_y else (depth, columns))),
    ]
    scales = [scale_of(rng), scale_of(rng)]
    reach = 2.0 ** rng.uniform(*pick(rng, (-2, 2), (-2, 2), (-16, 20)))
    y_scale = near(rng, scales[0] * scales[1] * 70 * depth**0.5 * reach, scales[0] * scales[1])
    model = ModelBuilder()
    constant = pick(rng, None, None, 0, 1)
    operands, inputs, values = [], [], []
    for i, (shape, scale) in enumerate(zip(shapes, scales, strict=True)):
        data = rng.integers(-128, 128, shape).astype(np.int8) if i == constant else None
        operands.append(model.tensor(f"x{i}", shape, data=data, scale=scale, zero_point=zero_of(rng)))
        if data is None:
            inputs.append(operands[-1])
            values.append(rng.permutation(samples(rng, shape)))
    y = model.tensor("y", (*whole, rows, columns), scale=y_scale, zero_point=zero_of(rng))
    model.op("BATCH_MATMUL", operands, [y], adj_x=adj_x, adj_y=adj_y)
    return model.finish(inputs, [y]), values


def arg(rng: Rng, name: str) -> Case:
    """ARG_MAX or ARG_MIN; small values, so that there are ties."""
    shape = tuple(small(rng, 1, 6) for _ in range(small(rng, 1, 4)))
    at = small(rng, 0, len(shape) - 1)
    model = ModelBuilder()
    x = model.tensor("x", shape, scale=scale_of(rng), zero_point=zero_of(rng))
    stated = np.array([at - len(shape) if chance(rng, 0.4) else at], np.int32)
    axis = model.tensor("axis", pick(rng, (1,), ()), "int32", data=stated)
    y = model.tensor("y", (*shape[:at], *shape[at + 1 :]), "int32")
    model.op(name, [x, axis], [y], output_type="INT32")
    few = rng.integers(-2, 3, (3, *shape)).astype(np.int8)
    return model.finish([x], [y]), [np.concatenate([samples(rng, shape), few])]


def l2_normalization(rng: Rng) -> Case:
    """L2_NORMALIZATION; also of zeros, and of a single step."""
    depth = pick(rng, small(rng, 1, 9), small(rng, 1, 300))
    shape = (*(small(rng, 1, 5) for _ in range(small(rng, 0, 3))), depth)
    zero = zero_of(rng)
    model = ModelBuilder()
    x = model.tensor("x", shape, scale=scale_of(rng), zero_point=zero)
    y = model.tensor("y", shape, scale=1 / 128)
    model.op("L2_NORMALIZATION", [x], [y])
    zeros = np.full((2, *shape), zero, np.int8)
    zeros[1].reshape(-1)[0] += 1 if zero < 127 else -1
    return model.finish([x], [y]), [np.concatenate([samples(rng, shape), zeros])]


FAMILIES = {
    "batch_matmul": batch_matmul,
    "arg_max": lambda rng: arg(rng, pick(rng, "ARG_MAX", "ARG_MIN")),
    "l2_normalization": l2_normalization,
    "maximum": lambda rng: choice(rng, pick(rng, "MAXIMUM", "MINIMUM")),
    "prelu": prelu,
}
