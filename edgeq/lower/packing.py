"""Weights for the DSP kernels: proofs that their arithmetic is exact for these weights, and the layout they read.

The formats are those of firmware/kernels/quads.h. Everything is computed from the actual values, channel by channel;
where a condition fails, `NotExactError` says which, and the caller takes another kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

QUAD = 4
# In memory order 0 1 2 3, SXTB16 makes the pairs (0, 2) and (1, 3).
PAIR_ORDER = (0, 2, 1, 3)


class NotExactError(ValueError):
    """The kernel's arithmetic could differ from TFLM's with these weights; the message says why, for reports."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Channels:
    """What the output channels of a layer need besides weights, one value each (int64).

    `bias` has −zero point · Σ weights in it; `low` and `high` bound every sum, start and products, that any input can
    give. `values` and `shifts` are the multipliers, `zero_point` the output's.
    """

    bias: Int64s
    low: Int64s
    high: Int64s
    values: Int64s
    shifts: Int64s
    zero_point: int


def channels(
    weights: NDArray[np.int8],
    bias: NDArray[np.generic] | None,
    multipliers: NDArray[np.generic],
    shifts: NDArray[np.generic],
    *,
    input_zero_point: int,
    output_zero_point: int,
) -> Channels:
    """Effective biases and bounds.

    Args:
        weights: (channels, depth).
        bias: int32 per channel, or None.
        multipliers: int32, one or one per channel.
        shifts: likewise; left shifts are positive.
        input_zero_point: the input's.
        output_zero_point: the output's.

    Raises:
        NotExactError: TFLM's own sum could wrap.
    """
    wide = weights.astype(np.int64)
    count = len(wide)
    start = np.zeros(count, np.int64) if bias is None else bias.astype(np.int64).reshape(count)
    positive, negative = np.maximum(wide, 0).sum(axis=1), np.minimum(wide, 0).sum(axis=1)
    smallest, largest = -128 - input_zero_point, 127 - input_zero_point
    low = start + positive * smallest + negative * largest
    high = start + positive * largest + negative * smallest
    if low.min() < -(1 << 31) or high.max() >= 1 << 31:
        raise NotExactError("a sum can leave 32 bits")
    return Channels(
        bias=start - input_zero_point * wide.sum(axis=1),
        low=low,
        high=high,
        values=np.broadcast_to(multipliers.astype(np.int64), count),
        shifts=np.broadcast_to(shifts.astype(np.int64), count),
        zero_point=output_zero_point,
    )


def chosen(c: Channels, order: Sequence[int]) -> Channels:
    """The channels in that order; some may come twice, or not at all."""
    at = np.array(order, np.int64)
    return Channels(
        bias=c.bias[at],
        low=c.low[at],
        high=c.high[at],
        values=c.values[at],
        shifts=c.shifts[at],
        zero_point=c.zero_point,
    )


def joined(each: Sequence[Channels], at: int = 0) -> Channels:
    """Channels `at`, with bounds that hold for all; they differ in nothing but biases and bounds."""
    low, high = np.min([c.low for c in each], axis=0), np.max([c.high for c in each], axis=0)
    return replace(each[at], low=low, high=high)


def right_shifts(c: Channels) -> Int64s:
    """The requantization's right shifts, which must be at least 1. A multiplier of 0 gives the zero point at any.

    Raises:
        NotExactError: one is less.
    """
    right = np.where(c.values == 0, 1, -c.shifts)
    if right.min() < 1:
        raise NotExactError(f"the multiplier of channel {int(np.argmin(right))} is above 1/2")
    return right


def requantization(c: Channels, *, extra: NDArray[np.generic]) -> Int32s:
    """(channels, 3): multiplier, constant and shift of the two-instruction requantization.

    Args:
        c: the channels.
        extra: bits by which the sums arrive shifted up, besides the doubling, per channel: 0 or 7.

    Raises:
        NotExactError: an intermediate value would not fit 32 bits, or a shift would be too small.
    """
    right = right_shifts(c)
    up = extra.astype(np.int64)
    zero = c.zero_point
    constant = (1 << (right - 1)) + zero * (1 << right)
    constant = np.where(up > 0, constant * (1 << up) + (1 << np.maximum(up - 1, 0)), constant)
    reach = np.maximum(np.abs(c.low), np.abs(c.high)) << (1 + up)
    product = ((reach * c.values) >> 32) + 1
    if reach.max() >= 1 << 31:
        raise NotExactError(f"the sums of channel {int(np.argmax(reach))} are too large")
    if (right + up).max() > 31 or (np.abs(constant) + product + (1 << up)).max() >= 1 << 31:
        raise NotExactError(f"the multiplier of channel {int(np.argmax(right + up))} is too small")
    return np.stack([c.values, constant, right + up], axis=1).astype(np.int32)


def padded(values: NDArray[np.signedinteger[Any]], count: int) -> Int64s:
    """Zeros behind the first axis, up to `count`."""
    padded = np.zeros((count, *values.shape[1:]), np.int64)
    padded[: len(values)] = values
    return padded


def quad_channels(c: Channels) -> Int32s:
    """(quads, 16): the channel blocks of quads.h, channels padded to a multiple of 4.

    Raises:
        NotExactError: as `requantization`; odd channels are summed in the upper 24 bits.
    """
    count = len(c.bias)
    total = -(-count // QUAD) * QUAD
    words = padded(requantization(c, extra=np.arange(count) % 2 * 7), total).reshape(-1, 3 * QUAD)
    bias = padded(c.bias, total).reshape(-1, 2, 2)
    even, odd = bias[:, :, 0], bias[:, :, 1]
    starts = np.stack([256 * odd + even, even], axis=2).reshape(-1, 4)
    return np.concatenate([wrapped(starts), words.astype(np.int32)], axis=1)


def wide_quad_channels(c: Channels) -> Int32s:
    """(quads, 16): the same of wide products, whose sums have words of their own.

    Raises:
        NotExactError: as `requantization`.
    """
    total = -(-len(c.bias) // QUAD) * QUAD
    words = padded(requantization(c, extra=np.zeros(len(c.bias), np.int64)), total).reshape(-1, 3 * QUAD)
    return wrapped(np.concatenate([padded(c.bias, total).reshape(-1, QUAD), words], axis=1))


def quad_weights(weights: NDArray[np.int8], *, in_fours: bool = True) -> Int32s:
    """Weights (channels, depth), depth even, as quads.h reads them: (quads, depth / 2, 2) words.

    With `in_fours`, depth is a multiple of 4, of values that are expanded four at a time.

    Raises:
        NotExactError: two weights do not fit one halfword.
    """
    depth = weights.shape[1]
    pairs = _in_quads(weights, in_fours).reshape(-1, 2, 2, depth // 2, 2)
    halves = 256 * pairs[:, :, 1] + pairs[:, :, 0]  # (quads, channel pair, depth / 2, 2)
    if halves.min() < -(1 << 15):
        raise NotExactError("a weight is -128")
    words = (halves[..., 0] & 0xFFFF) | (halves[..., 1] << 16)
    return wrapped(words.transpose(0, 2, 1))


def wide_quad_weights(weights: NDArray[np.int8], *, in_fours: bool = True) -> Int32s:
    """The same of wide products, a halfword for each weight: (quads, depth / 2, 4) words."""
    pairs = _in_quads(weights, in_fours).reshape(-1, QUAD, weights.shape[1] // 2, 2)
    return wrapped(((pairs[..., 0] & 0xFFFF) | (pairs[..., 1] << 16)).transpose(0, 2, 1))


def in_fours(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Weights (..., depth), depth a multiple of 4, in the order of values that are expanded four at a time."""
    return weights.reshape(*weights.shape[:-1], -1, 4)[..., PAIR_ORDER].reshape(weights.shape)


def _in_quads(weights: NDArray[np.int8], fours: bool) -> Int64s:
    """Weights (channels, depth) with channels padded to quads, the depth in the order of expanded values."""
    ordered = in_fours(weights) if fours else weights
    return padded(ordered.astype(np.int64), -(-len(weights) // QUAD) * QUAD)


def octet_weights(weights: NDArray[np.int8], *, wide: bool = False) -> Int32s:
    """Weights (outputs, depth) in eights and fours, for fully_connected_dsp.c: (outputs / 8, depth / 2, 4) words, or 8.

    Raises:
        NotExactError: as `quad_weights`.
    """
    quads = wide_quad_weights(weights) if wide else quad_weights(weights)
    _, steps, words = quads.shape
    return quads.reshape(-1, 2, steps, words).transpose(0, 2, 1, 3).reshape(-1, steps, 2 * words)


def depthwise_weights(weights: NDArray[np.int8]) -> Int32s:
    """Weights (channels, taps), both even, channels in fours: (channels / 4, taps / 2, 4) words of doubled int16."""
    count, taps = weights.shape
    pairs = weights.astype(np.int64).reshape(count // QUAD, QUAD, taps // 2, 2) * 2
    words = (pairs[..., 0] & 0xFFFF) | (pairs[..., 1] << 16)
    return wrapped(words.transpose(0, 2, 1))


def single_channels(c: Channels) -> Int32s:
    """(channels / 4, 16): of each four channels, the doubled start values, then multiplier, constant, shift of each.

    Raises:
        NotExactError: as `requantization`.
    """
    words = requantization(c, extra=np.zeros(len(c.bias), np.int64))
    return np.concatenate([wrapped(c.bias * 2).reshape(-1, QUAD), words.reshape(-1, 3 * QUAD)], axis=1)


# G of F(2x2, 3x3) times 2, and the rows of G of F(4x4, 3x3) times 4, -6, -6, 24, 24 and 1 (Lavin and Gray, 2015).
_WINOGRAD = {
    2: np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]]),
    4: np.array([[1, 0, 0], [-1, -1, -1], [-1, 1, -1], [1, 2, 4], [1, -2, 4], [0, 0, 1]]),
}
# Sums arrive 2^k times too large, and the bias is added at position (1, 1), in these units.
_WINOGRAD_SHIFT = {2: 2, 4: 6}
_WINOGRAD_BIAS = {2: 4, 4: 36}


def winograd_weights(weights: NDArray[np.int8], tile: int) -> Int32s:
    """Weights (channels, 3, 3, depth) transformed: (channels / 4, positions, depth / 2, 4) words, channels and depth
    rounded up to fours.

    Every value fits an int16: at most 9 * 128 with tiles of 2, 49 * 128 with tiles of 4.
    """
    count, depth = (-(-n // QUAD) * QUAD for n in (len(weights), weights.shape[3]))
    padded = np.zeros((count, 3, 3, depth), np.int64)
    padded[: len(weights), ..., : weights.shape[3]] = weights
    g = _WINOGRAD[tile]
    transformed = np.einsum("ik,ckld,jl->cijd", g, padded, g)
    ordered = transformed.reshape(count, -1, depth // 4, 4)[..., PAIR_ORDER].reshape(count, -1, depth // 2, 2)
    words = (ordered[..., 0] & 0xFFFF) | (ordered[..., 1] << 16)
    return wrapped(words.reshape(count // QUAD, QUAD, *words.shape[1:]).transpose(0, 2, 3, 1))


def winograd_channels(c: Channels, weights: NDArray[np.int8], tile: int) -> Int32s:
    """(channels rounded up to fours, 4): start value, multiplier, constant and shift; inputs come as unsigned bytes,
    128 more.

    Raises:
        NotExactError: 2^k times a sum would not fit 32 bits, or a shift would be too small or too large.
    """
    right = right_shifts(c)
    k = _WINOGRAD_SHIFT[tile]
    reach = np.maximum(np.abs(c.low), np.abs(c.high))
    if (reach << k).max() >= 1 << 31:
        raise NotExactError(f"the sums of channel {int(np.argmax(reach))} are too large")
    constant = (1 << (k - 2)) + (1 << (right + k - 2)) + c.zero_point * (1 << (right + k - 1))
    product = ((reach << k) * c.values >> 32) + 1
    if (right + k - 1).max() > 31 or (np.abs(constant) + product + (1 << k)).max() >= 1 << 31:
        raise NotExactError(f"the multiplier of channel {int(np.argmax(right))} is too small")
    start = _WINOGRAD_BIAS[tile] * (c.bias - 128 * weights.astype(np.int64).reshape(len(right), -1).sum(axis=1))
    words = np.stack([start, c.values, constant, right + k - 1], axis=1)
    return wrapped(padded(words, -(-len(words) // QUAD) * QUAD))


def depthwise_3x3(c: Channels, weights: NDArray[np.int8], shifts: Sequence[int]) -> tuple[int, Int32s]:
    """The first final shift of `shifts` that all channels can have, and their words (channels, 10) of depthwise_3x3.h.

    Weights (channels, 9) and sums are scaled by 2^k, 2 <= k <= 8, so that k - 1 and the requantization's right shift
    add up to the final one.

    Raises:
        NotExactError: the channels' multipliers are too far apart, or a sum would not fit 32 bits.
    """
    right = right_shifts(c)
    live = c.values != 0
    low, high = (int(right[live].min()), int(right[live].max())) if live.any() else (1, 1)
    found = [shift for shift in shifts if high + 1 <= shift <= low + 7]
    if not found:
        raise NotExactError(f"the multipliers' shifts, {low} to {high}, have no common final shift")
    right = np.where(live, right, low)
    reach = np.maximum(np.maximum(np.abs(c.low), np.abs(c.high)), np.abs(c.bias))
    shift = next((n for n in found if (reach << (n + 1 - right)).max() < 1 << 31), None)
    if shift is None:
        raise NotExactError(f"the sums of channel {int(np.argmax(reach << (min(found) + 1 - right)))} are too large")
    up = shift + 1 - right
    constant = (1 << (up - 2)) + (1 << (shift - 1)) + (c.zero_point << shift)
    taps = weights.astype(np.int64).reshape(len(right), 3, 3) << up[:, None, None]
    firsts = (taps[:, 0] & 0xFFFF) | (taps[:, 1] << 16)
    lasts = (taps[:, 1] & 0xFFFF) | (taps[:, 2] << 16)
    rest = np.stack([c.bias << up, c.values, constant, 1 << (up - 1)], axis=1)
    return shift, wrapped(np.concatenate([firsts, lasts, rest], axis=1))


def wrapped(values: NDArray[np.int64]) -> Int32s:
    """Values modulo 2^32, as int32."""
    return (values & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
