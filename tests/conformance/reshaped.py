"""Random models of RESHAPE, SQUEEZE and EXPAND_DIMS: alone, and around another op."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from conformance.draw import Rng, chance, near, pick, samples, scale_of, small, zero_of
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

Shape = tuple[int, ...]


class _Chain:
    """Moves a value through shapes, all with one dtype and quantization."""

    def __init__(self, rng: Rng, model: ModelBuilder) -> None:
        self.rng, self.model = rng, model

    def tensor(self, shape: Shape, dtype: str = "int8", **quantization: Any) -> int:
        return self.model.tensor(f"t{len(self.model.graph.tensors)}", shape, dtype, **quantization)

    def constant(self, values: list[int], shape: Shape) -> int:
        data = np.array(values, np.int32).reshape(shape)
        return self.model.tensor(f"c{len(self.model.graph.tensors)}", shape, "int32", data=data)

    def move(self, x: int, shape: Shape, dtype: str = "int8", **quantization: Any) -> tuple[int, Shape]:
        """One of the three ops, with attributes at random; gives the new value and its shape."""
        rng = self.rng
        name = pick(rng, "RESHAPE", "SQUEEZE", "EXPAND_DIMS")
        if name == "SQUEEZE" and 1 in shape and len(shape) > 1:
            ones = [i for i, n in enumerate(shape) if n == 1]
            gone = sorted(int(i) for i in rng.choice(ones, small(rng, 1, len(ones)), replace=False))
            if len(gone) == len(shape):
                gone = gone[1:]
            everything = gone == ones and chance(rng, 0.5)
            target = tuple(n for i, n in enumerate(shape) if i not in gone)
            y = self.tensor(target, dtype, **quantization)
            stated = [i - len(shape) if chance(rng, 0.2) else i for i in gone]
            self.model.op(name, [x], [y], squeeze_dims=[] if everything else stated)
        elif name == "EXPAND_DIMS" and len(shape) < 5:
            at = small(rng, 0, len(shape))
            target = (*shape[:at], 1, *shape[at:])
            y = self.tensor(target, dtype, **quantization)
            stated = [at - len(target) if chance(rng, 0.3) else at]
            self.model.op(name, [x, self.constant(stated, pick(rng, (1,), ()))], [y])
        else:
            target = self.other_shape(math.prod(shape))
            y = self.tensor(target, dtype, **quantization)
            self.reshape(x, y, target)
        return y, target

    def reshape(self, x: int, y: int, target: Shape) -> None:
        """RESHAPE, its shape as a constant or as an attribute, perhaps with one dimension left open (-1)."""
        stated = list(target)
        if chance(self.rng, 0.4):
            stated[small(self.rng, 0, len(target) - 1)] = -1
        if chance(self.rng, 0.6):
            self.model.op("RESHAPE", [x, self.constant(stated, (len(stated),))], [y])
        else:
            self.model.op("RESHAPE", [x], [y], new_shape=stated)

    def other_shape(self, size: int) -> Shape:
        """Some shape of `size` elements."""
        shape = [size]
        for _ in range(small(self.rng, 0, 3)):
            divisors = [d for d in range(1, shape[-1] + 1) if shape[-1] % d == 0]
            front = pick(self.rng, *divisors)
            shape[-1:] = [front, shape[-1] // front]
        return tuple(shape)


def reshape(rng: Rng) -> tuple[bytes, list[NDArray[Any]]]:
    """One to three of the ops on an input; or up to two of them before and after another op."""
    model = ModelBuilder()
    chain = _Chain(rng, model)
    shape = tuple(small(rng, 1, 5) for _ in range(small(rng, 1, 4)))
    if chance(rng, 0.1):  # floats move too
        x = y = chain.tensor(shape, "float32")
        values = rng.normal(0, 100, (3, *shape)).astype(np.float32)
        for _ in range(small(rng, 1, 2)):
            y, shape = chain.move(y, shape, "float32")
        return model.finish([x], [y]), [values]
    quantization = {"scale": scale_of(rng, -7, -2), "zero_point": zero_of(rng)}
    x = y = chain.tensor(shape, **quantization)
    values = samples(rng, shape)
    if chance(rng, 0.3):
        for _ in range(small(rng, 1, 3)):
            y, shape = chain.move(y, shape, **quantization)
        return model.finish([x], [y]), [values]
    outputs = []
    before, after = pick(rng, (0, 1), (1, 0), (1, 1), (2, 1), (1, 2), (2, 2))
    for _ in range(before):
        y, shape = chain.move(y, shape, **quantization)
    if before and chance(rng, 0.3):  # the op may not write over what is an output under another shape
        outputs.append(y)
    y, shape, quantization = _another(rng, chain, (x, y), shape, quantization)
    for _ in range(after):
        y, shape = chain.move(y, shape, **quantization)
    return model.finish([x], [*outputs, y]), [values]


def _another(
    rng: Rng, chain: _Chain, sources: tuple[int, int], shape: Shape, quantization: dict[str, Any]
) -> tuple[int, Shape, dict[str, Any]]:
    """An op that computes, on the last of `sources`; ADD joins it with the first in another shape of its own."""
    scale = quantization["scale"]
    name = pick(rng, "RELU", "ABS", "ADD", "CONCATENATION", "FULLY_CONNECTED", "PAD", "SOFTMAX")
    x, options, result = sources[1], {}, {**quantization}
    operands, target = [x], shape
    match name:
        case "RELU" | "ABS":
            result = {"scale": near(rng, scale * 2.0 ** rng.uniform(-2, 2), scale), "zero_point": zero_of(rng)}
        case "ADD":
            same = chain.tensor(shape, **quantization)
            chain.reshape(sources[0], same, shape)
            operands = pick(rng, [x, same], [same, x], [same, same])
            result = {"scale": near(rng, scale * 2.0 ** rng.uniform(-1, 2), scale), "zero_point": zero_of(rng)}
        case "CONCATENATION":
            operands, options = [x, x], {"axis": len(shape) - 1}
            target = (*shape[:-1], 2 * shape[-1])
        case "FULLY_CONNECTED":
            depth, filters = shape[-1], small(rng, 1, 6)
            weights = rng.integers(-127, 128, (filters, depth)).astype(np.int8)
            operands += [chain.model.tensor("w", weights.shape, data=weights, scale=2.0**-6), -1]
            target = (*shape[:-1], filters) if len(shape) > 1 else (1, filters)
            options = {"keep_num_dims": len(shape) > 1}
            result = {"scale": near(rng, scale * 2.0**-6 * 60 * depth**0.5, scale * 2.0**-6), "zero_point": 3}
        case "PAD":
            amounts = [small(rng, 0, 2) for _ in range(2 * len(shape))]
            operands.append(chain.constant(amounts, (len(shape), 2)))
            target = tuple(n + a + b for n, a, b in zip(shape, amounts[::2], amounts[1::2], strict=True))
        case "SOFTMAX":
            result, options = {"scale": 1 / 256, "zero_point": -128}, {"beta": 1.0}
    y = chain.tensor(target, **result)
    chain.model.op(name, operands, [y], **options)
    return y, target, result
