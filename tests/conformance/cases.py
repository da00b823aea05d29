"""Random models of one op each, with inputs, for every family of operators.

A case is a function of (seed, family, index, draw): `make_case` builds it again. Shapes are small, attributes and
quantization cover their whole range, and the extremes come often.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from conformance import moved, paired, stateful, wide
from conformance.draw import ACTIVATIONS, Rng, broadcast_shapes, chance, near, pick, samples, scale_of, small, zero_of
from conformance.reshaped import reshape
from conformance.weighted import convolution, fully_connected, transpose_conv, window, window_count
from numpy.typing import NDArray
from tflite_builder import ModelBuilder


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """A model, and samples of each of its inputs."""

    family: str
    index: int
    draw: int
    seed: int
    content: bytes
    inputs: tuple[NDArray[np.generic], ...]

    @property
    def name(self) -> str:
        """What reproduces it."""
        return f"make_case({self.family!r}, {self.index}, {self.draw}, seed={self.seed})"


def _pool(rng: Rng, name: str) -> tuple[bytes, list[NDArray[np.int8]]]:
    height, width, stride_h, stride_w = window(rng)
    padding = pick(rng, "SAME", "VALID")
    low = (height, width) if padding == "VALID" else (1, 1)
    shape = (pick(rng, 1, 1, 2), low[0] + small(rng, 0, 7), low[1] + small(rng, 0, 7), small(rng, 1, 9))
    model = ModelBuilder()
    quantization = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    x = model.tensor("x", shape, **quantization)
    out_h = window_count(padding, shape[1], height, stride_h, 1)
    out_w = window_count(padding, shape[2], width, stride_w, 1)
    y = model.tensor("y", (shape[0], out_h, out_w, shape[3]), **quantization)
    model.op(
        name,
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


def _arithmetic(rng: Rng, op: str) -> tuple[bytes, list[NDArray[np.int8]]]:
    shape1, shape2, target = broadcast_shapes(rng)
    scale1 = scale_of(rng)
    scale2 = near(rng, pick(rng, scale1, scale_of(rng), scale1 * 2.0 ** rng.uniform(-14, 0)), scale1)
    factor = 2.0 ** rng.uniform(*pick(rng, (-1, 2), (-1, 2), (-12, 12)))
    if op == "MUL":
        y_scale = near(rng, scale1 * scale2 * 100 * factor, scale1 * scale2)
    else:
        y_scale = near(rng, max(scale1, scale2) * max(factor, 1.5 * 2 / (1 << 20)), scale1)
    model = ModelBuilder()
    x1 = model.tensor("x1", shape1, scale=scale1, zero_point=zero_of(rng))
    inputs, values = [x1], [samples(rng, shape1)]
    x2_quantization = {"scale": scale2, "zero_point": zero_of(rng)}
    if chance(rng, 0.25):
        if chance(rng, 0.4):  # one value
            shape2 = pick(rng, (1,), (1,) * len(shape1))
            target = shape1 or (1,)
        x2 = model.tensor("x2", shape2, data=rng.integers(-128, 128, shape2).astype(np.int8), **x2_quantization)
    else:
        x2 = model.tensor("x2", shape2, **x2_quantization)
        inputs.append(x2)
        values.append(rng.permutation(samples(rng, shape2)))
    y = model.tensor("y", target, scale=y_scale, zero_point=zero_of(rng))
    operands = [x1, x2] if chance(rng, 0.5) else [x2, x1]
    model.op(op, operands, [y], fused_activation_function=pick(rng, *ACTIVATIONS))
    return model.finish(inputs, [y]), values


def _softmax(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    depth = pick(rng, 1, 2, small(rng, 2, 20), small(rng, 2, 300))
    shape = (*pick(rng, (), (1,), (1,), (3,), (2, 3), (1, 2, 2)), depth)
    model = ModelBuilder()
    x_scale = near(rng, scale_of(rng, *pick(rng, (-6, 0), (-12, 4), (-20, 8))), 1.0)
    x = model.tensor("x", shape, scale=x_scale, zero_point=zero_of(rng))
    y = model.tensor("y", shape, scale=1 / 256, zero_point=-128)
    model.op("SOFTMAX", [x], [y], beta=pick(rng, 1.0, 1.0, 0.5, 2.0, float(rng.uniform(0.1, 5))))
    return model.finish([x], [y]), [samples(rng, shape)]


def _reduction(rng: Rng, name: str) -> tuple[bytes, list[NDArray[np.int8]]]:
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
    y_scale = pick(rng, x_scale, near(rng, x_scale * 2.0 ** rng.uniform(*pick(rng, (-2, 1), (-9, 12))), x_scale))
    x_zero, y_zero = zero_of(rng), zero_of(rng)
    if name == "SUM":
        size = float(np.prod([shape[i] for i in axes]))
        y_scale = near(rng, x_scale * size * 2.0 ** rng.uniform(*pick(rng, (-2, 1), (-9, 12))), x_scale)
    elif name != "MEAN":
        y_scale, y_zero = x_scale, x_zero
    x = model.tensor("x", shape, scale=x_scale, zero_point=x_zero)
    axis = model.tensor("axes", (len(stated),), "int32", data=np.array(stated, np.int32))
    y = model.tensor("y", target, scale=y_scale, zero_point=y_zero)
    model.op(name, [x, axis], [y], keep_dims=keep)
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


def _unary(rng: Rng, name: str) -> tuple[bytes, list[NDArray[np.int8]]]:
    content, values = unary_case(rng, name)
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
            target = (near(rng, source[0] * 2.0 ** rng.uniform(*pick(rng, (-2, 1), (-6, 8))), source[0]), zero_of(rng))
        case "RSQRT":  # negative inputs are refused while TFLM runs
            target = (near(rng, source[0] ** -0.5 / 128 * 2.0 ** rng.uniform(-4, 2), source[0] ** -0.5), zero_of(rng))
            values = np.maximum(values, np.int8(source[1]))
        case _:
            ratio = pick(rng, 1.0, 2.0 ** rng.uniform(-2, 2), 2.0 ** rng.uniform(-8, 20))
            target = (near(rng, source[0] * ratio, source[0]), zero_of(rng))
    alpha = float(np.float32(pick(rng, 0.01, 0.1, 0.2, 0.3, rng.uniform(0, 2), -0.5)))
    return unary_model(name, source, target, alpha), values


def _quantize(rng: Rng) -> tuple[bytes, list[NDArray[Any]]]:
    """QUANTIZE from float32 or from int8."""
    if chance(rng, 0.5):
        return _unary(rng, "QUANTIZE")
    shape = (1, small(rng, 1, 60))
    model = ModelBuilder()
    scale = near(rng, scale_of(rng, -20, 10), 1.0)
    x = model.tensor("x", shape, "float32")
    y = model.tensor("y", shape, scale=scale, zero_point=zero_of(rng))
    model.op("QUANTIZE", [x], [y])
    return model.finish([x], [y]), [_floats(rng, shape, scale)]


def _floats(rng: Rng, shape: tuple[int, ...], scale: float) -> NDArray[np.float32]:
    """Values between the steps, at the halves, and far outside (but not beyond an int32: docs/exceptions.md)."""
    steps = np.float32(scale) * rng.uniform(-300, 300, (3, *shape)).astype(np.float32)
    halves = np.float32(scale) * (rng.integers(-600, 600, (2, *shape)) / 2).astype(np.float32)
    far = np.float32(scale) * rng.choice(np.array([-1e8, -1e4, 0.0, 1e4, 1e8], np.float32), (1, *shape))
    return np.concatenate([steps, halves, far]).astype(np.float32)


def _dequantize(rng: Rng) -> tuple[bytes, list[NDArray[Any]]]:
    """DEQUANTIZE of an input, or of what QUANTIZE made."""
    shape = (1, small(rng, 1, 60))
    model = ModelBuilder()
    scale = near(rng, scale_of(rng, -20, 10), 1.0)
    q = model.tensor("q", shape, scale=scale, zero_point=zero_of(rng))
    y = model.tensor("y", shape, "float32")
    x, values = q, samples(rng, shape)
    if chance(rng, 0.4):
        x, values = model.tensor("x", shape, "float32"), _floats(rng, shape, scale)
        model.op("QUANTIZE", [x], [q])
    model.op("DEQUANTIZE", [q], [y])
    return model.finish([x], [y]), [values]


FAMILIES: dict[str, Callable[[Rng], tuple[bytes, list[Any]]]] = {
    "conv_2d": partial(convolution, depthwise=False),
    "depthwise_conv_2d": partial(convolution, depthwise=True),
    "transpose_conv": transpose_conv,
    "fully_connected": fully_connected,
    **{name.lower(): partial(_pool, name=name) for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D")},
    **{name.lower(): partial(_arithmetic, op=name) for name in ("ADD", "SUB", "MUL")},
    "softmax": _softmax,
    "mean": partial(_reduction, name="MEAN"),
    "sum": partial(_reduction, name="SUM"),
    "reduce_max": lambda rng: _reduction(rng, pick(rng, "REDUCE_MAX", "REDUCE_MIN")),
    "pad": _pad,
    "reshape": reshape,
    "concatenation": _concatenation,
    **moved.FAMILIES,
    **paired.FAMILIES,
    **stateful.FAMILIES,
    **wide.FAMILIES,
    "quantize": _quantize,
    "dequantize": _dequantize,
    **{name.lower(): partial(_unary, name=name) for name in UNARY if name != "QUANTIZE"},
}


def make_case(family: str, index: int, draw: int = 0, *, seed: int) -> Case:
    """Case `index` of a family; `draw` counts replacements of models that TFLM refuses."""
    rng = Rng(seed, zlib.crc32(family.encode()), index, draw)
    content, inputs = FAMILIES[family](rng)
    return Case(family=family, index=index, draw=draw, seed=seed, content=content, inputs=tuple(inputs))
