"""What ops mean that remember: the float result of the samples so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from conformance.steps import FLOAT_MULTIPLIER, REQUANTIZED, Expected, Real, given_value, on_grid, overflows
from numpy.typing import NDArray

from edgeq.model.graph import Graph, Op, Tensor

# What each variable holds, by tensor: real values for the ops that sum, integers for READ_VARIABLE; None: not known.
Memory = dict[int, Any]

VARIABLES = ("VAR_HANDLE", "CALL_ONCE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def remember(graph: Graph, op: Op, given: dict[int, NDArray[np.generic]], memory: Memory) -> None:
    """READ_VARIABLE and ASSIGN_VARIABLE, on the integers."""
    if op.name == "READ_VARIABLE":
        (handle,), (result,) = op.inputs, op.outputs
        variable = graph.tensors[handle]
        zero = variable.quantization.zero_point if variable.quantization is not None else 0
        first = np.full(variable.shape, zero, np.int8) if variable.initial is None else variable.initial
        held = memory.get(handle, first)
        if held is not None:
            given[result] = held
    elif op.name == "ASSIGN_VARIABLE":
        handle, value = op.inputs
        memory[handle] = given.get(value)


def _svdf(graph: Graph, op: Op, values: list[Real | None], target: Tensor, memory: Memory) -> Expected | None:
    x, features, times = (given_value(values[i]) for i in range(3))
    state = graph.tensors[op.inputs[4]]
    assert state.quantization is not None and target.quantization is not None
    scale, zero = state.quantization.scale, state.quantization.zero_point
    limits = np.iinfo(state.dtype.value)
    seen = memory.get(state.index, np.zeros((x.shape[0], *times.shape)))
    # The product is clamped to the state's integers before its zero point is added, which may then wrap.
    now = np.clip(x @ features.T, limits.min * scale, limits.max * scale)
    steps = now / scale + zero
    wraps = (steps < limits.min + 2) | (steps > limits.max - 2)
    now = np.where(wraps if zero else np.zeros_like(wraps), np.nan, now)
    memory[state.index] = seen = np.concatenate([seen[..., 1:], now[..., None]], axis=-1)
    rank = int(op.options["rank"])
    real = (seen * times).sum(axis=-1).reshape(x.shape[0], -1, rank).sum(axis=-1)
    if np.isnan(real).any():
        return None
    time_scale = graph.tensors[op.inputs[2]].quantization
    assert time_scale is not None
    units = scale * time_scale.scale
    if op.inputs[3] >= 0:
        real = real + np.asarray(graph.tensors[op.inputs[3]].data, np.float64) * units
    if overflows(real / units, units / target.quantization.scale) or overflows(
        np.abs(seen * times).sum(axis=-1).reshape(x.shape[0], -1, rank).sum(axis=-1) / units, 1.0
    ):
        return None
    slack = (np.abs(times).sum(axis=-1)).reshape(-1, rank).sum(axis=-1) * REQUANTIZED * scale
    found = on_grid(op, target, real, REQUANTIZED, FLOAT_MULTIPLIER)
    return Expected(
        value=found.value,
        tolerance=found.tolerance + slack / target.quantization.scale,
        low=found.low,
        high=found.high,
    )


# Recurrent weights of a unit, added up, with which a rounding error of the hidden state does not grow much.
_CONTRACTING = 6.0


def _sigmoid(x: Real) -> Real:
    return 0.5 + 0.5 * np.tanh(x / 2)


def _lstm(graph: Graph, op: Op, values: list[Real | None], target: Tensor, memory: Memory) -> Expected | None:
    """The hidden state is rounded, as the op defines it. Errors of the gates and of the cell feed back: the tolerance
    is what networks show whose recurrent weights are small."""
    x = given_value(values[0])
    if op.options["time_major"]:
        x = x.swapaxes(0, 1)
    w, r, b = ([given_value(values[i]) for i in range(first, first + 4)] for first in (1, 5, 12))
    cell_scale = graph.tensors[op.inputs[19]].quantization
    assert cell_scale is not None and target.quantization is not None
    if max(np.abs(weights).sum(axis=1).max() for weights in r) > _CONTRACTING:
        return None
    units = len(b[0])
    h, c = memory.get(op.inputs[18], (np.zeros((len(x), units)), np.zeros((len(x), units))))
    rows = []
    limit = 32767 * cell_scale.scale
    clip = float(op.options["cell_clip"])
    for t in range(x.shape[1]):
        pairs = [(x[:, t] @ w[i].T + b[i], h @ r[i].T) for i in range(4)]
        sums = [np.clip(np.clip(given, -8, 8) + np.clip(kept, -8, 8), -8, 8) for given, kept in pairs]
        accept, forget, change, show = _sigmoid(sums[0]), _sigmoid(sums[1]), np.tanh(sums[2]), _sigmoid(sums[3])
        c = np.clip(forget * c + accept * change, -limit, limit)
        c = np.clip(c, -clip, clip) if clip else c
        h = show * np.tanh(c)
        rows.append(h)
        scale, zero = target.quantization.scale, target.quantization.zero_point
        h = (np.clip(np.round(h / scale + zero), -128, 127) - zero) * scale
    memory[op.inputs[18]] = (h, c)
    real = np.stack(rows, axis=0 if op.options["time_major"] else 1)
    return on_grid(op, target, real, 1.5 + 0.04 / target.quantization.scale)


STATEFUL: Mapping[str, Callable[[Graph, Op, list[Real | None], Tensor, Memory], Expected | None]] = {
    "SVDF": _svdf,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
