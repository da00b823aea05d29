"""Random models of one op with weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from conformance.draw import ACTIVATIONS, Rng, chance, near, pick, samples, scale_of, small, zero_of
from numpy.typing import NDArray
from tflite_builder import ModelBuilder


def _weights(rng: Rng, shape: tuple[int, ...]) -> NDArray[np.int8]:
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(np.array([-127, 127], np.int8), shape)
    if kind < 0.15:
        return np.zeros(shape, np.int8)
    if kind < 0.2:
        return np.full(shape, -128, np.int8)
    return rng.integers(-127, 128, shape).astype(np.int8)


def window(rng: Rng) -> tuple[int, int, int, int]:
    """Filter height and width, strides; often 3x3, which some kernels are made for."""
    if chance(rng, 0.4):
        stride = pick(rng, 1, 1, 2)
        return 3, 3, stride, stride
    return small(rng, 1, 5), small(rng, 1, 5), small(rng, 1, 3), small(rng, 1, 3)


def window_count(padding: str, size: int, window: int, stride: int, dilation: int) -> int:
    """Positions of a window along one axis."""
    if padding == "SAME":
        return -(-size // stride)
    return (size - (window - 1) * dilation - 1) // stride + 1


def _weighted(
    rng: Rng,
    model: ModelBuilder,
    name: str,
    x: int,
    x_scale: float,
    weights: NDArray[np.int8],
    channel_axis: int,
    output_shape: tuple[int, ...],
    **options: Any,
) -> int:
    """Adds an op with weights, with or without bias, per tensor or per channel; gives its output."""
    channels = weights.shape[channel_axis]
    depth = weights.size // channels
    per_channel = chance(rng, 0.7)
    scales = [scale_of(rng, -14, -2)]
    if per_channel:
        scales += [near(rng, scale_of(rng, -14, -2), scales[0]) for _ in range(channels - 1)]
    typical = x_scale * float(np.median(scales)) * 60 * 60 * depth**0.5 / 50
    wild = chance(rng, 0.15)
    y_scale = near(rng, typical * 2.0 ** rng.uniform(*((-16, 24) if wild else (-2, 2))), x_scale * scales[0])
    asymmetric = name == "FULLY_CONNECTED" and not per_channel and chance(rng, 0.4)
    w_zero = zero_of(rng) if asymmetric else 0
    w = model.tensor("w", weights.shape, data=weights, scale=scales, zero_point=w_zero, axis=channel_axis)
    inputs = [x, w]
    if chance(rng, 0.75):
        reach = pick(rng, 100, 2000 * depth, 1 << 20, (1 << 31) - 1 if wild else 1 << 22)
        bias = rng.integers(-reach, reach, channels, endpoint=True).astype(np.int32)
        inputs.append(
            model.tensor("b", (channels,), "int32", data=bias, scale=[float(np.float32(x_scale * s)) for s in scales])
        )
    elif name == "FULLY_CONNECTED" or (name == "CONV_2D" and chance(rng, 0.3)):
        inputs.append(-1)  # TFLM crashes on a depthwise convolution whose bias is there but absent
    y = model.tensor("y", output_shape, scale=y_scale, zero_point=zero_of(rng))
    if name == "TRANSPOSE_CONV":
        shape = model.tensor("shape", (4,), "int32", data=np.array(output_shape, np.int32))
        inputs = [shape, w, x, *inputs[2:]]
    model.op(name, inputs, [y], fused_activation_function=pick(rng, *ACTIVATIONS), **options)
    return y


def _channels(rng: Rng) -> int:
    """Few, or fours, which some kernels take in one word."""
    return pick(rng, small(rng, 1, 9), 4 * small(rng, 1, 5))


def convolution(rng: Rng, *, depthwise: bool) -> tuple[bytes, list[NDArray[np.int8]]]:
    """CONV_2D, also grouped and dilated, or DEPTHWISE_CONV_2D."""
    height, width, stride_h, stride_w = window(rng)
    padding = pick(rng, "SAME", "VALID")
    dilation_h, dilation_w = pick(rng, (1, 1), (1, 1), (small(rng, 1, 3), small(rng, 1, 3)))
    if max(dilation_h, dilation_w) > 1 and chance(rng, 0.5):
        stride_h = stride_w = 1
    reach_h, reach_w = (height - 1) * dilation_h + 1, (width - 1) * dilation_w + 1
    low = (reach_h, reach_w) if padding == "VALID" else (1, 1)
    # One output pixel is a dense layer.
    size = low if chance(rng, 0.15) else (low[0] + small(rng, 0, 7), low[1] + small(rng, 0, 7))
    batches = pick(rng, 1, 1, 1, 2)
    if depthwise:
        channels, multiplier = _channels(rng), pick(rng, 1, 1, 1, 2, 3, 5)
        filters = channels * multiplier
        weights = _weights(rng, (1, height, width, filters))
        options = {"depth_multiplier": multiplier}
    else:
        groups = pick(rng, 1, 1, 1, 1, 2, 3)
        filter_channels = _channels(rng) if groups == 1 else small(rng, 1, 4)
        per_group = _channels(rng) if groups == 1 else small(rng, 1, 9)
        channels, filters = groups * filter_channels, groups * per_group
        weights = _weights(rng, (filters, height, width, filter_channels))
        options = {}
    model = ModelBuilder()
    x_scale = scale_of(rng)
    shape = (batches, *size, channels)
    x = model.tensor("x", shape, scale=x_scale, zero_point=zero_of(rng))
    out_h = window_count(padding, size[0], height, stride_h, dilation_h)
    out_w = window_count(padding, size[1], width, stride_w, dilation_w)
    y = _weighted(
        rng,
        model,
        "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
        x,
        x_scale,
        weights,
        3 if depthwise else 0,
        (batches, out_h, out_w, filters),
        padding=padding,
        stride_h=stride_h,
        stride_w=stride_w,
        dilation_h_factor=dilation_h,
        dilation_w_factor=dilation_w,
        **options,
    )
    return model.finish([x], [y]), [samples(rng, shape)]


def transpose_conv(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    """TRANSPOSE_CONV: the input is what a convolution makes of an output of any size."""
    height, width, stride_h, stride_w = window(rng)
    padding = pick(rng, "SAME", "VALID")
    low = (height, width) if padding == "VALID" else (1, 1)
    target = (pick(rng, 1, 1, 2), low[0] + small(rng, 0, 9), low[1] + small(rng, 0, 9), small(rng, 1, 9))
    channels = _channels(rng)
    weights = _weights(rng, (target[3], height, width, channels))
    model = ModelBuilder()
    x_scale = scale_of(rng)
    in_h = window_count(padding, target[1], height, stride_h, 1)
    in_w = window_count(padding, target[2], width, stride_w, 1)
    shape = (target[0], in_h, in_w, channels)
    x = model.tensor("x", shape, scale=x_scale, zero_point=zero_of(rng))
    options = {"padding": padding, "stride_h": stride_h, "stride_w": stride_w}
    y = _weighted(rng, model, "TRANSPOSE_CONV", x, x_scale, weights, 0, target, **options)
    return model.finish([x], [y]), [samples(rng, shape)]


def fully_connected(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    """FULLY_CONNECTED, mostly with constant weights."""
    return _computed_weights(rng) if chance(rng, 0.15) else _constant_weights(rng)


def _constant_weights(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    depth, outputs = small(rng, 1, 70), small(rng, 1, 20)
    keep = chance(rng, 0.4)
    rows = pick(rng, (1,), (1,), (3,), (2, 3)) if keep else pick(rng, (1,), (1,), (4,))
    shape: tuple[int, ...] = (*rows, depth)
    if not keep and chance(rng, 0.3):  # an input that the op flattens
        shape = (*rows, pick(rng, 1, 2), depth)
        depth *= shape[-2]
    model = ModelBuilder()
    x_scale = scale_of(rng)
    x = model.tensor("x", shape, scale=x_scale, zero_point=zero_of(rng))
    y = _weighted(
        rng,
        model,
        "FULLY_CONNECTED",
        x,
        x_scale,
        _weights(rng, (outputs, depth)),
        0,
        (*rows, outputs),
        keep_num_dims=keep,
    )
    return model.finish([x], [y]), [samples(rng, shape)]


def _computed_weights(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    """FULLY_CONNECTED whose weights are an input."""
    depth, outputs, rows = small(rng, 1, 40), small(rng, 1, 12), small(rng, 1, 3)
    model = ModelBuilder()
    x_scale, w_scale = scale_of(rng), scale_of(rng)
    x = model.tensor("x", (rows, depth), scale=x_scale, zero_point=zero_of(rng))
    w = model.tensor("w", (outputs, depth), scale=w_scale)
    y_scale = x_scale * w_scale * 60 * 60 * depth**0.5 / 50 * 2.0 ** rng.uniform(-2, 2)
    y_scale = near(rng, y_scale, x_scale * w_scale)
    y = model.tensor("y", (rows, outputs), scale=y_scale, zero_point=zero_of(rng))
    model.op("FULLY_CONNECTED", [x, w, -1], [y], fused_activation_function=pick(rng, *ACTIVATIONS))
    return model.finish([x, w], [y]), [samples(rng, (rows, depth)), samples(rng, (outputs, depth))]
