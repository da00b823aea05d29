"""Output channels as firmware/kernels/matrix_mve.c takes them, and what its products cost."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edgeq.lower import packing
from edgeq.lower.dsp.candidate import channels_of, clamped, derived, number
from edgeq.lower.packing import Int32s
from edgeq.lower.program import KernelCall, Param

SUMS_BYTES = 768
"""EDGEQ_MATRIX_MVE_SCRATCH."""

ROW = 64
"""Channels whose sums are there at one time."""

MATRIX_CODE = {"edgeq_matrix_mve_run": 1100}
"""Bytes of the products' code."""

# Values behind the start values that blocks of channels may read.
_BEHIND = 7

# Instructions of a block of sums besides its steps, of a step, and of a result; by the windows in a block.
_BLOCK = {3: (17, 12, 6), 2: (14, 9, 4), 1: (15, 10, 4)}
_RESULT = 2.6
_CALL = 90


def matrix(
    call: KernelCall,
    weights: NDArray[np.int8],
    *,
    groups: int = 1,
    channels: packing.Channels | None = None,
    starts: Int32s | None = None,
) -> tuple[Param, ...]:
    """The fields of an edgeq_matrix_mve.

    Args:
        call: the portable call.
        weights: (channels, depth).
        groups: the channels are this many groups, each padded to fours of its own.
        channels: biases and bounds, if they are not the call's.
        starts: `starts_of` others, if they are not these biases.

    Raises:
        NotExactError: the arithmetic could differ from TFLM's with these weights.
    """
    channels = channels or channels_of(call, weights)
    count = len(weights) // groups
    scales = scales_of(channels)
    if starts is None:
        starts = starts_of(np.split(channels.bias, groups))
    by_fours = [_fours(part) for part in np.split(scales, groups)]
    return (
        weights.shape[1],
        count,
        derived(call, "starts", starts),
        derived(call, "scales", np.concatenate(by_fours)),
        int(clamped(call)),
        number(call, "activation_min"),
        number(call, "activation_max"),
    )


def starts_of(parts: Iterable[packing.Int64s]) -> Int32s:
    """Biases, each part's padded to fours."""
    return np.concatenate([*(_padded(packing.wrapped(part)) for part in parts), np.zeros(_BEHIND, np.int32)])


def scales_of(channels: packing.Channels) -> Int32s:
    """(channels, 3): multiplier, constant and shift, to the left, of each.

    Raises:
        NotExactError: an intermediate value would not fit 32 bits, or a shift would be too small.
    """
    scales = packing.requantization(channels, extra=np.zeros(len(channels.bias), np.int64))
    scales[:, 2] *= -1
    return scales


def cycles(channels: int, depth: int, windows: Iterable[int]) -> int:
    """Instructions of the products of runs of so many windows."""
    total = 0.0
    for count in windows:
        for at_a_time, calls in ((3, count // 3), (count % 3, 1 if count % 3 else 0)):
            if calls:
                block, step, results = _BLOCK[at_a_time]
                blocks = -(-channels * at_a_time // results)
                each = blocks * (block + step * -(-depth // 16)) + _RESULT * channels * at_a_time
                total += calls * (each + _CALL * -(-channels // ROW))
    return round(total)


def _padded(values: Int32s) -> Int32s:
    """Zeros behind the first axis, up to a multiple of 4."""
    padded = np.zeros((-(-len(values) // 4) * 4, *values.shape[1:]), np.int32)
    padded[: len(values)] = values
    return padded


def _fours(scales: Int32s) -> Int32s:
    """(channels / 4, 3, 4), of (channels, 3)."""
    padded = _padded(scales)
    return padded.reshape(-1, 4, 3).transpose(0, 2, 1)
