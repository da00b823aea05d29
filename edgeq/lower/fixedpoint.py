"""The arithmetic that TFLite Micro does when it prepares a kernel, to the last bit.

Scales are float32 values (as the .tflite stores them) held in Python floats. Products and quotients of scales are
taken in double, as TFLM's wheel does it: TFLM's sources write `static_cast<double>(a / b)` of floats in places, which
a compiler may evaluate in either precision, and it decides the multiplier's last bit. A value that TFLM keeps in a
float variable is rounded to float here too. Each function names the TFLM function that it follows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

INT8_MIN, INT8_MAX = -128, 127
INT16_MIN, INT16_MAX = -(1 << 15), (1 << 15) - 1
INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


class OutOfRangeError(ValueError):
    """A scale leads to a multiplier or an activation range that no integer of the kernel can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplier:
    """`value` · 2^(`shift` − 31), with `value` in [2^30, 2^31) or 0 and `shift` in [−31, 30]."""

    value: int
    shift: int


def round_half_away(x: float) -> int:
    """TfLiteRound: to the nearest integer, halves away from zero. Exact for every float32."""
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def quantize_multiplier(real: float) -> Multiplier:
    """QuantizeMultiplier (quantization_util.cc, double rounding).

    Raises:
        OutOfRangeError: negative, not finite, or too large for a shift of an int32.
    """
    if not math.isfinite(real) or real < 0:
        raise OutOfRangeError(f"a multiplier of {real:g}")
    if real == 0.0:
        return Multiplier(value=0, shift=0)
    fraction, shift = math.frexp(real)
    value = round_half_away(fraction * (1 << 31))
    if value == 1 << 31:
        value //= 2
        shift += 1
    if shift < -31:
        return Multiplier(value=0, shift=0)
    if shift > 30:
        raise OutOfRangeError(f"a multiplier of {real:g}, above 2^30")
    return Multiplier(value=value, shift=shift)


def quantize_multiplier_below_one(real: float) -> Multiplier:
    """QuantizeMultiplierSmallerThanOneExp: TFLM aborts where this raises.

    Raises:
        OutOfRangeError: not in (0, 1), or rounded up to 1.
    """
    if not 0.0 < real < 1.0:
        raise OutOfRangeError(f"a multiplier of {real:g}, which must lie between 0 and 1")
    multiplier = quantize_multiplier(real)
    if multiplier.shift > 0:
        raise OutOfRangeError(f"a multiplier of {real:.17g}, which rounds to 1")
    return multiplier


def convolution_multipliers(
    input_scale: float, weight_scales: Sequence[float], output_scale: float
) -> list[Multiplier]:
    """One multiplier per weight scale: PopulateConvolutionQuantizationParams, all in double."""
    return [quantize_multiplier(input_scale * scale / output_scale) for scale in weight_scales]


def per_tensor_multiplier(input_scale: float, weight_scale: float, output_scale: float) -> Multiplier:
    """GetQuantizedConvolutionMultipler, as FULLY_CONNECTED uses it."""
    return quantize_multiplier(input_scale * weight_scale / output_scale)


def reduced_multiplier(multiplier: Multiplier) -> Multiplier:
    """What MultiplyByQuantizedMultiplier makes of one for an int64: 15 bits, and a shift to the right of 8 to 46.

    Raises:
        OutOfRangeError: a multiplier of 2^7 and more, where TFLM stops.
    """
    if multiplier.shift > 7:
        raise OutOfRangeError(f"a multiplier of {multiplier.value * 2.0 ** (multiplier.shift - 31):g}, above 2^7")
    value = (multiplier.value + (1 << 15)) >> 16 if multiplier.value < 0x7FFF0000 else 0x7FFF
    return Multiplier(value=value, shift=15 - multiplier.shift)


def float_ratio(numerator: float, denominator: float) -> float:
    """A quotient of two floats, rounded to float."""
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        return float(np.float32(numerator) / np.float32(denominator))


def activation_range(
    activation: str, scale: float, zero_point: int, limits: tuple[int, int] = (INT8_MIN, INT8_MAX)
) -> tuple[int, int]:
    """Smallest and largest output of a fused activation: CalculateActivationRangeQuantized.

    Args:
        activation: the schema's name: NONE, RELU, RELU6 or RELU_N1_TO_1.
        scale: the output's scale.
        zero_point: the output's zero point.
        limits: of the output's type.

    Raises:
        OutOfRangeError: a bound does not fit an int32, or TFLM does not know the activation.
    """

    def quantized(value: float) -> int:
        quotient = float_ratio(value, scale)
        if not INT32_MIN <= quotient <= INT32_MAX:
            raise OutOfRangeError(f"an activation bound of {value:g} at scale {scale:g}")
        return zero_point + round_half_away(quotient)

    match activation:
        case "NONE":
            return limits
        case "RELU":
            low, high = quantized(0.0), limits[1]
        case "RELU6":
            low, high = quantized(0.0), quantized(6.0)
        case "RELU_N1_TO_1":
            low, high = quantized(-1.0), quantized(1.0)
        case _:
            raise OutOfRangeError(f"the fused activation {activation}")
    low, high = max(limits[0], low), min(limits[1], high)
    if low > high:
        raise OutOfRangeError(f"{activation} at scale {scale:g} and zero point {zero_point}, which leaves no output")
    return low, high


def output_size(padding: str, size: int, window: int, stride: int, dilation: int = 1) -> int:
    """Positions of a window along one axis: ComputeOutSize. `padding` is SAME or VALID."""
    reach = (window - 1) * dilation + 1
    if padding == "SAME":
        return (size + stride - 1) // stride
    return max(0, (size + stride - reach) // stride)


def padding_before(size: int, window: int, stride: int, output: int, dilation: int = 1) -> int:
    """Zeros before the first element along one axis: ComputePadding (an odd one goes to the end)."""
    reach = (window - 1) * dilation + 1
    return max(0, (output - 1) * stride + reach - size) // 2


def wrap32(x: int) -> int:
    """x modulo 2^32, as an int32."""
    return ((x + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def doubling_high_multiply(a: int, b: int, bits: int = 32) -> int:
    """a · b / 2^(bits − 1), rounded to nearest and saturated: gemmlowp's SaturatingRoundingDoublingHighMul."""
    if a == b == -(1 << (bits - 1)):
        return (1 << (bits - 1)) - 1
    return (a * b + (1 << (bits - 2))) >> (bits - 1)


def rounding_shift_right(x: int, exponent: int) -> int:
    """x / 2^exponent, halves away from zero: gemmlowp's RoundingDivideByPOT."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


def multiply(x: int, multiplier: Multiplier) -> int:
    """x · multiplier with TFLM's two roundings: MultiplyByQuantizedMultiplier. The left shift wraps at 32 bits."""
    left, right = max(multiplier.shift, 0), max(-multiplier.shift, 0)
    return rounding_shift_right(doubling_high_multiply(wrap32(x << left), multiplier.value), right)
