"""Requantization by one product and a common shift: the steps are TFLM's, for every sum that can arise."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.lower import straight as module
from edgeq.lower.fixedpoint import Multiplier, multiply
from edgeq.lower.packing import Channels, NotExactError
from edgeq.lower.straight import SHIFTS, _first_within, straight

_CHANNELS = 8


def _channels(rng: np.random.Generator, zero_point: int) -> Channels:
    reach = rng.integers(1 << 8, 1 << 21, (2, _CHANNELS))
    return Channels(
        bias=np.zeros(_CHANNELS, np.int64),
        low=-reach[0],
        high=reach[1],
        values=rng.integers(1 << 30, 1 << 31, _CHANNELS),
        shifts=-rng.integers(7, 11, _CHANNELS),
        zero_point=zero_point,
    )


@pytest.mark.parametrize("seed", range(6))
def test_results_are_tflms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    zero_point = -128 if seed % 2 else int(rng.integers(-128, 100))
    c = _channels(rng, zero_point)
    activation_max = 127 if seed % 3 else zero_point + 20
    scales = np.where(np.arange(_CHANNELS) % 2, 256, 1)
    shift, lines = straight(c, scales, activation_min=zero_point, activation_max=activation_max)
    for i, (addend, multiplier, constant) in enumerate(lines.tolist()):
        scale, total = int(scales[i]), shift + int(scales[i]).bit_length() - 1
        exact = Multiplier(value=int(c.values[i]), shift=int(c.shifts[i]))
        low, high = int(c.low[i]), int(c.high[i])
        # Around every step that is reached, at both ends, and anywhere.
        steps = (np.arange(-1, 256) + 0.5) * 2.0 ** (31 - exact.shift) / exact.value
        near = (np.rint(steps)[:, None] + np.arange(-3, 4)).astype(np.int64).reshape(-1)
        sums = np.concatenate([near, rng.integers(low, high + 1, 200), [low, high]])
        for x in sums[(sums >= low) & (sums <= high)].tolist():
            line = constant + ((scale * x + addend) * multiplier >> 32)
            assert -(1 << 31) <= scale * x + addend < 1 << 31
            assert -(1 << 31) <= line < 1 << 31
            found = min(max(line >> total, zero_point), activation_max)
            assert found == min(max(multiply(x, exact) + zero_point, zero_point), activation_max), (i, x)


def test_results_below_the_zero_point_are_refused() -> None:
    """There TFLM rounds halves the other way."""
    c = _channels(np.random.default_rng(0), 0)
    with pytest.raises(NotExactError, match="below the zero point"):
        straight(c, np.ones(_CHANNELS, np.int64), activation_min=-1, activation_max=127)


def test_a_multiplier_that_is_too_large_is_refused() -> None:
    rng = np.random.default_rng(0)
    c = _channels(rng, 0)
    large = Channels(bias=c.bias, low=c.low, high=c.high, values=c.values, shifts=np.full(_CHANNELS, -3), zero_point=0)
    with pytest.raises(NotExactError, match="channel 0"):
        straight(large, np.ones(_CHANNELS, np.int64), activation_min=0, activation_max=127)


def test_the_first_multiple_within_bounds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(2000):
        modulus = int(rng.integers(1, 50))
        step, low = (int(n) for n in rng.integers(0, modulus, 2))
        high = low + int(rng.integers(0, modulus))
        found = [n for n in range(modulus) if low <= n * step % modulus <= high or n * step % modulus + modulus <= high]
        assert _first_within(step, modulus, low, high) == (found[0] if found else None)


@pytest.mark.parametrize("value", [(1 << 31) - 1, (1 << 31) - 20])
def test_multipliers_are_the_kernels_int32(monkeypatch: pytest.MonkeyPatch, value: int) -> None:
    """The next ones to a multiplier at the end of int32 lie behind it."""
    tried: list[int] = []
    monkeypatch.setattr(module, "_offset", lambda *rest: tried.append(rest[-1]))
    one = np.array([1], np.int64)
    c = Channels(bias=0 * one, low=-one, high=one, values=value * one, shifts=-one * (SHIFTS[0] + 1), zero_point=0)
    with pytest.raises(NotExactError, match="no straight line"):
        straight(c, one, activation_min=0, activation_max=127)
    assert tried
    assert max(tried) < 1 << 31
