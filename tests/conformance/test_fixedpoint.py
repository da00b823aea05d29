"""The multiplier and rounding functions, against the definitions that they claim to have."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.lower import fixedpoint as fp
from edgeq.lower import gemmlowp

INT32 = st.integers(fp.INT32_MIN, fp.INT32_MAX)


@given(st.floats(1e-12, 2.0**29))
def test_multiplier_is_the_nearest(real: float) -> None:
    m = fp.quantize_multiplier(real)
    if real < 2.0**-32:  # below the smallest shift there is only 0
        assert m.value == 0 or m.shift == -31
        return
    assert 1 << 30 <= m.value < 1 << 31
    value = Fraction(m.value) * Fraction(2) ** (m.shift - 31)
    assert abs(value - Fraction(real)) <= Fraction(real) * Fraction(1, 1 << 31)


@pytest.mark.parametrize(
    ("real", "value", "shift"), [(0.0, 0, 0), (1.0, 1 << 30, 1), (0.5, 1 << 30, 0), (0.75, 3 << 29, 0)]
)
def test_multipliers(real: float, value: int, shift: int) -> None:
    assert fp.quantize_multiplier(real) == fp.Multiplier(value=value, shift=shift)


def test_multiplier_that_rounds_up_to_one() -> None:
    almost = 1.0 - 2.0**-40
    assert fp.quantize_multiplier(almost) == fp.Multiplier(value=1 << 30, shift=1)
    with pytest.raises(fp.OutOfRangeError, match="rounds to 1"):
        fp.quantize_multiplier_below_one(almost)


@pytest.mark.parametrize("real", [float("inf"), float("nan"), -1.0, 2.0**31])
def test_impossible_multipliers(real: float) -> None:
    with pytest.raises(fp.OutOfRangeError):
        fp.quantize_multiplier(real)


@given(INT32, st.integers(0, 31))
def test_rounding_shift_halves_away_from_zero(x: int, bits: int) -> None:
    assert fp.rounding_shift_right(x, bits) == fp.round_half_away(x / 2**bits)


@given(INT32, st.integers(0, fp.INT32_MAX))
def test_high_multiply_halves_up(a: int, b: int) -> None:
    exact = Fraction(a * b, 1 << 31)
    found = fp.doubling_high_multiply(a, b)
    assert -Fraction(1, 2) < found - exact <= Fraction(1, 2)


def test_high_multiply_saturates() -> None:
    assert fp.doubling_high_multiply(fp.INT32_MIN, fp.INT32_MIN) == fp.INT32_MAX


@given(st.integers(-(1 << 24), 1 << 24), st.floats(1e-6, 8.0))
def test_multiply_is_within_its_roundings(x: int, real: float) -> None:
    m = fp.quantize_multiplier(real)
    exact = Fraction(x) * Fraction(m.value) * Fraction(2) ** (m.shift - 31)
    assert abs(fp.multiply(x, m) - exact) <= Fraction(3, 4)


@given(st.floats(width=32, min_value=-(2.0**31), max_value=2.0**31))
def test_round_half_away_is_c_round(x: float) -> None:
    want = int(np.trunc(np.float64(x) + np.copysign(0.5, x)))
    assert fp.round_half_away(x) == want


@given(st.sampled_from(["SAME", "VALID"]), st.integers(1, 40), st.integers(1, 7), st.integers(1, 4), st.integers(1, 3))
def test_windows_cover_the_input(padding: str, size: int, window: int, stride: int, dilation: int) -> None:
    reach = (window - 1) * dilation + 1
    outputs = fp.output_size(padding, size, window, stride, dilation)
    before = fp.padding_before(size, window, stride, outputs, dilation)
    if padding == "VALID":
        positions = range(0, size - reach + 1, stride)
        assert (outputs, before if outputs else 0) == (len(positions), 0)
    else:
        assert outputs == -(-size // stride)
        total = max(0, (outputs - 1) * stride + reach - size)
        assert before == total // 2


@pytest.mark.parametrize(
    ("activation", "scale", "zero", "limits"),
    [
        ("NONE", 0.1, 5, (-128, 127)),
        ("RELU", 0.1, 5, (5, 127)),
        ("RELU6", 0.1, 5, (5, 65)),
        ("RELU6", 0.01, 5, (5, 127)),
        ("RELU_N1_TO_1", 0.1, 5, (-5, 15)),
    ],
)
def test_activation_ranges(activation: str, scale: float, zero: int, limits: tuple[int, int]) -> None:
    assert fp.activation_range(activation, scale, zero) == limits


def test_unknown_activation() -> None:
    with pytest.raises(fp.OutOfRangeError, match="SIGN_BIT"):
        fp.activation_range("SIGN_BIT", 0.1, 0)


def _real(raw: int) -> float:
    return raw / 2.0**31


@given(st.integers(fp.INT32_MIN, 0))
def test_exponential(a: int) -> None:
    assert _real(gemmlowp.exp_of_negative(a, 5)) == pytest.approx(np.exp(a / 2.0**26), abs=1e-6)


@given(st.integers(-(1 << 31) + 1, fp.INT32_MAX))
def test_sigmoid_and_tanh(a: int) -> None:
    x = a / 2.0**27
    assert _real(gemmlowp.logistic(a, 4)) == pytest.approx(0.5 + 0.5 * np.tanh(x / 2), abs=1e-6)
    assert _real(gemmlowp.tanh(a, 4)) == pytest.approx(np.tanh(x), abs=1e-6)
