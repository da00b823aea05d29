"""What ops mean that compute, beyond those in `oracle`: one function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from conformance.steps import (
    FLOAT_MULTIPLIER,
    MULTIPLIER,
    REQUANTIZED,
    Expected,
    Real,
    exactly,
    given_value,
    on_grid,
    overflows,
    weighted_sum,
)

from edgeq.model.graph import Graph, Op, Tensor

Values = list[Real | None]


def _transpose_conv(graph: Graph, op: Op, values: Values, target: Tensor) -> Expected | None:
    w, x = given_value(values[1]), given_value(values[2])
    size, window = target.shape[1:3], w.shape[1:3]
    stride = (int(op.options["stride_h"]), int(op.options["stride_w"]))
    full = np.zeros(
        (x.shape[0], *((n - 1) * s + k for n, s, k in zip(x.shape[1:3], stride, window, strict=True)), w.shape[0])
    )
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            patch = np.einsum("bc,oyxc->byxo", x[:, i, j], w)
            full[:, i * stride[0] : i * stride[0] + window[0], j * stride[1] : j * stride[1] + window[1]] += patch
    # SAME cuts off what a convolution of the output would have padded.
    cut = [
        max(0, (n - 1) * s + k - m) // 2 if op.options["padding"] == "SAME" else 0
        for n, s, k, m in zip(x.shape[1:3], stride, window, size, strict=True)
    ]
    real = np.zeros(target.shape)
    inside = full[:, cut[0] : cut[0] + size[0], cut[1] : cut[1] + size[1]]
    real[:, : inside.shape[1], : inside.shape[2]] = inside
    bias = graph.tensors[op.inputs[3]] if len(op.inputs) > 3 else None
    return weighted_sum(op, target, graph.tensors[op.inputs[2]], graph.tensors[op.inputs[1]], real, bias)


def _prelu(graph: Graph, op: Op, values: Values, target: Tensor) -> Expected | None:
    x, slope = given_value(values[0]), given_value(values[1])
    scales = [q.scale for q in (graph.tensors[i].quantization for i in (*op.inputs, *op.outputs)) if q is not None]
    if overflows(np.full(1, 256.0), scales[0] / scales[2]):
        return None
    if overflows(np.full(1, 65536.0), scales[0] * scales[1] / scales[2]):
        return None
    return on_grid(op, target, np.where(x < 0, slope * x, x), REQUANTIZED, FLOAT_MULTIPLIER)


def _resize_bilinear(graph: Graph, op: Op, values: Values, target: Tensor) -> Expected:
    """Positions are rounded to a 1024th per output position, and weights with them."""
    assert target.quantization is not None
    real = given_value(values[0])
    spread = 0.0
    for axis in (1, 2):
        n, outputs = real.shape[axis], target.shape[axis]
        steps = np.arange(outputs)
        if op.options["align_corners"] and outputs > 1:
            at = steps * (n - 1) / (outputs - 1)
        else:
            at = (steps + 0.5) * n / outputs - 0.5 if op.options["half_pixel_centers"] else steps * n / outputs
        at = np.clip(at, 0, n - 1)
        low = np.floor(at).astype(int)
        weight = (at - low).reshape([-1 if i == axis else 1 for i in range(4)])
        real = real.take(low, axis) * (1 - weight) + real.take(np.minimum(low + 1, n - 1), axis) * weight
        spread += 255 * (0.5 * outputs + 1) / 1024
    return on_grid(op, target, real, 0.5 + spread)


def _reduce(graph: Graph, op: Op, values: Values, target: Tensor) -> Expected | None:
    x = given_value(values[0])
    axes = tuple(int(a) for a in np.asarray(graph.tensors[op.inputs[1]].data).reshape(-1))
    match op.name:
        case "MEAN":
            return on_grid(op, target, x.mean(axis=axes).reshape(target.shape), REQUANTIZED, 2 * MULTIPLIER)
        case "SUM":
            real = x.sum(axis=axes).reshape(target.shape)
            source = graph.tensors[op.inputs[0]].quantization
            assert source is not None and target.quantization is not None
            if overflows(real / source.scale, source.scale / target.quantization.scale):
                return None
            return on_grid(op, target, real, REQUANTIZED, FLOAT_MULTIPLIER)
        case _:
            extreme = x.max if op.name == "REDUCE_MAX" else x.min
            return on_grid(op, target, extreme(axis=axes).reshape(target.shape), 0.0)


def _arg(graph: Graph, op: Op, values: Values, target: Tensor) -> Expected:
    x, axis = given_value(values[0]), int(np.asarray(graph.tensors[op.inputs[1]].data).reshape(-1)[0])
    return exactly((np.argmax if op.name == "ARG_MAX" else np.argmin)(x, axis).astype(np.float64))


def _l2_normalization(graph: Graph, op: Op, values: Values, target: Tensor) -> Expected:
    x = given_value(values[0])
    norm = np.sqrt((x * x).sum(axis=-1, keepdims=True))
    real = np.divide(x, norm, out=np.zeros_like(x), where=norm > 0)
    return on_grid(op, target, real, REQUANTIZED, FLOAT_MULTIPLIER)


def _batch_matmul(graph: Graph, op: Op, values: Values, target: Tensor) -> Expected | None:
    a, b = given_value(values[0]), given_value(values[1])
    a = np.swapaxes(a, -1, -2) if op.options["adj_x"] else a
    b = np.swapaxes(b, -1, -2) if op.options["adj_y"] else b
    real = a @ b
    scales = [q.scale for q in (graph.tensors[i].quantization for i in (*op.inputs, *op.outputs)) if q is not None]
    if overflows(real / (scales[0] * scales[1]), scales[0] * scales[1] / scales[2]):
        return None
    return on_grid(op, target, real, REQUANTIZED, FLOAT_MULTIPLIER)


MEANINGS: Mapping[str, Callable[[Graph, Op, Values, Tensor], Expected | None]] = {
    "TRANSPOSE_CONV": _transpose_conv,
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), _reduce),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), _arg),
    "L2_NORMALIZATION": _l2_normalization,
    "BATCH_MATMUL": _batch_matmul,
    "PRELU": _prelu,
    "RESIZE_BILINEAR": _resize_bilinear,
}
