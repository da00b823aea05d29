"""gemmlowp's fixed-point functions on int32, as TFLM's SOFTMAX, LOGISTIC, TANH and RSQRT use them.

A number "in Qm" is an int32 with m integer bits: real value = raw · 2^(m − 31). The algorithms are those of
gemmlowp's fixedpoint.h, whose function names stand in the docstrings.
"""

from __future__ import annotations

from edgeq.lower.fixedpoint import (
    INT32_MAX,
    INT32_MIN,
    doubling_high_multiply,
    rounding_shift_right,
    wrap32,
)

_ONE = INT32_MAX  # 1.0 in Q0, saturated
_ONE_Q2 = 1 << 29
_ONE_EIGHTH = 1 << 28
_EXP_MINUS_ONE_EIGHTH = 1895147668
_ONE_THIRD = 715827883
# exp(-2^k) in Q0 for k = -2 … 4.
_EXP_MINUS_POWERS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
_48_OVER_17_Q2 = 1515870810
_MINUS_32_OVER_17_Q2 = -1010580540


def multiply_by_power_of_two(x: int, exponent: int) -> int:
    """SaturatingRoundingMultiplyByPOT: x · 2^exponent, rounded to the right, saturated to the left."""
    if exponent <= 0:
        return rounding_shift_right(x, -exponent)
    threshold = (1 << (31 - exponent)) - 1
    if x > threshold:
        return INT32_MAX
    if x < -threshold:
        return INT32_MIN
    return wrap32(x << exponent)


def _exp_on_last_quarter(a: int) -> int:
    """exp_on_interval_between_negative_one_quarter_and_0_excl: a in Q0 within [−1/4, 0); a Taylor series at −1/8."""
    x = wrap32(a + _ONE_EIGHTH)
    x2 = doubling_high_multiply(x, x)
    x3 = doubling_high_multiply(x2, x)
    x4 = doubling_high_multiply(x2, x2)
    x4_over_4 = multiply_by_power_of_two(x4, -2)
    tail = multiply_by_power_of_two(wrap32(doubling_high_multiply(wrap32(x4_over_4 + x3), _ONE_THIRD) + x2), -1)
    return wrap32(_EXP_MINUS_ONE_EIGHTH + doubling_high_multiply(_EXP_MINUS_ONE_EIGHTH, wrap32(x + tail)))


def exp_of_negative(a: int, integer_bits: int) -> int:
    """exp_on_negative_values: exp of a ≤ 0 in Q`integer_bits` (at most 5), in Q0."""
    if a == 0:
        return _ONE
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    modulo = (a & (quarter - 1)) - quarter
    result = _exp_on_last_quarter(multiply_by_power_of_two(modulo, integer_bits))
    remainder = wrap32(modulo - a)
    for exponent, factor in _EXP_MINUS_POWERS:
        if integer_bits > exponent and remainder & (1 << (fraction_bits + exponent)):
            result = doubling_high_multiply(result, factor)
    return result


def _reciprocal_of_half(a: int) -> int:
    """2 / (1 + a) in Q2 for a in Q0 within [0, 1): three Newton steps on the half denominator."""
    half_denominator = (a + _ONE + 1) // 2
    x = wrap32(_48_OVER_17_Q2 + doubling_high_multiply(half_denominator, _MINUS_32_OVER_17_Q2))
    for _ in range(3):
        error = wrap32(_ONE_Q2 - doubling_high_multiply(half_denominator, x))
        x = wrap32(x + multiply_by_power_of_two(doubling_high_multiply(x, error), 2))
    return x


def one_over_one_plus(a: int) -> int:
    """one_over_one_plus_x_for_x_in_0_1: 1 / (1 + a) in Q0. Halving a Q2 number exactly makes it Q1."""
    return multiply_by_power_of_two(_reciprocal_of_half(a), 1)


def logistic(a: int, integer_bits: int) -> int:
    """logistic: 1 / (1 + exp(−a)) in Q0."""
    if a == 0:
        return 1 << 30
    positive = one_over_one_plus(exp_of_negative(-abs(a), integer_bits))
    return positive if a > 0 else wrap32(_ONE - positive)


def tanh(a: int, integer_bits: int) -> int:
    """tanh: (1 − exp(−2a)) / (1 + exp(−2a)) in Q0. Doubling a exactly gives it one integer bit more."""
    if a == 0:
        return 0
    x = _reciprocal_of_half(exp_of_negative(-abs(a), integer_bits + 1))
    magnitude = multiply_by_power_of_two(wrap32(x - _ONE_Q2), 2)
    return magnitude if a > 0 else -magnitude
