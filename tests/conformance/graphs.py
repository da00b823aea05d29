"""Random models of several ops: chains with branches, so that values live side by side, are reused and reshaped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from conformance import graph_ops
from conformance.draw import ACTIVATIONS, Rng, chance, near, pick, samples, scale_of, small, zero_of
from numpy.typing import NDArray
from tflite_builder import ModelBuilder


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A tensor of the model under construction."""

    index: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    @property
    def quantization(self) -> dict[str, Any]:
        """For ops whose output has their input's quantization."""
        return {"scale": self.scale, "zero_point": self.zero_point}


class GraphMaker:
    """Adds random ops on values that are there already."""

    def __init__(self, rng: Rng) -> None:
        """With one or two inputs of the same shape."""
        self.rng = rng
        self.model = ModelBuilder()
        self.values: list[Value] = []
        self.used: set[int] = set()
        shape = (1, small(rng, 3, 8), small(rng, 3, 8), pick(rng, small(rng, 1, 6), 4 * small(rng, 1, 3)))
        self.inputs = [self.value(shape) for _ in range(pick(rng, 1, 1, 2))]

    def value(self, shape: tuple[int, ...], scale: float | None = None, zero_point: int | None = None) -> Value:
        """A new tensor."""
        scale = scale_of(self.rng, -6, -2) if scale is None else float(np.float32(scale))
        zero_point = zero_of(self.rng) if zero_point is None else zero_point
        name = f"t{len(self.values)}"
        index = self.model.tensor(name, shape, scale=scale, zero_point=zero_point)
        found = Value(index=index, shape=shape, scale=scale, zero_point=zero_point)
        self.values.append(found)
        return found

    def constant(self, data: NDArray[np.generic], **quantization: Any) -> int:
        """A new constant."""
        name = f"c{len(self.model.graph.tensors)}"
        return self.model.tensor(name, data.shape, str(data.dtype), data=data, **quantization)

    def op(
        self, name: str, sources: list[Value], target: Value, constants: tuple[int, ...] = (), **options: Any
    ) -> None:
        """A new op."""
        self.used |= {s.index for s in sources}
        self.model.op(name, [s.index for s in sources] + list(constants), [target.index], **options)

    def activation(self) -> str:
        """A fused activation."""
        return str(pick(self.rng, *ACTIVATIONS))

    def grow(self) -> None:
        """One more op, on a value that was made lately or long ago."""
        rng = self.rng
        x = self.values[-1] if chance(rng, 0.6) else self.values[int(rng.integers(len(self.values)))]
        image = len(x.shape) == 4 and min(x.shape[1:3]) >= 1
        if chance(rng, 0.35):
            if len(x.shape) < 5:  # what TFLM takes, with the dimension that PACK adds
                pick(rng, *(graph_ops.IMAGES if image else graph_ops.ROWS))(self, x)
        elif image and chance(rng, 0.75):
            pick(rng, self.convolution, self.depthwise, self.pool, self.pair, self.pad, self.unary, self.mean)(x)
        else:
            pick(rng, self.reshape, self.dense, self.pair, self.unary, self.softmax)(x)

    def convolution(self, x: Value) -> None:
        """CONV_2D, SAME."""
        filters = pick(self.rng, small(self.rng, 1, 8), 4 * small(self.rng, 1, 4))
        window, stride = pick(self.rng, small(self.rng, 1, 4), 3), pick(self.rng, 1, 1, 2)
        weights = self.rng.integers(-127, 128, (filters, window, window, x.shape[3])).astype(np.int8)
        target, constants = self.weighted(
            x, weights, 0, (1, -(-x.shape[1] // stride), -(-x.shape[2] // stride), filters)
        )
        options = {"padding": "SAME", "stride_h": stride, "stride_w": stride}
        self.op("CONV_2D", [x], target, constants, fused_activation_function=self.activation(), **options)

    def depthwise(self, x: Value) -> None:
        """DEPTHWISE_CONV_2D, SAME."""
        window, stride = pick(self.rng, small(self.rng, 1, 4), 3), pick(self.rng, 1, 1, 2)
        weights = self.rng.integers(-127, 128, (1, window, window, x.shape[3])).astype(np.int8)
        shape = (1, -(-x.shape[1] // stride), -(-x.shape[2] // stride), x.shape[3])
        target, constants = self.weighted(x, weights, 3, shape)
        options = {"padding": "SAME", "stride_h": stride, "stride_w": stride, "depth_multiplier": 1}
        self.op("DEPTHWISE_CONV_2D", [x], target, constants, fused_activation_function=self.activation(), **options)

    def dense(self, x: Value) -> None:
        """FULLY_CONNECTED over the last dimension."""
        weights = self.rng.integers(-127, 128, (small(self.rng, 1, 12), x.shape[-1])).astype(np.int8)
        target, constants = self.weighted(x, weights, 0, (math.prod(x.shape[:-1]), len(weights)))
        self.op("FULLY_CONNECTED", [x], target, constants, fused_activation_function=self.activation())

    def weighted(
        self, x: Value, weights: NDArray[np.int8], axis: int, shape: tuple[int, ...]
    ) -> tuple[Value, tuple[int, ...]]:
        """The output, weights and bias of an op with weights."""
        channels = weights.shape[axis]
        scales = np.float32(2.0) ** self.rng.uniform(-10, -5, channels).astype(np.float32)
        depth = weights.size // channels
        w = self.constant(weights, scale=scales.tolist(), axis=axis)
        bias = self.rng.integers(-500 * depth, 500 * depth, channels).astype(np.int32)
        b = self.constant(bias, scale=(scales * np.float32(x.scale)).tolist(), axis=0)
        unit = x.scale * float(scales[0])
        return self.value(shape, near(self.rng, x.scale * float(np.median(scales)) * 80 * depth**0.5, unit)), (w, b)

    def pool(self, x: Value) -> None:
        """AVERAGE_POOL_2D or MAX_POOL_2D, SAME."""
        window, stride = small(self.rng, 1, 3), small(self.rng, 1, 2)
        shape = (1, -(-x.shape[1] // stride), -(-x.shape[2] // stride), x.shape[3])
        target = self.value(shape, **x.quantization)
        options = {"padding": "SAME", "stride_h": stride, "stride_w": stride}
        name = pick(self.rng, "AVERAGE_POOL_2D", "MAX_POOL_2D")
        self.op(name, [x], target, filter_height=window, filter_width=window, **options)

    def pair(self, x: Value) -> None:
        """ADD, SUB or MUL with a value of the same shape, itself, or a constant; or CONCATENATION with itself."""
        others = [v for v in self.values if v.shape == x.shape]
        y = others[int(self.rng.integers(len(others)))]
        name = pick(self.rng, "ADD", "ADD", "SUB", "MUL", "CONCATENATION")
        if name == "CONCATENATION":
            same = [v for v in others if v.quantization == x.quantization]
            parts = [x, *same[: small(self.rng, 0, 2)]]
            axis = small(self.rng, 0, len(x.shape) - 1)
            shape = tuple(n * len(parts) if i == axis else n for i, n in enumerate(x.shape))
            if math.prod(shape) > 4000 or axis == 0:
                return
            self.op(name, parts, self.value(shape, **x.quantization), axis=axis)
            return
        factor = 60 * y.scale if name == "MUL" else 1.5
        if chance(self.rng, 0.3):
            row = self.rng.integers(-128, 128, x.shape[-1:]).astype(np.int8)
            constant = self.constant(row, scale=y.scale, zero_point=y.zero_point)
            self.op(name, [x], self.value(x.shape, max(x.scale, y.scale / 4) * factor), (constant,))
            return
        scale = x.scale * factor if name == "MUL" else max(x.scale, y.scale) * factor
        unit = x.scale * y.scale if name == "MUL" else x.scale
        self.op(
            name, [x, y], self.value(x.shape, near(self.rng, scale, unit)), fused_activation_function=self.activation()
        )

    def pad(self, x: Value) -> None:
        """PAD of height and width."""
        amounts = np.array([[0, 0], [1, 0], [0, 1], [0, 0]], np.int32)
        shape = (1, x.shape[1] + 1, x.shape[2] + 1, x.shape[3])
        self.op("PAD", [x], self.value(shape, **x.quantization), (self.constant(amounts),))

    def unary(self, x: Value) -> None:
        """A table."""
        name = pick(self.rng, "RELU", "LEAKY_RELU", "LOGISTIC", "TANH", "ABS", "QUANTIZE")
        fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
        if name in fixed and x.scale > 4:
            return
        free = (near(self.rng, x.scale * 2.0 ** self.rng.uniform(-1, 1), x.scale), zero_of(self.rng))
        target = self.value(x.shape, *fixed.get(name, free))
        self.op(name, [x], target, **({"alpha": 0.25} if name == "LEAKY_RELU" else {}))

    def mean(self, x: Value) -> None:
        """MEAN over height and width."""
        keep = chance(self.rng, 0.5)
        shape = (1, 1, 1, x.shape[3]) if keep else (1, x.shape[3])
        axes = self.constant(np.array([1, 2], np.int32))
        self.op("MEAN", [x], self.value(shape, x.scale, x.zero_point), (axes,), keep_dims=keep)

    def reshape(self, x: Value) -> None:
        """RESHAPE to a row, or to an image again."""
        size = math.prod(x.shape)
        shape = (1, size) if len(x.shape) == 4 else (1, 1, 1, size)
        self.op("RESHAPE", [x], self.value(shape, **x.quantization), (self.constant(np.array(shape, np.int32)),))

    def softmax(self, x: Value) -> None:
        """SOFTMAX of short rows."""
        if x.shape[-1] < 300:
            self.op("SOFTMAX", [x], self.value(x.shape, 1 / 256, -128), beta=1.0)


def make_graph(index: int, *, seed: int) -> tuple[bytes, tuple[NDArray[np.int8], ...]]:
    """Random model `index`: the .tflite, and samples of its inputs. Every value that nothing reads is an output."""
    rng = Rng(seed, 4242, index)
    maker = GraphMaker(rng)
    for _ in range(small(rng, 3, 14)):
        maker.grow()
    while len(maker.values) == len(maker.inputs):
        maker.grow()
    inputs = [v for v in maker.inputs if v.index in maker.used]
    outputs = [v for v in maker.values if v.index not in maker.used and v not in maker.inputs]
    content = maker.model.finish([v.index for v in inputs], [v.index for v in outputs])
    return content, tuple(rng.permutation(samples(rng, v.shape)) for v in inputs)
