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


STATEFUL: Mapping[str, Callable[[Graph, Op, list[Real | None], Tensor, Memory], Expected | None]] = {
    "SVDF": _svdf,
}
