"""AVERAGE_POOL_2D and MAX_POOL_2D, 8 and 16 channels at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgeq.lower.dsp.candidate import Candidate, number
from edgeq.lower.packing import NotExactError
from edgeq.lower.program import KernelCall

# Sums of so many int8 fit an int16.
_MOST = 255

# Instructions of a window's place, of a vector of outputs, of a value in one.
_WINDOW, _VECTOR, _VALUE = 60, 25, 4


def averages(call: KernelCall) -> Iterator[Candidate]:
    """Sums of eight channels, divided by multiplication."""
    if _taps(call) > _MOST:
        raise NotExactError(f"a window of more than {_MOST} values")
    yield _pool(call, "edgeq_average_pool_2d_mve_int8", 8)


def maxima(call: KernelCall) -> Iterator[Candidate]:
    """The largest of sixteen channels."""
    yield _pool(call, "edgeq_max_pool_2d_mve_int8", 16)


def _taps(call: KernelCall) -> int:
    return number(call, "filter_height") * number(call, "filter_width")


def _pool(call: KernelCall, kernel: str, lanes: int) -> Candidate:
    windows = number(call, "batches") * number(call, "output_height") * number(call, "output_width")
    vectors = -(-number(call, "channels") // lanes)
    made = replace(call, kernel=kernel, source="pool_2d_mve.c", variant=f"mve: {lanes} channels")
    return Candidate(call=made, cycles=windows * (_WINDOW + vectors * (_VECTOR + _VALUE * _taps(call))))
