"""Random models of one op each, with inputs, for every family of operators.

A case is a function of (seed, family, index): `make_case` builds it again. Shapes are small, attributes and
quantization cover their whole range, and the extremes come often.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from conformance.draw import ACTIVATIONS, Rng, chance, pick, samples, scale_of, small, zero_of
from numpy.typing import NDArray
from tflite_builder import ModelBuilder


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """A model, and samples of each of its inputs."""

    family: str
    index: int
    seed: int
    content: bytes
    inputs: tuple[NDArray[np.generic], ...]

    @property
    def name(self) -> str:
        """What reproduces it."""
        return f"make_case({self.family!r}, {self.index}, seed={self.seed})"


def _weights(rng: Rng, shape: tuple[int, ...]) -> NDArray[np.int8]:
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(np.array([-127, 127], np.int8), shape)
    if kind < 0.15:
        return np.zeros(shape, np.int8)
    if kind < 0.2:
        return np.full(shape, -128, np.int8)
    return rng.integers(-127, 128, shape).astype(np.int8)


def _window(rng: Rng) -> tuple[int, int, int, int]:
    """Filter height and width, strides."""
    return small(rng, 1, 5), small(rng, 1, 5), small(rng, 1, 3), small(rng, 1, 3)


def _valid_size(padding: str, size: int, window: int, stride: int, dilation: int) -> int:
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
    scales = [scale_of(rng, -14, -2) for _ in range(channels)] if per_channel else [scale_of(rng, -14, -2)]
    typical = x_scale * float(np.median(scales)) * 60 * 60 * depth**0.5 / 50
    wild = chance(rng, 0.15)
    y_scale = float(np.float32(typical * 2.0 ** rng.uniform(*((-16, 24) if wild else (-2, 2)))))
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
    model.op(name, inputs, [y], fused_activation_function=pick(rng, *ACTIVATIONS), **options)
    return y


def _channels(rng: Rng) -> int:
    """Few, or fours, which some kernels take in one word."""
    return pick(rng, small(rng, 1, 9), 4 * small(rng, 1, 5))


def _conv(rng: Rng, depthwise: bool) -> tuple[bytes, list[NDArray[np.int8]]]:
    height, width, stride_h, stride_w = _window(rng)
    padding = pick(rng, "SAME", "VALID")
    dilation_h, dilation_w = pick(rng, (1, 1), (1, 1), (small(rng, 1, 3), small(rng, 1, 3)))
    if max(dilation_h, dilation_w) > 1 and chance(rng, 0.5):
        stride_h = stride_w = 1
    reach_h, reach_w = (height - 1) * dilation_h + 1, (width - 1) * dilation_w + 1
    low = (reach_h, reach_w) if padding == "VALID" else (1, 1)
    size = (low[0] + small(rng, 0, 7), low[1] + small(rng, 0, 7))
    batches = pick(rng, 1, 1, 1, 2)
    if depthwise:
        channels, multiplier = _channels(rng), pick(rng, 1, 1, 1, 2, 3, 5)
        filters = channels * multiplier
        weights = _weights(rng, (1, height, width, filters))
        options = {"depth_multiplier": multiplier}
    else:
        groups = pick(rng, 1, 1, 1, 1, 2, 3)
        filter_channels, per_group = _channels(rng) if groups == 1 else small(rng, 1, 4), small(rng, 1, 9)
        channels, filters = groups * filter_channels, groups * per_group
        weights = _weights(rng, (filters, height, width, filter_channels))
        options = {}
    model = ModelBuilder()
    x_scale = scale_of(rng)
    shape = (batches, *size, channels)
    x = model.tensor("x", shape, scale=x_scale, zero_point=zero_of(rng))
    out_h = _valid_size(padding, size[0], height, stride_h, dilation_h)
    out_w = _valid_size(padding, size[1], width, stride_w, dilation_w)
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


def _fully_connected(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
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
    y_scale = float(np.float32(x_scale * w_scale * 60 * 60 * depth**0.5 / 50 * 2.0 ** rng.uniform(-2, 2)))
    y = model.tensor("y", (rows, outputs), scale=y_scale, zero_point=zero_of(rng))
    model.op("FULLY_CONNECTED", [x, w, -1], [y], fused_activation_function=pick(rng, *ACTIVATIONS))
    return model.finish([x, w], [y]), [samples(rng, (rows, depth)), samples(rng, (outputs, depth))]


def _pool(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    height, width, stride_h, stride_w = _window(rng)
    padding = pick(rng, "SAME", "VALID")
    low = (height, width) if padding == "VALID" else (1, 1)
    shape = (pick(rng, 1, 1, 2), low[0] + small(rng, 0, 7), low[1] + small(rng, 0, 7), small(rng, 1, 9))
    model = ModelBuilder()
    quantization = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    x = model.tensor("x", shape, **quantization)
    out_h = _valid_size(padding, shape[1], height, stride_h, 1)
    out_w = _valid_size(padding, shape[2], width, stride_w, 1)
    y = model.tensor("y", (shape[0], out_h, out_w, shape[3]), **quantization)
    model.op(
        pick(rng, "AVERAGE_POOL_2D", "MAX_POOL_2D"),
        [x],
        [y],
        padding=padding,
        stride_h=stride_h,
        stride_w=stride_w,
        filter_height=height,
        filter_width=width,
        fused_activation_function=pick(rng, *ACTIVATIONS),
    )
    return model.finish([x], [y]), [samples(rng, shape)]


def _broadcast_shapes(rng: Rng) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    target = tuple(small(rng, 1, 4) for _ in range(small(rng, 1, 6)))
    if chance(rng, 0.4):
        return target, target, target
    shapes = []
    for _ in range(2):
        shape = [1 if chance(rng, 0.35) else n for n in target]
        while len(shape) > 1 and shape[0] == 1 and chance(rng, 0.5):
            shape.pop(0)
        shapes.append(tuple(shape))
    return shapes[0], shapes[1], tuple(np.broadcast_shapes(*shapes))


def _arithmetic(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    op = pick(rng, "ADD", "SUB", "MUL")
    shape1, shape2, target = _broadcast_shapes(rng)
    scale1 = scale_of(rng)
    scale2 = pick(rng, scale1, scale_of(rng), float(np.float32(scale1 * 2.0 ** rng.uniform(-14, 0))))
    factor = 2.0 ** rng.uniform(*pick(rng, (-1, 2), (-1, 2), (-12, 12)))
    if op == "MUL":
        y_scale = scale1 * scale2 * 100 * factor
    else:
        y_scale = max(max(scale1, scale2) * factor, 1.01 * 2 * max(scale1, scale2) / (1 << 20))
    model = ModelBuilder()
    x1 = model.tensor("x1", shape1, scale=scale1, zero_point=zero_of(rng))
    inputs, values = [x1], [samples(rng, shape1)]
    x2_quantization = {"scale": scale2, "zero_point": zero_of(rng)}
    if chance(rng, 0.25):
        x2 = model.tensor("x2", shape2, data=rng.integers(-128, 128, shape2).astype(np.int8), **x2_quantization)
    else:
        x2 = model.tensor("x2", shape2, **x2_quantization)
        inputs.append(x2)
        values.append(rng.permutation(samples(rng, shape2)))
    y = model.tensor("y", target, scale=float(np.float32(y_scale)), zero_point=zero_of(rng))
    operands = [x1, x2] if chance(rng, 0.5) else [x2, x1]
    model.op(op, operands, [y], fused_activation_function=pick(rng, *ACTIVATIONS))
    return model.finish(inputs, [y]), values


def _softmax(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    depth = pick(rng, 1, 2, small(rng, 2, 20), small(rng, 2, 300))
    shape = (*pick(rng, (), (1,), (1,), (3,), (2, 3), (1, 2, 2)), depth)
    model = ModelBuilder()
    x = model.tensor("x", shape, scale=scale_of(rng, *pick(rng, (-6, 0), (-12, 4), (-20, 8))), zero_point=zero_of(rng))
    y = model.tensor("y", shape, scale=1 / 256, zero_point=-128)
    model.op("SOFTMAX", [x], [y], beta=pick(rng, 1.0, 1.0, 0.5, 2.0, float(rng.uniform(0.1, 5))))
    return model.finish([x], [y]), [samples(rng, shape)]


def _mean(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    shape = tuple(small(rng, 1, 7) for _ in range(small(rng, 1, 4)))
    rank = len(shape)
    axes = sorted(int(a) for a in rng.choice(rank, small(rng, 1, rank), replace=False))
    if rank == 4 and chance(rng, 0.4):
        axes = [1, 2]
    keep = chance(rng, 0.5)
    target = tuple(1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes)
    stated = [a - rank if chance(rng, 0.2) else a for a in axes]
    model = ModelBuilder()
    x_scale = scale_of(rng)
    y_scale = pick(rng, x_scale, float(np.float32(x_scale * 2.0 ** rng.uniform(*pick(rng, (-2, 1), (-9, 12))))))
    x = model.tensor("x", shape, scale=x_scale, zero_point=zero_of(rng))
    axis = model.tensor("axes", (len(stated),), "int32", data=np.array(stated, np.int32))
    y = model.tensor("y", target, scale=y_scale, zero_point=zero_of(rng))
    model.op("MEAN", [x, axis], [y], keep_dims=keep)
    return model.finish([x], [y]), [samples(rng, shape)]


def _pad(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    shape = tuple(small(rng, 1, 5) for _ in range(small(rng, 1, 5)))
    amounts = np.array([[small(rng, 0, 3) if chance(rng, 0.5) else 0 for _ in range(2)] for _ in shape], np.int32)
    target = tuple(int(n + a + b) for n, (a, b) in zip(shape, amounts, strict=True))
    quantization = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    model = ModelBuilder()
    x = model.tensor("x", shape, **quantization)
    inputs = [x, model.tensor("paddings", amounts.shape, "int32", data=amounts)]
    name = pick(rng, "PAD", "PADV2")
    if name == "PADV2":
        value = np.array([small(rng, -128, 127)], np.int8)
        inputs.append(model.tensor("value", pick(rng, (1,), ()), data=value, **quantization))
    y = model.tensor("y", target, **quantization)
    model.op(name, inputs, [y])
    return model.finish([x], [y]), [samples(rng, shape)]


def _concatenation(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    base = [small(rng, 1, 5) for _ in range(small(rng, 1, 4))]
    axis = small(rng, 0, len(base) - 1)
    quantization = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    model = ModelBuilder()
    tensors, inputs, values, total = [], [], [], 0
    for i in range(small(rng, 1, 5)):
        shape = tuple(small(rng, 1, 4) if d == axis else n for d, n in enumerate(base))
        total += shape[axis]
        if i and chance(rng, 0.2):
            data = rng.integers(-128, 128, shape).astype(np.int8)
            tensors.append(model.tensor(f"x{i}", shape, data=data, **quantization))
        else:
            tensors.append(model.tensor(f"x{i}", shape, **quantization))
            inputs.append(tensors[-1])
            values.append(samples(rng, shape))
    y = model.tensor("y", [total if d == axis else n for d, n in enumerate(base)], **quantization)
    model.op("CONCATENATION", tensors, [y], axis=axis - len(base) if chance(rng, 0.3) else axis)
    return model.finish(inputs, [y]), values


UNARY = ("ABS", "ELU", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "QUANTIZE", "RELU", "RELU6", "RSQRT", "TANH")


def every_int8() -> NDArray[np.int8]:
    """All 256 values, as one sample."""
    return np.arange(-128, 128, dtype=np.int8).reshape(1, 256)


def unary_model(name: str, source: tuple[float, int], target: tuple[float, int], alpha: float = 0.0) -> bytes:
    """A unary op on 256 values between two quantizations (scale, zero point)."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 256), scale=source[0], zero_point=source[1])
    y = model.tensor("y", (1, 256), scale=target[0], zero_point=target[1])
    model.op(name, [x], [y], **({"alpha": alpha} if name == "LEAKY_RELU" else {}))
    return model.finish([x], [y])


def _unary(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    content, values = unary_case(rng, pick(rng, *UNARY))
    return content, [values[None]]


def unary_case(rng: Rng, name: str) -> tuple[bytes, NDArray[np.int8]]:
    """A unary op between random quantizations, and the inputs that TFLM takes, (1, 256)."""
    source = (scale_of(rng, *pick(rng, (-7, -2), (-12, 2.4))), zero_of(rng))
    values = every_int8()
    match name:
        case "LOGISTIC":
            target = (1 / 256, -128)
        case "TANH":
            target = (1 / 128, 0)
        case "RELU6":  # equal quantizations: the others are an exception (docs/exceptions.md)
            target = source
        case "HARD_SWISH":
            target = (float(np.float32(source[0] * 2.0 ** rng.uniform(*pick(rng, (-2, 1), (-6, 8))))), zero_of(rng))
        case "RSQRT":  # negative inputs are refused while TFLM runs
            target = (float(np.float32(source[0] ** -0.5 / 128 * 2.0 ** rng.uniform(-4, 2))), zero_of(rng))
            values = np.maximum(values, np.int8(source[1]))
        case _:
            ratio = pick(rng, 1.0, 2.0 ** rng.uniform(-2, 2), 2.0 ** rng.uniform(-8, 20))
            target = (float(np.float32(source[0] * ratio)), zero_of(rng))
    alpha = float(np.float32(pick(rng, 0.01, 0.1, 0.2, 0.3, rng.uniform(0, 2), -0.5)))
    return unary_model(name, source, target, alpha), values


def _quantize(rng: Rng) -> tuple[bytes, list[NDArray[np.generic]]]:
    """QUANTIZE from float32, and back by DEQUANTIZE."""
    shape = (1, small(rng, 1, 60))
    model = ModelBuilder()
    scale, zero = scale_of(rng, -20, 10), zero_of(rng)
    x = model.tensor("x", shape, "float32")
    q = model.tensor("q", shape, scale=scale, zero_point=zero)
    model.op("QUANTIZE", [x], [q])
    # Values between the steps, at the halves, and far outside (but not beyond an int32: docs/exceptions.md).
    steps = np.float32(scale) * rng.uniform(-300, 300, (3, *shape)).astype(np.float32)
    halves = np.float32(scale) * (rng.integers(-600, 600, (2, *shape)) / 2).astype(np.float32)
    far = np.float32(scale) * rng.choice(np.array([-1e8, -1e4, 0.0, 1e4, 1e8], np.float32), (1, *shape))
    values = np.concatenate([steps, halves, far]).astype(np.float32)
    outputs = [q]
    if chance(rng, 0.5):
        outputs = [model.tensor("y", shape, "float32")]
        model.op("DEQUANTIZE", [q], outputs)
    return model.finish([x], outputs), [values]


FAMILIES: dict[str, Callable[[Rng], tuple[bytes, list[Any]]]] = {
    "conv_2d": lambda rng: _conv(rng, depthwise=False),
    "depthwise_conv_2d": lambda rng: _conv(rng, depthwise=True),
    "fully_connected": lambda rng: _computed_weights(rng) if chance(rng, 0.15) else _fully_connected(rng),
    "pool_2d": _pool,
    "arithmetic": _arithmetic,
    "softmax": _softmax,
    "mean": _mean,
    "pad": _pad,
    "concatenation": _concatenation,
    "unary": _unary,
    "quantize": _quantize,
}


def make_case(family: str, index: int, *, seed: int) -> Case:
    """Case `index` of a family."""
    rng = np.random.default_rng([seed, zlib.crc32(family.encode()), index])
    content, inputs = FAMILIES[family](rng)
    return Case(family=family, index=index, seed=seed, content=content, inputs=tuple(inputs))
