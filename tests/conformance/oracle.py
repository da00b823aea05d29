"""What an op means: the float result of the dequantized inputs, and how far rounding may take an int8 kernel from it.

Written from the operators' definitions, not from any kernel, so that it catches a reference that is wrong itself.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from conformance.oracle_moves import MOVED
from conformance.oracle_states import STATEFUL, VARIABLES, Memory, remember
from conformance.oracle_values import MEANINGS
from conformance.steps import (
    FLOAT_MULTIPLIER,
    REQUANTIZED,
    Expected,
    Real,
    exactly,
    given_value,
    on_grid,
    overflows,
    real_of,
    weighted_sum,
)
from numpy.typing import NDArray

from edgeq.model.graph import DType, Graph, Op, Tensor

MOVES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


def expected(graph: Graph, inputs: list[NDArray[np.generic]]) -> Expected | None:
    """What the graph's first op should give for one sample; None where an int32 of the kernel overflows."""
    return meanings(graph, inputs).get(graph.ops[0].outputs[0])


def meanings(graph: Graph, inputs: list[NDArray[np.generic]], memory: Memory | None = None) -> dict[int, Expected]:
    """What values should be for one sample, by tensor: those behind at most one op that rounds, not counting the
    ones that only move values or dequantize them. A value is missing where an int32 of the kernel overflows.

    `memory` has what the samples before have left in the model's variables, and is changed.
    """
    memory = {} if memory is None else memory
    given = dict(zip(graph.inputs, inputs, strict=True))
    found: dict[int, Expected] = {}
    for op in graph.ops:
        if op.name in VARIABLES:
            remember(graph, op, given, memory)
            found |= {i: exactly(given[i].astype(np.float64)) for i in op.outputs if i in given}
            continue
        source, target = op.inputs[0], op.outputs[0]
        shape = graph.tensors[target].shape
        if op.name in MOVES and source in given:
            given[target] = given[source].reshape(shape)
            found[target] = exactly(given[target].astype(np.float64))
        elif op.name in MOVES and source in found:
            moved = found[source]
            tolerance = np.broadcast_to(moved.tolerance, moved.value.shape)
            found[target] = replace(moved, value=moved.value.reshape(shape), tolerance=tolerance.reshape(shape))
        elif op.name == "DEQUANTIZE" and source in given:
            found[target] = exactly(real_of(graph.tensors[source], given[source]), 2.0**-24)
        elif op.name == "DEQUANTIZE" and source in found:
            found[target] = _dequantized(found[source], graph.tensors[source])
        elif op.name in STATEFUL:
            values = [
                real_of(graph.tensors[i], given.get(i)) if _is_known(graph, i, given) else None for i in op.inputs
            ]
            want = STATEFUL[op.name](graph, op, values, graph.tensors[target], memory)
            if want is not None:
                found[target] = want
        elif all(i < 0 or i in given or graph.tensors[i].data is not None for i in op.inputs):
            if op.name in MOVED:
                for index, value in zip(op.outputs, MOVED[op.name](op, *_integers(graph, op, given)), strict=True):
                    given[index] = value
                    found[index] = exactly(value.astype(np.float64))
                continue
            want = _of(graph, op, given)
            if want is not None:
                found[target] = want
    return found


def _is_known(graph: Graph, tensor: int, given: dict[int, NDArray[np.generic]]) -> bool:
    return tensor >= 0 and (tensor in given or graph.tensors[tensor].data is not None)


def _integers(graph: Graph, op: Op, given: dict[int, NDArray[np.generic]]) -> list[NDArray[np.generic]]:
    return [given[i] if i in given else np.asarray(graph.tensors[i].data) for i in op.inputs]


def _dequantized(steps: Expected, tensor: Tensor) -> Expected:
    assert tensor.quantization is not None
    scale, zero = tensor.quantization.scale, tensor.quantization.zero_point
    low, high = (steps.low - zero) * scale, (steps.high - zero) * scale
    value = (steps.value - zero) * scale
    size = np.minimum(np.abs(value), max(abs(low), abs(high)))
    return Expected(value=value, tolerance=steps.tolerance * scale + 2.0**-22 * size, low=low, high=high)


def _of(graph: Graph, op: Op, given: dict[int, NDArray[np.generic]]) -> Expected | None:
    values = [real_of(graph.tensors[i], given.get(i)) if i >= 0 else None for i in op.inputs]
    target = graph.tensors[op.outputs[0]]
    match op.name:
        case "CONV_2D" | "DEPTHWISE_CONV_2D":
            return _convolution(graph, op, values, target)
        case "FULLY_CONNECTED":
            return _fully_connected(graph, op, values, target)
        case "AVERAGE_POOL_2D" | "MAX_POOL_2D":
            return _pool(graph, op, values, target)
        case "ADD" | "SUB" | "MUL":
            return _arithmetic(graph, op, values, target)
        case "SOFTMAX":
            x = given_value(values[0]) * float(op.options["beta"])
            e = np.exp(x - x.max(axis=-1, keepdims=True))
            real = e / e.sum(axis=-1, keepdims=True)
            if target.dtype is DType.INT16:  # exp and reciprocal are interpolated, differences below -10 count as -10
                return on_grid(op, target, real, 8.0 + 2.0 * real.shape[-1], 2.0**-10)
            # exp, its sum and the reciprocal are fixed-point approximations: less than a quarter of a step together.
            return on_grid(op, target, real, 0.5 + 0.25)
        case "PAD" | "PADV2":
            fill = 0.0 if len(values) < 3 else float(given_value(values[2]).reshape(-1)[0])
            amounts = np.asarray(graph.tensors[op.inputs[1]].data).tolist()
            return on_grid(op, target, np.pad(given_value(values[0]), amounts, constant_values=fill), 0.0)
        case name if name in MEANINGS:
            return MEANINGS[name](graph, op, values, target)
        case _:
            return _unary(graph, op, given_value(values[0]), target)


def _bias(graph: Graph, op: Op) -> Tensor | None:
    return graph.tensors[op.inputs[2]] if len(op.inputs) > 2 and op.inputs[2] >= 0 else None


def _convolution(graph: Graph, op: Op, values: list[Real | None], target: Tensor) -> Expected | None:
    x, w = given_value(values[0]), given_value(values[1])
    stride = (int(op.options["stride_h"]), int(op.options["stride_w"]))
    dilation = (int(op.options["dilation_h_factor"]), int(op.options["dilation_w_factor"]))
    window = w.shape[1:3]
    padded = _padded(x, target.shape, window, stride, dilation, 0.0)
    out_h, out_w = target.shape[1:3]
    real = np.zeros(target.shape)
    for i in range(window[0]):
        for j in range(window[1]):
            y, z = i * dilation[0], j * dilation[1]
            patch = padded[
                :, y : y + (out_h - 1) * stride[0] + 1 : stride[0], z : z + (out_w - 1) * stride[1] + 1 : stride[1]
            ]
            if op.name == "DEPTHWISE_CONV_2D":
                real += np.repeat(patch, w.shape[3] // x.shape[3], axis=3) * w[0, i, j]
            else:
                groups = x.shape[3] // w.shape[3]
                each = w.shape[0] // groups
                for g in range(groups):
                    part = patch[..., g * w.shape[3] : (g + 1) * w.shape[3]]
                    real[..., g * each : (g + 1) * each] += part @ w[g * each : (g + 1) * each, i, j].T
    return weighted_sum(op, target, graph.tensors[op.inputs[0]], graph.tensors[op.inputs[1]], real, _bias(graph, op))


def _padded(
    x: Real,
    target: tuple[int, ...],
    window: tuple[int, ...],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    fill: float,
) -> Real:
    """The input with what SAME adds around it (nothing for VALID, where windows fit)."""
    amounts = [(0, 0)]
    for axis in range(2):
        reach = (window[axis] - 1) * dilation[axis] + 1
        total = max(0, (target[axis + 1] - 1) * stride[axis] + reach - x.shape[axis + 1])
        amounts.append((total // 2, total - total // 2))
    return np.pad(x, [*amounts, (0, 0)], constant_values=fill)


def _fully_connected(graph: Graph, op: Op, values: list[Real | None], target: Tensor) -> Expected | None:
    x, w = given_value(values[0]), given_value(values[1])
    real = (x.reshape(-1, w.shape[1]) @ w.T).reshape(target.shape)
    return weighted_sum(op, target, graph.tensors[op.inputs[0]], graph.tensors[op.inputs[1]], real, _bias(graph, op))


def _pool(graph: Graph, op: Op, values: list[Real | None], target: Tensor) -> Expected:
    x = given_value(values[0])
    stride = (int(op.options["stride_h"]), int(op.options["stride_w"]))
    window = (int(op.options["filter_height"]), int(op.options["filter_width"]))
    padded = _padded(x, target.shape, window, stride, (1, 1), math.nan)
    real = np.zeros(target.shape)
    for i in range(target.shape[1]):
        for j in range(target.shape[2]):
            y, z = i * stride[0], j * stride[1]
            patch = padded[:, y : y + window[0], z : z + window[1]]
            real[:, i, j] = (np.nanmean if op.name == "AVERAGE_POOL_2D" else np.nanmax)(patch, axis=(1, 2))
    # Sums and clamping are in steps of the input, which has the output's zero point.
    return on_grid(op, target, real, 0.5 if op.name == "AVERAGE_POOL_2D" else 0.0)


def _arithmetic(graph: Graph, op: Op, values: list[Real | None], target: Tensor) -> Expected | None:
    a, b = given_value(values[0]), given_value(values[1])
    scales = [graph.tensors[i].quantization for i in (*op.inputs, *op.outputs)]
    first, second, output = (q.scale for q in scales if q is not None)
    if op.name == "MUL":
        if overflows(a * b / (first * second), first * second / output):
            return None
        return on_grid(op, target, a * b, REQUANTIZED, FLOAT_MULTIPLIER)
    # Both inputs are requantized to steps of twice the larger scale / 2^20 (2^15 for int16) before they meet.
    left = 20 if target.dtype is DType.INT8 else 15
    inner = 2 * REQUANTIZED * 2 * max(first, second) / (2**left * output)
    real = a + b if op.name == "ADD" else a - b
    size = (np.abs(a) + np.abs(b)) / output
    found = on_grid(op, target, real, REQUANTIZED + inner)
    return Expected(
        value=found.value, tolerance=found.tolerance + FLOAT_MULTIPLIER * size, low=found.low, high=found.high
    )


def _unary(graph: Graph, op: Op, x: Real, target: Tensor) -> Expected | None:
    source = graph.tensors[op.inputs[0]]
    assert source.quantization is not None or op.name == "QUANTIZE"
    assert target.quantization is not None
    ratio = source.quantization.scale / target.quantization.scale if source.quantization else 0.0
    if overflows(np.full(1, 256.0), ratio):
        return None
    match op.name:
        case "QUANTIZE" if source.quantization is None:
            return on_grid(op, target, x, 0.5, 2.0**-23)
        case "QUANTIZE" | "RELU" | "RELU6" | "LEAKY_RELU" | "ABS":
            alpha = float(op.options.get("alpha", 0.0))
            real = {
                "QUANTIZE": x,
                "RELU": np.maximum(x, 0),
                "RELU6": np.clip(x, 0, 6),
                "LEAKY_RELU": np.where(x < 0, alpha * x, x),
                "ABS": np.abs(x),
            }[op.name]
            return on_grid(op, target, real, REQUANTIZED, FLOAT_MULTIPLIER)
        case "LOGISTIC":
            return _saturating(op, source, target, x, 0.5 + 0.5 * np.tanh(x / 2))
        case "TANH":
            return _saturating(op, source, target, x, np.tanh(x))
        case "ELU":
            return on_grid(op, target, np.where(x < 0, np.expm1(np.minimum(x, 0)), x), 0.5, FLOAT_MULTIPLIER)
        case "HARD_SWISH":
            return _hard_swish(op, source, target, x)
        case "RSQRT":
            with np.errstate(divide="ignore"):
                return on_grid(op, target, np.where(x > 0, 1 / np.sqrt(np.maximum(x, 0)), 1e30), 0.55, 2.0**-16)
    raise AssertionError(op.name)


def _hard_swish(op: Op, source: Tensor, target: Tensor, x: Real) -> Expected:
    """16-bit fixed point whose step is 2^shift output steps: x is rounded to it and the product with the gate truncated
    to it, before the sum is rounded to an output step. The gate itself has 15 bits, and so have both multipliers.

    Output steps far finer than the input's leave no bits (shift 0), and the truncation is then a whole output step.
    """
    assert source.quantization is not None and target.quantization is not None
    fine = 2.0 ** math.frexp(source.quantization.scale / 128 / target.quantization.scale)[1]
    tolerance = (0.5 if fine < 1 else 0.0) + 1.5 * fine + 2.0**-13 * np.abs(x) / target.quantization.scale
    found = on_grid(op, target, x * np.clip(x + 3, 0, 6) / 6, 0.0)
    return Expected(value=found.value, tolerance=tolerance, low=found.low, high=found.high)


def _saturating(op: Op, source: Tensor, target: Tensor, x: Real, real: Real) -> Expected:
    """LOGISTIC and TANH take the limit from a number of input steps on that depends on the scale's power of two: 7.5
    to 15 for fine scales, less for scales above 1/2, where it is rounded down (docs/exceptions.md)."""
    assert source.quantization is not None
    scale = source.quantization.scale
    radius = math.floor(15.0 / 2.0 ** (math.frexp(scale)[1])) * scale
    found = on_grid(op, target, real, 0.55)
    limit = np.where(x > 0, 127.0, -128.0)
    return Expected(
        value=found.value,
        tolerance=np.where(np.abs(x) >= radius, np.abs(found.value - limit), found.tolerance),
        low=found.low,
        high=found.high,
    )
