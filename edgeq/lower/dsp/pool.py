"""AVERAGE_POOL_2D and MAX_POOL_2D, four channels at a time, or eight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgeq.lower.dsp.candidate import Candidate, limit_cycles, number
from edgeq.lower.packing import NotExactError
from edgeq.lower.program import KernelCall

# Sums of so many int8 fit an int16.
_MOST = 255

# Cycles of a window's place; of a channel, and of a value in it: of an average, and of a maximum of few channels.
_WINDOW = 60
_AVERAGE = (41.0, 1.5)
_MAXIMUM = (5.5, 2.0)
# Of a maximum of eight channels: in a run of windows along a row one, a row of it, and a place in that; the run, and
# eight channels of it.
_EIGHT = 8
_OF_EIGHT, _ROW, _PLACE = 20, 5, 12
_RUN, _RUN_OF_EIGHT = 210, 40


def averages(call: KernelCall) -> Iterator[Candidate]:
    """The call with sums of four channels in two words."""
    window = number(call, "filter_height") * number(call, "filter_width")
    if window > _MOST:
        raise NotExactError(f"a window of more than {_MOST} values")
    yield _pool(call, "average_pool_2d_dsp", _by_fours(call, *_AVERAGE), together=4)


def maxima(call: KernelCall) -> Iterator[Candidate]:
    """The call with the largest of four bytes at once, of windows along a row in one run of each eight channels."""
    if number(call, "channels") < _EIGHT:
        yield _pool(call, "max_pool_2d_dsp", _by_fours(call, *_MAXIMUM), together=4)
        return
    columns, width, stride = (number(call, f"{name}_width") for name in ("output", "filter", "stride"))
    starts = [i * stride - number(call, "pad_left") for i in range(columns)]
    # Windows that reach beyond the input are runs of their own.
    runs = 1 + sum(start < 0 or start + width > number(call, "input_width") for start in starts)
    eights = -(-number(call, "channels") // _EIGHT)
    window = _OF_EIGHT + number(call, "filter_height") * (_ROW + _PLACE * width)
    row = runs * (_RUN + _RUN_OF_EIGHT * eights) + columns * eights * window
    yield _pool(call, "max_pool_2d_dsp", number(call, "batches") * number(call, "output_height") * row, together=_EIGHT)


def _by_fours(call: KernelCall, channel: float, value: float) -> float:
    window = number(call, "filter_height") * number(call, "filter_width")
    channels = -(-number(call, "channels") // 4) * 4
    return _windows(call) * (_WINDOW + channels * (channel + value * window))


def _windows(call: KernelCall) -> int:
    return number(call, "batches") * number(call, "output_height") * number(call, "output_width")


def _pool(call: KernelCall, name: str, cycles: float, *, together: int) -> Candidate:
    return Candidate(
        call=replace(call, kernel=f"edgeq_{name}_int8", source=f"{name}.c", variant=f"dsp: {together} channels"),
        cycles=round(cycles + limit_cycles(call, _windows(call) * number(call, "channels"))),
    )
