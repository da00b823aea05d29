"""Requantization by one product: a shift that all channels have in common, found and proven by where outputs step.

A requantized output is a step function of the sum: output j or more from some sum t(j) on. Where the activation starts
at the output's zero point, all steps that remain are those of a straight line, so that another line, with fewer bits
of slope but a shift that suits every channel, can take exactly the same steps. Whether it does is decided here from
the steps themselves, of which there are 255 at the most, for the sums that the channel's weights can give.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.packing import QUAD, Channels, Int32s, Int64s, NotExactError, padded, right_shifts, wrapped

# The right shifts that kernels have, the most precise first.
SHIFTS = (6, 4)

# How far multipliers are tried from the nearest one.
_NEAR = 40
_UNIT = 1 << 32


def straight(
    c: Channels, scales: NDArray[np.generic], *, activation_min: int, activation_max: int
) -> tuple[int, Int64s]:
    """The common shift S, and (channels, 3): addend n, multiplier m and constant c of each channel.

    With a sum x, the result is (c + ((scale * x + n) * m) / 2^32) >> (S + log2 scale), rounded down both times. Limited
    to the activation, it is what TFLM's two roundings (fixedpoint.h) give, for every x from `low` to `high`.

    Args:
        c: the channels.
        scales: of the sums, as the kernel has them; powers of 2, one for each channel.
        activation_min: of the output.
        activation_max: of the output.

    Raises:
        NotExactError: there is no such line for some channel.
    """
    if activation_min < c.zero_point:
        raise NotExactError("results below the zero point are not clamped")
    outputs = np.arange(max(activation_min, -128) + 1, min(activation_max, 127) + 1, dtype=np.int64)
    right = right_shifts(c)
    refused = "no channels"
    for shift in SHIFTS:
        lines = []
        for i, scale in enumerate(int(s) for s in scales):
            line = _line(c, i, int(right[i]), outputs, scale, shift)
            if line is None:
                refused = f"no straight line takes the steps of channel {i}"
                break
            lines.append(line)
        else:
            return shift, np.array(lines, np.int64).reshape(-1, 3)
    raise NotExactError(refused)


def straight_quads(c: Channels, *, activation_min: int, activation_max: int) -> tuple[int, Int32s]:
    """The common shift, and (quads, 12): the channel blocks of quads.h for it, channels padded to a multiple of 4.

    Raises:
        NotExactError: as `straight`.
    """
    count = len(c.bias)
    scales = np.where(np.arange(count) % 2, 256, 1)
    shift, lines = straight(c, scales, activation_min=activation_min, activation_max=activation_max)
    total = -(-count // QUAD) * QUAD
    start = padded(scales * c.bias + lines[:, 0], total).reshape(-1, 2, 2)
    even, odd = start[:, :, 0], start[:, :, 1]
    starts = np.stack([odd + even, even], axis=2).reshape(-1, QUAD)
    rest = padded(lines[:, 1:], total).reshape(-1, 2 * QUAD)
    return shift, wrapped(np.concatenate([starts, rest], axis=1))


def _line(c: Channels, i: int, right: int, outputs: Int64s, scale: int, shift: int) -> tuple[int, int, int] | None:
    """Addend, multiplier and constant of channel i, if there are any."""
    total = shift + scale.bit_length() - 1
    value, zero = int(c.values[i]), c.zero_point
    if value == 0:
        return 0, 0, zero << total
    fewer = right - shift - 1
    if fewer < 0 or right > 22:
        return None
    # Output j: x * value + 2^30 is at least (2 * (j - zero) - 1) * 2^(right - 1) * 2^31.
    steps = -(-((2 * (outputs - zero) - 1) * (1 << (right + 30)) - (1 << 30)) // value)
    low, high = int(c.low[i]), int(c.high[i])
    reach = scale * max(abs(low), abs(high))
    if reach >= 1 << 31:
        return None
    for multiplier in _near(value, fewer):
        if multiplier >= 1 << 31:
            continue  # the kernel's is an int32
        found = _offset(outputs << total, steps, (low, high), scale, multiplier)
        if found is None:
            continue
        addend, constant = found
        furthest = reach + addend
        if furthest < 1 << 31 and abs(constant) + (furthest * multiplier >> 32) + 1 < 1 << 31:
            return addend, multiplier, constant
    return None


def _near(value: int, fewer: int) -> Iterator[int]:
    """Multipliers of `fewer` bits less than `value`'s, the nearest first."""
    nearest = value + (1 << fewer >> 1) >> fewer
    for distance in range(_NEAR + 1):
        yield nearest + distance
        if distance:
            yield nearest - distance


def _offset(ends: Int64s, steps: Int64s, reached: Sequence[int], scale: int, multiplier: int) -> tuple[int, int] | None:
    """(n, c) so that c * 2^32 + n * multiplier + scale * x * multiplier reaches each end * 2^32 at its step, and not
    before, for sums x within `reached`."""
    low, high = reached
    slope = scale * multiplier
    at_step = ends * _UNIT - slope * np.clip(steps, low, high)
    before = ends * _UNIT - slope * np.clip(steps - 1, low, high)
    least, limit = at_step[steps <= high], before[steps > low]
    start = int(least.max()) if len(least) else int(limit.min()) - _UNIT if len(limit) else 0
    stop = int(limit.min()) if len(limit) else start + _UNIT
    if start >= stop:
        return None
    addend = _first_within(multiplier, _UNIT, start % _UNIT, start % _UNIT + stop - start - 1)
    if addend is None:
        return None
    offset = start + (addend * multiplier - start) % _UNIT
    return addend, (offset - addend * multiplier) // _UNIT


def _first_within(step: int, modulus: int, low: int, high: int) -> int | None:
    """The least n >= 0 for which n * step lies from low to high, modulo `modulus`; 0 <= low < modulus, low <= high."""
    if low == 0 or high >= modulus:
        return 0
    if step == 0:
        return None
    n = -(-low // step)
    if n * step <= high:
        return n
    # n * step - k * modulus is within the bounds for the least k whose k * modulus, modulo step, is.
    first, width = -high % step, high - low
    k = _first_within(modulus % step, step, first, first + width)
    return None if k is None else -(-(low + k * modulus) // step)
