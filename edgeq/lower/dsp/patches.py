"""CONV_2D of any window, also dilated or grouped: what two pixels see of the input, expanded to two columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.dsp import quads
from edgeq.lower.dsp.candidate import Candidate, inside, limit_cycles, limits, number, weights_of
from edgeq.lower.packing import QUAD
from edgeq.lower.program import KernelCall

WINDOW = (
    "batches", "input_height", "input_width", "input_channels", "output_height", "output_width", "output_channels",
    "filter_height", "filter_width", "filter_channels", "groups", "stride_height", "stride_width", "dilation_height",
    "dilation_width", "pad_top", "pad_left",
)  # fmt: skip

# Bytes of the function around the products.
_CODE = {"edgeq_conv_2d_dsp_int8": 1930}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Costs:
    """Cycles of a column: at the least, for each row of the window, each run of values in it, each value, and the same
    of what lies outside of the input."""

    column: float
    row: float
    run: float = 0
    value: float
    run_outside: float = 0
    value_outside: float = 0


# Of values that are expanded where they are, and of those that are copied into a line first: one run for each tap.
_EXPANDED = _Costs(column=225, row=69, run=51, value=2, run_outside=35, value_outside=1.2)
_COPIED = _Costs(column=288, row=96, run=25, value=5.7, run_outside=45, value_outside=3.8)
# Of rows that are copied at once: where all are inside of the input, and where not.
_GATHERED = _Costs(column=345, row=26, value=4.9)
_CUT = _Costs(column=238, row=167, value=5)


def patch_convolutions(call: KernelCall) -> Iterator[Candidate]:
    """Every form of the products."""
    weights = weights_of(call)
    count, depth = len(weights), weights[0].size
    groups, batches = number(call, "groups"), number(call, "batches")
    blocks = -(-(count // groups) // QUAD)
    pixels = number(call, "output_height") * number(call, "output_width")
    by = quads.requantization(call, weights, groups=groups)
    column = _column_cycles(call)
    for form in quads.forms(1, -(-depth // 2), by=by, even=True):
        params, packed = quads.packed(call, weights.reshape(count, 1, depth), form, by, groups=groups)
        each = form.cycles(blocks) + 2 * column
        made = replace(
            call,
            kernel="edgeq_conv_2d_dsp_int8",
            source="conv_2d_dsp.c",
            support=quads.SOURCES,
            params_type="edgeq_conv_2d_dsp_params",
            params={
                **{field: call.params[field] for field in WINDOW},
                "input_zero_point": -number(call, "input_offset"),
                **limits(call),
                "depth": 2 * form.steps,
                **params,
            },
            inputs=(call.inputs[0], packed),
            scratch_bytes=10 * form.steps + 8 * blocks,
            variant="dsp: 4 channels x 2 pixels, a patch each",
        )
        cycles = batches * -(-pixels // 2) * groups * each + limit_cycles(call, batches * pixels * count)
        yield Candidate(call=made, cycles=round(cycles), code={**_CODE, **form.code})


def _column_cycles(call: KernelCall) -> float:
    """Cycles in which the values that one pixel sees become a column, on average; measured, to 5 %."""
    rows, columns, depth = (number(call, f"filter_{name}") for name in ("height", "width", "channels"))
    adjacent = number(call, "dilation_width") == 1 and depth == number(call, "input_channels")
    if adjacent and depth % 4:
        pixels = number(call, "output_height") * number(call, "output_width")
        whole = inside(call, "height") * inside(call, "width") / pixels
        by = _EXPANDED if columns * depth % 4 == 0 else _GATHERED
        of_whole, of_cut = (c.column + rows * (c.row + c.run + c.value * columns * depth) for c in (by, _CUT))
        return whole * of_whole + (1 - whole) * of_cut
    down, across = _taps_inside(call, "height"), _taps_inside(call, "width")
    rows_inside, seen = float(down.mean()), float(down.mean() * across.mean())
    runs = rows_inside * float((across > 0).mean()) if adjacent else seen
    runs_outside = rows - rows_inside * (1 - float((across < columns).mean()))
    by = _COPIED if depth % 4 else _EXPANDED
    cycles = by.column + by.row * rows + by.run * runs + by.value * seen * depth
    return cycles + by.run_outside * runs_outside + by.value_outside * (rows * columns - seen) * depth


def _taps_inside(call: KernelCall, axis: str) -> NDArray[np.int64]:
    """How many taps of the window along an axis lie inside of the input, for each output."""
    pad = number(call, "pad_top" if axis == "height" else "pad_left")
    start = np.arange(number(call, f"output_{axis}")) * number(call, f"stride_{axis}") - pad
    at = start[:, None] + np.arange(number(call, f"filter_{axis}")) * number(call, f"dilation_{axis}")
    return np.asarray(np.count_nonzero((at >= 0) & (at < number(call, f"input_{axis}")), axis=1))
