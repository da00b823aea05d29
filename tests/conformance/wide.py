"""Random models with 16-bit activations (16x8): weights of int8, biases of int64 or int32."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from conformance.draw import ACTIVATIONS, Rng, broadcast_shapes, chance, near, pick, scale_of, small
from conformance.weighted import window, window_count
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

Case = tuple[bytes, list[NDArray[np.int16]]]


def samples(rng: Rng, shape: tuple[int, ...]) -> NDArray[np.int16]:
    """All −32768, all 32767, uniform and small values, and extremes mixed at random."""
    size = (1, *shape)
    return np.concatenate(
        [
            np.full(size, -32768, np.int16),
            np.full(size, 32767, np.int16),
            rng.integers(-32768, 32768, size).astype(np.int16),
            rng.integers(-300, 300, size).astype(np.int16),
            rng.choice(np.array([-32768, 32767, 0, -1], np.int16), size),
        ]
    )


def _weighted(
    rng: Rng, model: ModelBuilder, name: str, x: int, x_scale: float, weights: tuple[int, ...], target: tuple[int, ...],
    **options: Any,
) -> int:  # fmt: skip
    """Adds an op with weights (their channels are the output's last dimension), and gives its output."""
    channels, axis = target[-1], 3 if name == "DEPTHWISE_CONV_2D" else 0
    depth = int(np.prod(weights)) // channels
    scales = [scale_of(rng, -14, -2)]
    if chance(rng, 0.7):
        scales += [near(rng, scale_of(rng, -14, -2), scales[0]) for _ in range(channels - 1)]
    data = rng.integers(-127, 128, weights).astype(np.int8)
    w = model.tensor("w", weights, data=data, scale=scales, axis=axis)
    inputs = [x, w]
    kind = pick(rng, "int64", "int64", None if name != "DEPTHWISE_CONV_2D" else "int64")
    if kind == "int64" and name != "DEPTHWISE_CONV_2D" and chance(rng, 0.3):
        kind = "int32"
    if kind is not None:
        reach = pick(rng, 1000, 1 << 20, 1 << 30 if kind == "int32" else 1 << 38)
        bias = rng.integers(-reach, reach, channels)
        bias_scales = [float(np.float32(x_scale * s)) for s in scales]
        inputs.append(model.tensor("b", (channels,), kind, data=bias, scale=bias_scales))
    typical = x_scale * float(np.median(scales)) * 60 * 15000 * depth**0.5 / 20000
    reach = 2.0 ** rng.uniform(*pick(rng, (-2, 2), (-2, 2), (-3, 12)))
    y = model.tensor("y", target, "int16", scale=near(rng, typical * reach, x_scale * scales[0]))
    model.op(name, inputs, [y], fused_activation_function=pick(rng, *ACTIVATIONS), **options)
    return y


def convolution(rng: Rng, *, depthwise: bool) -> Case:
    """CONV_2D, also grouped and dilated, or DEPTHWISE_CONV_2D."""
    height, width, stride_h, stride_w = window(rng)
    padding = pick(rng, "SAME", "VALID")
    dilation = pick(rng, 1, 1, 2)
    if dilation > 1:
        stride_h = stride_w = 1
    reach = [(n - 1) * dilation + 1 if padding == "VALID" else 1 for n in (height, width)]
    size = [low + small(rng, 0, 6) for low in reach]
    channels = small(rng, 1, 8)
    if depthwise:
        filters = channels * pick(rng, 1, 1, 2, 3)
        weights, options = (1, height, width, filters), {"depth_multiplier": filters // channels}
    else:
        groups, filters = pick(rng, 1, 1, 2), small(rng, 1, 8)
        channels, filters = channels * groups, filters * groups
        weights, options = (filters, height, width, channels // groups), {}
    model = ModelBuilder()
    x_scale = scale_of(rng, -16, -8)
    shape = (pick(rng, 1, 1, 2), *size, channels)
    x = model.tensor("x", shape, "int16", scale=x_scale)
    out = [
        window_count(padding, n, k, s, dilation)
        for n, k, s in zip(size, (height, width), (stride_h, stride_w), strict=True)
    ]
    options |= {"padding": padding, "stride_h": stride_h, "stride_w": stride_w}
    options |= {"dilation_h_factor": dilation, "dilation_w_factor": dilation}
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    y = _weighted(rng, model, name, x, x_scale, weights, (shape[0], *out, filters), **options)
    return model.finish([x], [y]), [samples(rng, shape)]


def fully_connected(rng: Rng) -> Case:
    """FULLY_CONNECTED."""
    depth, outputs, rows = small(rng, 1, 70), small(rng, 1, 20), pick(rng, 1, 1, 4)
    model = ModelBuilder()
    x_scale = scale_of(rng, -16, -8)
    x = model.tensor("x", (rows, depth), "int16", scale=x_scale)
    y = _weighted(rng, model, "FULLY_CONNECTED", x, x_scale, (outputs, depth), (rows, outputs))
    return model.finish([x], [y]), [samples(rng, (rows, depth))]


def arithmetic(rng: Rng, op: str) -> Case:
    """ADD or MUL, with broadcasting."""
    shape1, shape2, target = broadcast_shapes(rng)
    if max(len(shape1), len(shape2)) > 4:
        shape1, shape2, target = shape1[-4:], shape2[-4:], target[-4:]
    scale1 = scale_of(rng, -16, -6)
    scale2 = near(rng, pick(rng, scale1, scale1 * 2.0 ** rng.uniform(-6, 6)), scale1)
    reach = 2.0 ** rng.uniform(*pick(rng, (0, 2), (-4, 8)))
    if op == "MUL":
        y_scale = near(rng, scale1 * scale2 * 20000 * reach, scale1 * scale2)
    else:
        y_scale = near(rng, max(scale1, scale2) * max(reach, 0.1), scale1)
    model = ModelBuilder()
    x1 = model.tensor("x1", shape1, "int16", scale=scale1)
    inputs, values = [x1], [samples(rng, shape1)]
    if chance(rng, 0.25):
        data = rng.integers(-32768, 32768, shape2).astype(np.int16)
        x2 = model.tensor("x2", shape2, "int16", data=data, scale=scale2)
    else:
        x2 = model.tensor("x2", shape2, "int16", scale=scale2)
        inputs.append(x2)
        values.append(rng.permutation(samples(rng, shape2)))
    y = model.tensor("y", target, "int16", scale=y_scale)
    model.op(op, pick(rng, [x1, x2], [x2, x1]), [y], fused_activation_function=pick(rng, *ACTIVATIONS))
    return model.finish(inputs, [y]), values


def pool(rng: Rng, name: str) -> Case:
    """AVERAGE_POOL_2D or MAX_POOL_2D."""
    height, width, stride_h, stride_w = window(rng)
    padding = pick(rng, "SAME", "VALID")
    low = (height, width) if padding == "VALID" else (1, 1)
    shape = (1, low[0] + small(rng, 0, 6), low[1] + small(rng, 0, 6), small(rng, 1, 6))
    model = ModelBuilder()
    scale = scale_of(rng, -16, -6)
    x = model.tensor("x", shape, "int16", scale=scale)
    out_h = window_count(padding, shape[1], height, stride_h, 1)
    out_w = window_count(padding, shape[2], width, stride_w, 1)
    y = model.tensor("y", (1, out_h, out_w, shape[3]), "int16", scale=scale)
    options = {"padding": padding, "stride_h": stride_h, "stride_w": stride_w}
    options |= {"filter_height": height, "filter_width": width, "fused_activation_function": pick(rng, *ACTIVATIONS)}
    model.op(name, [x], [y], **options)
    return model.finish([x], [y]), [samples(rng, shape)]


def softmax(rng: Rng) -> Case:
    """SOFTMAX."""
    depth = pick(rng, 1, 2, small(rng, 2, 20), small(rng, 2, 300))
    shape = (*pick(rng, (), (1,), (3,), (2, 2)), depth)
    model = ModelBuilder()
    x = model.tensor("x", shape, "int16", scale=near(rng, scale_of(rng, *pick(rng, (-14, -8), (-18, -4))), 1.0))
    y = model.tensor("y", shape, "int16", scale=1 / 32768)
    model.op("SOFTMAX", [x], [y], beta=pick(rng, 1.0, 1.0, 0.5, 2.0))
    return model.finish([x], [y]), [samples(rng, shape)]


def moved(rng: Rng) -> Case:
    """Ops that only move values, on int16; and MEAN."""
    shape = (1, small(rng, 2, 5), small(rng, 2, 5), small(rng, 1, 4))
    model = ModelBuilder()
    scale = scale_of(rng, -16, -6)
    x = model.tensor("x", shape, "int16", scale=scale)
    name = pick(rng, "STRIDED_SLICE", "SPLIT", "PACK", "TRANSPOSE", "PAD", "CONCATENATION", "MEAN", "SUM")

    def integers(*values: Any) -> int:
        data = np.array(values, np.int32)
        return model.tensor(f"c{len(model.graph.tensors)}", data.shape, "int32", data=data)

    def result(target: tuple[int, ...], factor: float = 1.0) -> int:
        return model.tensor(f"y{len(model.graph.tensors)}", target, "int16", scale=scale * factor)

    outputs: list[int]
    match name:
        case "STRIDED_SLICE":
            inputs = [x, integers(0, shape[1] - 1, 0, 0), integers(1, 0, 0, 0), integers(1, -1, 1, 1)]
            outputs, options = [result(shape)], {"end_mask": 15}
        case "SPLIT":
            inputs, options = [integers(1), x], {"num_splits": shape[1]}
            outputs = [result((1, 1, *shape[2:])) for _ in range(shape[1])]
        case "PACK":
            inputs, options = [x, x], {"values_count": 2, "axis": 3}
            outputs = [result((*shape[:3], 2, shape[3]))]
        case "TRANSPOSE":
            inputs, options = [x, integers(0, 3, 1, 2)], {}
            outputs = [result((1, shape[3], *shape[1:3]))]
        case "PAD":
            inputs, options = [x, integers([0, 0], [1, 2], [0, 1], [1, 0])], {}
            outputs = [result((1, shape[1] + 3, shape[2] + 1, shape[3] + 1))]
        case "CONCATENATION":
            data = rng.integers(-32768, 32768, shape).astype(np.int16)
            inputs, options = [x, model.tensor("k", shape, "int16", data=data, scale=scale)], {"axis": 2}
            outputs = [result((*shape[:2], 2 * shape[2], shape[3]))]
        case _:
            inputs, options = [x, integers(1, 2)], {"keep_dims": False}
            reach = 2.0 ** rng.uniform(-2, 6) * (shape[1] * shape[2] if name == "SUM" else 1)
            outputs = [result((1, shape[3]), near(rng, reach, 1.0))]
    model.op(name, inputs, outputs, **options)
    return model.finish([x], outputs), [samples(rng, shape)]


FAMILIES = {
    "moves_16x8": moved,
    "conv_2d_16x8": partial(convolution, depthwise=False),
    "depthwise_conv_2d_16x8": partial(convolution, depthwise=True),
    "fully_connected_16x8": fully_connected,
    "add_16x8": lambda rng: arithmetic(rng, pick(rng, "ADD", "MUL")),
    "pool_2d_16x8": lambda rng: pool(rng, pick(rng, "AVERAGE_POOL_2D", "MAX_POOL_2D")),
    "softmax_16x8": softmax,
}
