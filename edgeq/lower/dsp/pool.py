"""AVERAGE_POOL_2D and MAX_POOL_2D, four channels at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgeq.lower.dsp.candidate import Candidate, limit_cycles, number
from edgeq.lower.packing import NotExactError
from edgeq.lower.program import KernelCall

# Sums of so many int8 fit an int16.
_MOST = 255

# Cycles of a window's place; of a channel, and of a value in it; channels that are computed together.
_WINDOW = 60
_AVERAGE = (41.0, 1.5, 4)
_MAXIMUM = (5.5, 2.0, 8)


def averages(call: KernelCall) -> Iterator[Candidate]:
    """The call with sums of four channels in two words."""
    window = number(call, "filter_height") * number(call, "filter_width")
    if window > _MOST:
        raise NotExactError(f"a window of more than {_MOST} values")
    yield _pool(call, "average_pool_2d_dsp", _AVERAGE)


def maxima(call: KernelCall) -> Iterator[Candidate]:
    """The call with the largest of four bytes at once."""
    yield _pool(call, "max_pool_2d_dsp", _MAXIMUM)


def _pool(call: KernelCall, name: str, costs: tuple[float, float, int]) -> Candidate:
    channel, value, together = costs
    window = number(call, "filter_height") * number(call, "filter_width")
    outputs = number(call, "batches") * number(call, "output_height") * number(call, "output_width")
    channels = -(-number(call, "channels") // together) * together
    cycles = outputs * (_WINDOW + channels * (channel + value * window))
    cycles += limit_cycles(call, outputs * number(call, "channels"))
    return Candidate(
        call=replace(call, kernel=f"edgeq_{name}_int8", source=f"{name}.c", variant=f"dsp: {together} channels"),
        cycles=round(cycles),
    )
