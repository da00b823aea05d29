"""What ops mean that only move or choose values, on the integers themselves: all have one quantization."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from edgeq.model.graph import Op

Array = NDArray[np.generic]


def _slice(op: Op, x: Array, begin: Array, size: Array) -> list[Array]:
    pairs = zip(begin.tolist(), size.tolist(), strict=True)
    return [x[tuple(slice(b, None if n == -1 else b + n) for b, n in pairs)]]


def _strided_slice(op: Op, x: Array, begin: Array, end: Array, strides: Array) -> list[Array]:
    masks = {name: int(op.options[f"{name}_mask"]) for name in ("begin", "end", "shrink_axis")}
    index: list[int | slice] = []
    for i, (b, e, s) in enumerate(zip(begin.tolist(), end.tolist(), strides.tolist(), strict=True)):
        open_begin, open_end, shrink = (bool(masks[name] >> i & 1) for name in ("begin", "end", "shrink_axis"))
        if shrink:
            index.append(0 if open_begin else b)
        else:
            index.append(slice(None if open_begin else b, None if open_end else e, s))
    return [x[tuple(index)]]


def _split(op: Op, axis: Array, x: Array) -> list[Array]:
    return np.split(x, int(op.options["num_splits"]), int(axis.reshape(-1)[0]))


def _split_v(op: Op, x: Array, sizes: Array, axis: Array) -> list[Array]:
    at = int(axis.reshape(-1)[0])
    parts = sizes.astype(np.int64).tolist()
    if -1 in parts:
        parts[parts.index(-1)] = x.shape[at] - sum(n for n in parts if n != -1)
    return np.split(x, np.cumsum(parts)[:-1], at)


def _unpack(op: Op, x: Array) -> list[Array]:
    return list(np.moveaxis(x, int(op.options["axis"]), 0))


def _pack(op: Op, *xs: Array) -> list[Array]:
    return [np.stack(xs, int(op.options["axis"]))]


def _concatenation(op: Op, *xs: Array) -> list[Array]:
    return [np.concatenate(xs, int(op.options["axis"]))]


def _maximum(op: Op, a: Array, b: Array) -> list[Array]:
    return [(np.maximum if op.name == "MAXIMUM" else np.minimum)(a, b)]


def _transpose(op: Op, x: Array, order: Array) -> list[Array]:
    return [x.transpose(order.tolist())]


def _nearest(op: Op, x: Array, size: Array) -> list[Array]:
    """The value at whose position an output's position falls; exactly between two positions, floats may err."""
    corners, centers = bool(op.options["align_corners"]), bool(op.options["half_pixel_centers"])
    picked = x
    for axis, outputs in zip((1, 2), size.tolist(), strict=True):
        n = x.shape[axis]
        index = []
        for i in range(outputs):
            if corners and outputs > 1:
                at = int(Fraction(i * (n - 1), outputs - 1) + Fraction(1, 2))
            else:
                at = int((i + Fraction(1 if centers else 0, 2)) * Fraction(n, outputs))
            index.append(min(at, n - 1))
        picked = picked.take(index, axis)
    return [picked]


# For each op, its outputs from its inputs' integers.
MOVED: Mapping[str, Callable[..., list[Array]]] = {
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "UNPACK": _unpack,
    "PACK": _pack,
    "CONCATENATION": _concatenation,
    "MAXIMUM": _maximum,
    "MINIMUM": _maximum,
    "TRANSPOSE": _transpose,
    "RESIZE_NEAREST_NEIGHBOR": _nearest,
}
