"""More ops for random graphs: functions that add one on a value, if it has a place there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from conformance.draw import chance, near, pick, small

if TYPE_CHECKING:
    from conformance.graphs import GraphMaker, Value


def cut(maker: GraphMaker, x: Value) -> None:
    """STRIDED_SLICE of one axis, perhaps backwards."""
    rng = maker.rng
    at = small(rng, 1, len(x.shape) - 1) if len(x.shape) > 1 else 0
    stride = pick(rng, 1, 2, -1)
    taken = range(*slice(*((small(rng, 0, 1), None) if stride > 0 else (None, None)), stride).indices(x.shape[at]))
    if not taken:
        return
    begin, end, strides = ([0] * len(x.shape), list(x.shape), [1] * len(x.shape))
    begin[at], strides[at] = taken.start, stride
    shape = tuple(len(taken) if i == at else n for i, n in enumerate(x.shape))
    constants = tuple(maker.constant(np.array(values, np.int32)) for values in (begin, end, strides))
    maker.op("STRIDED_SLICE", [x], maker.value(shape, **x.quantization), constants, end_mask=1 << at)


def split(maker: GraphMaker, x: Value) -> None:
    """SPLIT_V of the last axis in two; both parts live on."""
    last = x.shape[-1]
    if last < 2:
        return
    first = small(maker.rng, 1, last - 1)
    parts = [maker.value((*x.shape[:-1], n), **x.quantization) for n in (first, last - first)]
    sizes = maker.constant(np.array([first, last - first], np.int32))
    axis = maker.constant(np.array([-1], np.int32))
    maker.used.add(x.index)
    maker.model.op("SPLIT_V", [x.index, sizes, axis], [p.index for p in parts], num_splits=2)


def pack(maker: GraphMaker, x: Value) -> None:
    """PACK of a value and itself, and UNPACK again."""
    packed = maker.value((*x.shape[:-1], 2, x.shape[-1]), **x.quantization)
    maker.op("PACK", [x, x], packed, values_count=2, axis=len(x.shape) - 1)
    parts = [maker.value(packed.shape[:-1], **x.quantization) for _ in range(x.shape[-1])]
    maker.used.add(packed.index)
    maker.model.op("UNPACK", [packed.index], [p.index for p in parts], num=len(parts), axis=len(packed.shape) - 1)


def transpose(maker: GraphMaker, x: Value) -> None:
    """TRANSPOSE; the batch stays in front."""
    order = [0, *(int(i) for i in 1 + maker.rng.permutation(len(x.shape) - 1))]
    shape = tuple(x.shape[i] for i in order)
    maker.op("TRANSPOSE", [x], maker.value(shape, **x.quantization), (maker.constant(np.array(order, np.int32)),))


def resize(maker: GraphMaker, x: Value) -> None:
    """RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR, up to twice as large."""
    rng = maker.rng
    size = [small(rng, 1, 2 * n) for n in x.shape[1:3]]
    if size[0] * size[1] * x.shape[3] > 1500:
        return
    name = pick(rng, "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")
    target = maker.value((x.shape[0], *size, x.shape[3]), **x.quantization)
    maker.op(name, [x], target, (maker.constant(np.array(size, np.int32)),), half_pixel_centers=chance(rng, 0.5))


def choice(maker: GraphMaker, x: Value) -> None:
    """MAXIMUM or MINIMUM with a value of the same shape and scale, or a constant."""
    rng = maker.rng
    others = [v for v in maker.values if v.shape == x.shape and v.quantization == x.quantization]
    name = pick(rng, "MAXIMUM", "MINIMUM")
    if chance(rng, 0.5):
        maker.op(name, [x, others[int(rng.integers(len(others)))]], maker.value(x.shape, **x.quantization))
        return
    limit = maker.constant(np.array([small(rng, -128, 127)], np.int8), **x.quantization)
    maker.op(name, [x], maker.value(x.shape, **x.quantization), (limit,))


def prelu(maker: GraphMaker, x: Value) -> None:
    """PRELU with a slope for each channel."""
    rng = maker.rng
    slopes = maker.constant(rng.integers(-128, 128, x.shape[-1:]).astype(np.int8), scale=2.0**-8)
    maker.op("PRELU", [x], maker.value(x.shape, near(rng, x.scale * 2.0 ** rng.uniform(-1, 1), x.scale)), (slopes,))


def transpose_conv(maker: GraphMaker, x: Value) -> None:
    """TRANSPOSE_CONV, SAME, to twice the size."""
    rng = maker.rng
    filters, window = small(rng, 1, 4), small(rng, 1, 3)
    shape = (x.shape[0], 2 * x.shape[1], 2 * x.shape[2], filters)
    if shape[1] * shape[2] * filters > 1500:
        return
    weights = rng.integers(-127, 128, (filters, window, window, x.shape[3])).astype(np.int8)
    target, (w, b) = maker.weighted(x, weights, 0, shape)
    stated = maker.constant(np.array(shape, np.int32))
    maker.used.add(x.index)
    options = {"padding": "SAME", "stride_h": 2, "stride_w": 2, "fused_activation_function": maker.activation()}
    maker.model.op("TRANSPOSE_CONV", [stated, w, x.index, b], [target.index], **options)


def separable(maker: GraphMaker, x: Value) -> None:
    """CONV_2D, DEPTHWISE_CONV_2D and CONV_2D again; half of the channels between are constant but for the padding."""
    rng = maker.rng
    count, filters, window, stride = 4 * small(rng, 2, 5), 4 * small(rng, 1, 5), pick(rng, 3, 3, 2), pick(rng, 1, 1, 2)
    if x.shape[1] * x.shape[2] * count > 1500:
        return
    forms = ((count, 1, 1, x.shape[3]), (1, window, window, count), (filters, 1, 1, count))
    for name, form, step in zip(("CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D"), forms, (1, stride, 1), strict=True):
        weights = rng.integers(-127, 128, form).astype(np.int8)
        if form == forms[0]:
            weights[rng.random(count) < 0.5] = 0
        depthwise = name == "DEPTHWISE_CONV_2D"
        shape = (1, -(-x.shape[1] // step), -(-x.shape[2] // step), count if depthwise else form[0])
        target, constants = maker.weighted(x, weights, 3 if depthwise else 0, shape)
        options = {
            "padding": "SAME",
            "stride_h": step,
            "stride_w": step,
            **({"depth_multiplier": 1} if depthwise else {}),
        }
        maker.op(name, [x], target, constants, fused_activation_function=maker.activation(), **options)
        x = target


def extreme(maker: GraphMaker, x: Value) -> None:
    """REDUCE_MAX over one axis."""
    if len(x.shape) < 2:
        return
    at = small(maker.rng, 1, len(x.shape) - 1)
    keep = chance(maker.rng, 0.5)
    shape = tuple(1 if i == at else n for i, n in enumerate(x.shape) if keep or i != at)
    axis = maker.constant(np.array([at], np.int32))
    name = pick(maker.rng, "REDUCE_MAX", "REDUCE_MIN")
    maker.op(name, [x], maker.value(shape, **x.quantization), (axis,), keep_dims=keep)


def total(maker: GraphMaker, x: Value) -> None:
    """SUM over the last axis."""
    axis = maker.constant(np.array([-1], np.int32))
    scale = near(maker.rng, x.scale * x.shape[-1], x.scale)
    maker.op("SUM", [x], maker.value((*x.shape[:-1], 1), scale), (axis,), keep_dims=True)


def matmul(maker: GraphMaker, x: Value) -> None:
    """BATCH_MATMUL of a value and itself, transposed."""
    if len(x.shape) < 2:
        return
    scale = near(maker.rng, x.scale**2 * 70 * x.shape[-1] ** 0.5, x.scale**2)
    maker.op("BATCH_MATMUL", [x, x], maker.value((*x.shape[:-1], x.shape[-2]), scale), adj_y=True)


def normalized(maker: GraphMaker, x: Value) -> None:
    """L2_NORMALIZATION of rows."""
    if len(x.shape) < 5:
        maker.op("L2_NORMALIZATION", [x], maker.value(x.shape, 1 / 128, 0))


IMAGES = (
    cut,
    split,
    pack,
    transpose,
    resize,
    choice,
    prelu,
    transpose_conv,
    separable,
    extreme,
    total,
    matmul,
    normalized,
)
ROWS = (cut, split, pack, choice, prelu, extreme, total, matmul, normalized)
