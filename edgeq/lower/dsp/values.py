"""MEAN and SUM over an image, MUL, and tables: four values at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from edgeq.lower.dsp.candidate import Candidate, limit_cycles, limits, number
from edgeq.lower.packing import NotExactError
from edgeq.lower.program import KernelCall

# Cycles: of a mean's channel and a value in it; of a product, of one more loop; of a table's value.
_MEAN, _SUMMED = 55, 1.65
_PRODUCT, _LOOP = 14, 60
_LOOKUP = 6.0
_CALL = 60

# The constant of a product's requantization fits an int32.
_MOST_RIGHT = 22


def means(call: KernelCall) -> Iterator[Candidate]:
    """MEAN and SUM of each channel, over one run of pixels in each batch."""
    kept = cast(tuple[tuple[int, int], ...], call.params["kept"])
    reduced = cast(tuple[tuple[int, int], ...], call.params["reduced"])
    channels, stride = kept[-1]
    (count, pixel), *more = reduced
    batches = kept[0] if len(kept) == 2 else (1, count * channels)
    if more or len(kept) > 2 or stride != 1 or pixel != channels or batches[1] != count * channels:
        raise NotExactError("other than a sum over the pixels of each channel")
    names = ("sum_offset", "multiplier", "shift", "output_offset")
    made = replace(
        call,
        kernel="edgeq_mean_dsp_int8",
        source="mean_dsp.c",
        params_type="edgeq_mean_dsp_params",
        params={
            "batches": batches[0],
            "count": count,
            "channels": channels,
            **{name: call.params[name] for name in names},
        },
        variant="dsp: 4 channels",
    )
    yield Candidate(call=made, cycles=_CALL + round(batches[0] * channels * (_MEAN + _SUMMED * count)))


def products(call: KernelCall) -> Iterator[Candidate]:
    """MUL, also where it broadcasts."""
    shift, multiplier = -number(call, "output_shift"), number(call, "output_multiplier")
    if not multiplier or shift < 1:
        raise NotExactError("the multiplier is above 1/2, or 0")
    if shift > _MOST_RIGHT:
        raise NotExactError("the multiplier is too small")
    loops = cast(tuple[tuple[int, int, int], ...], call.params["loops"])
    count = math.prod(extent for extent, _, _ in loops)
    made = replace(
        call,
        kernel="edgeq_mul_dsp_int8",
        source="mul_dsp.c",
        params_type="edgeq_mul_dsp_params",
        params={
            **{name: call.params[name] for name in ("loop_count", "loops", "input1_offset", "input2_offset")},
            "multiplier": multiplier,
            "constant": (1 << (shift - 1)) + (number(call, "output_offset") << shift),
            "shift": shift,
            **limits(call),
        },
        variant="dsp: 4 values",
    )
    cycles = _CALL + _PRODUCT * count + _LOOP * count // loops[-1][0]
    yield Candidate(call=made, cycles=cycles + limit_cycles(call, count))


def tables(call: KernelCall) -> Iterator[Candidate]:
    """A table's values, four at a time."""
    made = replace(call, kernel="edgeq_table_dsp_int8", source="table_dsp.c", variant="dsp: 4 values")
    yield Candidate(call=made, cycles=_CALL + round(_LOOKUP * number(call, "count")))
