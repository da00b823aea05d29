"""AVERAGE_POOL_2D, four channels at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgeq.lower.dsp.candidate import Candidate, number
from edgeq.lower.packing import NotExactError
from edgeq.lower.program import KernelCall

# Sums of so many int8 fit an int16.
_MOST = 255


def averages(call: KernelCall) -> Iterator[Candidate]:
    """The call with sums of four channels in two words."""
    window = number(call, "filter_height") * number(call, "filter_width")
    if window > _MOST:
        raise NotExactError(f"a window of more than {_MOST} values")
    outputs = number(call, "batches") * number(call, "output_height") * number(call, "output_width")
    yield Candidate(
        call=replace(
            call, kernel="edgeq_average_pool_2d_dsp_int8", source="average_pool_2d_dsp.c", variant="dsp: 4 channels"
        ),
        cycles=round(outputs * (60 + number(call, "channels") * (45 + 1.67 * window))),
    )
