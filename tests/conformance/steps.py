"""Expected outputs in steps of their tensor, and how far rounding may take a kernel from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.model.graph import DType, Op, Tensor

Real = NDArray[np.float64]

# A requantization rounds twice (to the multiplier's grid, then to an integer), each time by at most a half: of one
# unit in the last step, and of at most half a unit in the first.
REQUANTIZED = 0.75
# Relative error of a 31-bit multiplier; and of one that went through floats.
MULTIPLIER = 2.0**-30
FLOAT_MULTIPLIER = 2.0**-21
# And of one of 15 bits, which 64-bit sums are multiplied by.
REDUCED_MULTIPLIER = 2.0**-15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expected:
    """`value` in steps of the output (zero point included, not clamped) and `tolerance` in steps. Float outputs: both
    are real numbers."""

    value: Real
    tolerance: Real
    low: float = -128.0
    high: float = 127.0

    def violations(self, found: NDArray[np.generic]) -> NDArray[np.bool_]:
        """Where an output is further away than rounding explains. Clamping both brings them no further apart."""
        value = np.clip(self.value, self.low, self.high)
        return np.abs(found.astype(np.float64) - value) > self.tolerance + 1e-9


def exactly(value: Real, relative: float = 0.0) -> Expected:
    return Expected(value=value, tolerance=relative * np.abs(value), low=-math.inf, high=math.inf)


def given_value(value: Real | None) -> Real:
    assert value is not None
    return value


def real_of(tensor: Tensor, given: NDArray[np.generic] | None) -> Real:
    values = np.asarray(tensor.data if given is None else given.reshape(tensor.shape), np.float64)
    q = tensor.quantization
    if q is None:
        return values
    shape = [1] * values.ndim
    if len(q.scales) > 1:
        shape[q.axis or 0] = len(q.scales)
    scales = np.array(q.scales).reshape(shape if len(q.scales) > 1 else [1] * values.ndim)
    zeros = np.array(q.zero_points, np.float64)
    return (values - (zeros.reshape(shape) if zeros.size > 1 else zeros[0])) * scales


def on_grid(op: Op, target: Tensor, real: Real, tolerance: float, relative: float = 0.0) -> Expected:
    """The real result in steps of the target, with the fused activation's bounds rounded to the grid."""
    assert target.quantization is not None
    scale, zero = target.quantization.scale, target.quantization.zero_point
    low, high = {"RELU": (0.0, math.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}.get(
        str(op.options.get("fused_activation_function", "NONE")), (-math.inf, math.inf)
    )
    steps = real / scale
    limits = np.iinfo(target.dtype.value)
    bounds = [max(float(limits.min), min(float(limits.max), _bound(b, scale) + zero)) for b in (low, high)]
    return Expected(value=steps + zero, tolerance=tolerance + relative * np.abs(steps), low=bounds[0], high=bounds[1])


def _bound(real: float, scale: float) -> float:
    """A bound in steps, rounded as the specification's floats are: halves away from zero."""
    if not math.isfinite(real):
        return real
    steps = float(np.float32(real) / np.float32(scale))
    return math.copysign(math.floor(abs(steps) + 0.5), steps)


def overflows(sums: Real, scales: Real | float) -> bool:
    """An accumulator, shifted left for a multiplier above 1, leaves int32 (or its result does)."""
    return bool(np.any(np.abs(sums) * np.maximum(1.0, 4.0 * np.asarray(scales)) >= 2.0**31))


def weighted_sum(
    op: Op, target: Tensor, source: Tensor, weights: Tensor, real: Real, bias: Tensor | None
) -> Expected | None:
    """`real`: sums of products, last axis channels. The bias counts in units of the products' scale."""
    assert source.quantization is not None and weights.quantization is not None and target.quantization is not None
    scales = source.quantization.scale * np.array(weights.quantization.scales)
    total = real
    if bias is not None:
        total = real + np.asarray(bias.data, np.float64) * scales
    if target.dtype is DType.INT16 and (bias is None or bias.dtype is DType.INT64):  # sums of 64 bits
        if np.abs(total / target.quantization.scale).max() >= 2.0**31:
            return None
        return on_grid(op, target, total, 0.5, REDUCED_MULTIPLIER)
    if overflows(total / scales, scales / target.quantization.scale) or overflows(real / scales, 1.0):
        return None
    return on_grid(op, target, total, REQUANTIZED, FLOAT_MULTIPLIER)
