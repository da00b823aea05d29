"""256-entry tables of the unary int8 ops: TFLM's kernels, run here on every input.

A table is an int8 array indexed by the input's byte taken as unsigned: entry (x & 255) is the output for x, so the
C kernel needs no offset. Every function takes the input's and the output's quantization and follows the TFLM kernel
that its docstring names; all of the arithmetic is on integers or correctly rounded floats, so that every host makes
the same table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.fixedpoint import (
    INT8_MAX,
    INT8_MIN,
    Multiplier,
    OutOfRangeError,
    doubling_high_multiply,
    float_ratio,
    multiply,
    quantize_multiplier,
    round_half_away,
    rounding_shift_right,
    wrap32,
)
from edgeq.lower.gemmlowp import logistic as fixed_logistic
from edgeq.lower.gemmlowp import multiply_by_power_of_two
from edgeq.lower.gemmlowp import tanh as fixed_tanh

Table = NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """Per-tensor quantization: real = scale · (q − zero_point). `scale` is a float32 value."""

    scale: float
    zero_point: int


def _table(function: Callable[[int], int]) -> Table:
    """The table of a function of the quantized input, saturated."""
    inputs = np.arange(256, dtype=np.uint8).view(np.int8)
    return np.array([min(INT8_MAX, max(INT8_MIN, function(int(x)))) for x in inputs], np.int8)


def requantize(source: Affine, target: Affine) -> Table:
    """QUANTIZE from int8 to int8: reference_ops::Requantize."""
    multiplier = quantize_multiplier(source.scale / target.scale)
    return _table(lambda x: wrap32(multiply(x - source.zero_point, multiplier) + target.zero_point))


def relu(source: Affine, target: Affine) -> Table:
    """RELU: ReluQuantized."""
    multiplier = quantize_multiplier(source.scale / target.scale)
    zero = target.zero_point
    return _table(lambda x: max(zero, wrap32(multiply(x - source.zero_point, multiplier) + zero)))


def relu6(source: Affine, target: Affine) -> Table:
    """RELU6: clamps to the quantized 0 and 6.

    Relu6Quantized takes no notice of the output's scale. With equal quantizations this is what it does; with unequal
    ones it is wrong, and the table has the correct values: RELU's requantization with both bounds, as LiteRT does.
    """
    if source == target:
        six = min(INT8_MAX, source.zero_point + round_half_away(float_ratio(6.0, source.scale)))
        return _table(lambda x: six if x > six else max(x, source.zero_point))
    multiplier = quantize_multiplier(source.scale / target.scale)
    zero = target.zero_point
    six = zero + round_half_away(float_ratio(6.0, target.scale))
    return _table(lambda x: min(six, max(zero, wrap32(multiply(x - source.zero_point, multiplier) + zero))))


def leaky_relu(source: Affine, target: Affine, alpha: float) -> Table:
    """LEAKY_RELU: QuantizeLeakyRelu; alpha may be negative."""
    slope = source.scale * float(np.float32(alpha)) / target.scale
    negative = quantize_multiplier(abs(slope))
    sign = -1 if slope < 0 else 1
    identity = quantize_multiplier(source.scale / target.scale)

    def value(x: int) -> int:
        centred = x - source.zero_point
        scaled = multiply(centred, identity) if centred >= 0 else sign * multiply(centred, negative)
        return wrap32(scaled + target.zero_point)

    return _table(value)


def absolute(source: Affine, target: Affine) -> Table:
    """ABS: AbsEvalQuantized. Equal scales are not requantized."""
    if source.scale == target.scale:
        return _table(lambda x: abs(x - source.zero_point) + target.zero_point)
    multiplier = quantize_multiplier(source.scale / target.scale)
    return _table(lambda x: wrap32(multiply(abs(x - source.zero_point), multiplier) + target.zero_point))


_SIGMOID_INTEGER_BITS = 4


def _shown(quantization: Affine) -> str:
    return f"scale {quantization.scale:g} and zero point {quantization.zero_point}"


def _sigmoid_input(source: Affine) -> tuple[Multiplier, int]:
    """What LOGISTIC and TANH do with the input's scale: the multiplier to Q4, and the input from which they saturate
    (CalculateInputRadius)."""
    fraction, shift = math.frexp(source.scale * (1 << (31 - _SIGMOID_INTEGER_BITS)))
    if not 0 <= shift <= 30:
        raise OutOfRangeError(f"an input scale of {source.scale:g}")
    radius = math.floor(((1 << _SIGMOID_INTEGER_BITS) - 1) * (1 << (31 - _SIGMOID_INTEGER_BITS)) / (1 << shift))
    return Multiplier(value=round_half_away(fraction * (1 << 31)), shift=shift), radius


def logistic(source: Affine, target: Affine) -> Table:
    """LOGISTIC: reference_integer_ops::Logistic, whose output is always quantized with 1/256 and −128."""
    if target.zero_point != INT8_MIN or target.scale != 1 / 256:
        raise OutOfRangeError(f"an output at {_shown(target)}, not 1/256 and −128")
    multiplier, radius = _sigmoid_input(source)

    def value(x: int) -> int:
        centred = x - source.zero_point
        if abs(centred) >= radius:
            return INT8_MIN if centred <= -radius else INT8_MAX
        return rounding_shift_right(fixed_logistic(multiply(centred, multiplier), _SIGMOID_INTEGER_BITS), 23) - 128

    return _table(value)


def tanh(source: Affine, target: Affine) -> Table:
    """TANH: reference_integer_ops::Tanh, whose output is always quantized with 1/128 and 0."""
    if target.zero_point != 0 or target.scale != 1 / 128:
        raise OutOfRangeError(f"an output at {_shown(target)}, not 1/128 and 0")
    multiplier, radius = _sigmoid_input(source)

    def value(x: int) -> int:
        centred = x - source.zero_point
        if abs(centred) >= radius:
            return INT8_MIN if centred <= -radius else INT8_MAX
        return rounding_shift_right(fixed_tanh(multiply(centred, multiplier), _SIGMOID_INTEGER_BITS), 24)

    return _table(value)


def _int16_multiplier(real: float) -> Multiplier:
    """A multiplier of 16 bits: QuantizeMultiplier, then DownScaleInt32ToInt16Multiplier."""
    wide = quantize_multiplier(real)
    value = (1 << 15) - 1 if wide.value >= (1 << 31) - 1 - (1 << 15) else (wide.value + (1 << 15)) >> 16
    return Multiplier(value=value, shift=wide.shift)


def _saturate16(x: int) -> int:
    return min((1 << 15) - 1, max(-(1 << 15), x))


def _wrap16(x: int) -> int:
    return ((x + (1 << 15)) & 0xFFFF) - (1 << 15)


def hard_swish(source: Affine, target: Affine) -> Table:
    """HARD_SWISH: reference_ops::HardSwish on 16-bit fixed point. The products of scales are floats."""
    hires_scale = np.float32(1.0 / 128.0) * np.float32(source.scale)
    output = _int16_multiplier(float(hires_scale) / target.scale)
    reluish = _int16_multiplier(float(hires_scale) / float(np.float32(3.0) / np.float32(32768.0)))
    if not -15 <= output.shift <= 0 or reluish.shift < -15:  # int16 has no more bits to shift by
        raise OutOfRangeError(f"an input scale of {source.scale:g} with an output scale of {target.scale:g}")

    def value(x: int) -> int:
        hires = _wrap16((x - source.zero_point) * 128)
        preshift = doubling_high_multiply(hires, output.value, 16)
        gate = hires
        if reluish.shift > 0:
            gate = _saturate16(gate << (reluish.shift - 1))
        gate = doubling_high_multiply(gate, reluish.value, 16)
        if reluish.shift > 0:
            gate = _saturate16(gate << 1)
        elif reluish.shift < 0:
            gate = rounding_shift_right(gate, -reluish.shift)
        gate = (gate + (1 << 15)) >> 1
        product = abs(gate * preshift) >> 15  # SaturatingDoublingHighMul rounds to zero
        return rounding_shift_right(-product if preshift < 0 else product, -output.shift) + target.zero_point

    return _table(value)


def elu(source: Affine, target: Affine) -> Table:
    """ELU: PopulateLookupTable on floats. exp is taken in double and rounded to float, which is what a correctly
    rounded expf gives."""
    one = np.float32(1.0)
    inverse = one / np.float32(target.scale)

    def value(x: int) -> int:
        with np.errstate(over="ignore"):
            real = np.float32(source.scale) * np.float32(x - source.zero_point)
            result = np.float32(math.exp(float(real))) - one if real < 0 else real
            scaled = np.float32(round_half_away(min(2.0**30, float(result * inverse)))) + np.float32(target.zero_point)
        return int(scaled)

    return _table(value)


def rsqrt(source: Affine, target: Affine) -> Table:
    """RSQRT: RsqrtEvalQuantized, its multiplier in double as the wheel has it (tests/conformance/test_ties.py). TFLM
    stops the inference at a negative input; the table has the largest output."""
    scale = quantize_multiplier(1.0 / (math.sqrt(source.scale) * target.scale))
    fraction_bits = 20

    def value(x: int) -> int:
        centred = x - source.zero_point
        if centred <= 0:
            return INT8_MAX
        inverse, shift = _inverse_square_root(centred)
        data = multiply(1, Multiplier(value=inverse, shift=shift + fraction_bits))
        final = Multiplier(value=scale.value, shift=scale.shift - fraction_bits)
        if final.shift < -31:
            raise OutOfRangeError(f"an input scale of {source.scale:g} with an output scale of {target.scale:g}")
        return wrap32(multiply(data, final) + target.zero_point)

    return _table(value)


def _inverse_square_root(x: int) -> tuple[int, int]:
    """1/√x for 1 ≤ x < 2^29 as (value, shift): GetInvSqrtQuantizedMultiplierExp, five Newton steps in Q3."""
    if x <= 1:
        return (1 << 31) - 1, 0
    shift = 11
    pairs = (31 - x.bit_length()) // 2 - 1  # CountLeadingZeros(x) − 1 bits of room
    shift -= pairs
    x <<= 2 * pairs
    value = x >> 1
    half = rounding_shift_right(value, 1)
    half_three = (1 << 28) + (1 << 27)
    root = 1 << 28
    for _ in range(5):
        cube = doubling_high_multiply(doubling_high_multiply(root, root), root)
        cube = multiply_by_power_of_two(cube, 6)
        step = wrap32(doubling_high_multiply(half_three, root) - doubling_high_multiply(half, cube))
        root = multiply_by_power_of_two(step, 3)
    root = doubling_high_multiply(root, 1518500250)  # √2 / 2
    if shift < 0:
        root, shift = wrap32(root << -shift), 0
    return root, -shift
