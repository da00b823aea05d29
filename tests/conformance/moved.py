"""Random models of the ops that only move values, alone or in front of another op."""

from __future__ import annotations

from typing import Any

import numpy as np
from conformance.draw import Rng, chance, pick, samples, scale_of, small, zero_of
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

Shape = tuple[int, ...]
Case = tuple[bytes, list[NDArray[np.int8]]]


class _Move:
    """One op on one input; some of its outputs are the model's."""

    def __init__(self, rng: Rng, shape: Shape) -> None:
        self.rng, self.shape, self.model = rng, shape, ModelBuilder()
        self.quantization: dict[str, Any] = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
        self.x = self.model.tensor("x", shape, **self.quantization)

    def constant(self, values: Any, shape: Shape) -> int:
        data = np.array(values, np.int32).reshape(shape)
        return self.model.tensor(f"c{len(self.model.graph.tensors)}", shape, "int32", data=data)

    def finish(self, name: str, inputs: list[int], shapes: list[Shape], **options: Any) -> Case:
        """The op; of several outputs a few may have no use."""
        outputs = [self.model.tensor(f"y{i}", shape, **self.quantization) for i, shape in enumerate(shapes)]
        self.model.op(name, inputs, outputs, **options)
        used = [y for y in outputs if chance(self.rng, 0.8)] or outputs[:1]
        return self.model.finish([self.x], used), [samples(self.rng, self.shape)]


def _shape(rng: Rng, most: int, low: int = 1) -> Shape:
    return tuple(small(rng, 1, 7) for _ in range(small(rng, low, most)))


def slice_(rng: Rng) -> Case:
    """SLICE; a size of -1 goes to the end."""
    move = _Move(rng, _shape(rng, 5))
    begin = [small(rng, 0, n - 1) if chance(rng, 0.6) else 0 for n in move.shape]
    size = [pick(rng, n - b, small(rng, 1, n - b)) for n, b in zip(move.shape, begin, strict=True)]
    stated = [-1 if b + s == n and chance(rng, 0.5) else s for n, b, s in zip(move.shape, begin, size, strict=True)]
    rank = (len(move.shape),)
    return move.finish("SLICE", [move.x, move.constant(begin, rank), move.constant(stated, rank)], [tuple(size)])


def strided_slice(rng: Rng) -> Case:
    """STRIDED_SLICE, also backwards, with masks and bounds outside of the input."""
    move = _Move(rng, _shape(rng, 4))
    begin, end, strides, target = [], [], [], []
    masks = {"begin": 0, "end": 0, "shrink_axis": 0}
    for i, n in enumerate(move.shape):
        if chance(rng, 0.2):
            masks["shrink_axis"] |= 1 << i
            at = small(rng, -n, n - 1)
            begin.append(at)
            end.append(pick(rng, at + 1, small(rng, -n, n)))
            strides.append(1)
            if chance(rng, 0.2):
                masks["begin"] |= 1 << i
            continue
        stride = pick(rng, 1, 1, 2, 3, -1, -2)
        while True:
            bounds = [small(rng, -n - 2, n + 2) for _ in range(2)]
            opened = [chance(rng, 0.4) for _ in range(2)]
            ends = [None if o else b for o, b in zip(opened, bounds, strict=True)]
            count = len(range(n)[slice(*ends, stride)])
            if count:
                break
        for name, o in zip(("begin", "end"), opened, strict=True):
            masks[name] |= o << i
        begin.append(bounds[0])
        end.append(bounds[1])
        strides.append(stride)
        target.append(count)
    rank = (len(move.shape),)
    inputs = [move.x, *(move.constant(values, rank) for values in (begin, end, strides))]
    options = {f"{name}_mask": mask for name, mask in masks.items()}
    return move.finish("STRIDED_SLICE", inputs, [tuple(target)], **options)


def split(rng: Rng) -> Case:
    """SPLIT and SPLIT_V along any axis."""
    shape = list(_shape(rng, 4))
    at = small(rng, 0, len(shape) - 1)
    parts = small(rng, 1, 4)
    even = chance(rng, 0.5)
    sizes = [small(rng, 1, 3)] * parts if even else [small(rng, 1, 4) for _ in range(parts)]
    shape[at] = sum(sizes)
    move = _Move(rng, tuple(shape))
    targets = [tuple(n if i == at else m for i, m in enumerate(shape)) for n in sizes]
    axis = move.constant([at - len(shape) if chance(rng, 0.3) else at], pick(rng, (1,), ()))
    if even:
        return move.finish("SPLIT", [axis, move.x], targets, num_splits=parts)
    stated = list(sizes)
    if chance(rng, 0.3):
        stated[small(rng, 0, parts - 1)] = -1
    inputs = [move.x, move.constant(stated, (parts,)), axis]
    return move.finish("SPLIT_V", inputs, targets, num_splits=parts)


def unpack(rng: Rng) -> Case:
    """UNPACK along any axis."""
    move = _Move(rng, tuple(min(n, 5) for n in _shape(rng, 4)))
    at = small(rng, 0, len(move.shape) - 1)
    target = (*move.shape[:at], *move.shape[at + 1 :])
    stated = at - len(move.shape) if chance(rng, 0.3) else at
    count = move.shape[at]
    return move.finish("UNPACK", [move.x], [target] * count, num=count, axis=stated)


def pack(rng: Rng) -> Case:
    """PACK of an input, itself and constants."""
    move = _Move(rng, _shape(rng, 4))
    at = small(rng, 0, len(move.shape))
    inputs = [move.x]
    for i in range(small(rng, 0, 3)):
        data = rng.integers(-128, 128, move.shape).astype(np.int8)
        inputs.append(pick(rng, move.x, move.model.tensor(f"k{i}", move.shape, data=data, **move.quantization)))
    target = (*move.shape[:at], len(inputs), *move.shape[at:])
    stated = at - len(target) if chance(rng, 0.3) else at
    return move.finish("PACK", list(rng.permutation(inputs)), [target], values_count=len(inputs), axis=stated)


def transpose(rng: Rng) -> Case:
    """TRANSPOSE by any permutation."""
    move = _Move(rng, _shape(rng, 5))
    order = [int(i) for i in rng.permutation(len(move.shape))]
    target = tuple(move.shape[i] for i in order)
    return move.finish("TRANSPOSE", [move.x, move.constant(order, (len(order),))], [target])


def resize(rng: Rng, name: str) -> Case:
    """RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR to any size; one that TFLM reads outside of its input for is an
    exception (docs/exceptions.md)."""
    move = _Move(rng, (pick(rng, 1, 1, 2), small(rng, 1, 9), small(rng, 1, 9), small(rng, 1, 5)))
    size = [pick(rng, n, 2 * n, 3 * n, small(rng, 1, 20)) for n in move.shape[1:3]]
    target = (move.shape[0], *size, move.shape[3])
    corners = chance(rng, 0.3)
    centers = not corners and chance(rng, 0.5)
    inputs = [move.x, move.constant(size, (2,))]
    return move.finish(name, inputs, [target], align_corners=corners, half_pixel_centers=centers)


FAMILIES = {
    "slice": lambda rng: pick(rng, slice_, strided_slice)(rng),
    "split": split,
    "pack": lambda rng: pick(rng, pack, unpack)(rng),
    "transpose": transpose,
    "resize": lambda rng: resize(rng, pick(rng, "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")),
}
