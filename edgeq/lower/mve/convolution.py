"""CONV_2D and FULLY_CONNECTED as products of windows and weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.dsp.candidate import Candidate, derived, number, weights_of
from edgeq.lower.mve.matrix import MATRIX_CODE, ROW, SUMS_BYTES, cycles, matrix
from edgeq.lower.packing import NotExactError
from edgeq.lower.program import KernelCall

_WINDOW = (
    "batches", "input_height", "input_width", "input_channels", "output_height", "output_width", "filter_height",
    "filter_width", "filter_channels", "groups", "stride_height", "stride_width", "dilation_height", "dilation_width",
    "pad_top", "pad_left",
)  # fmt: skip

# Windows of a row that share a strip, besides all of them.
_TILES = (3, 12)

# Instructions of copying 16 bytes; of a row of columns, or of one piece of each row of a window; of a window.
_PIECE, _ROW_COPY, _WINDOW_COPY = 6, 40, 90


def convolutions(call: KernelCall) -> Iterator[Candidate]:
    """Every way to compute a CONV_2D."""
    weights = weights_of(call)
    _, height, width, depth = weights.shape
    strides = (number(call, "stride_height"), number(call, "stride_width"))
    out_height, out_width = number(call, "output_height"), number(call, "output_width")
    input_width = number(call, "input_width")
    inside = not number(call, "pad_left") and (out_width - 1) * strides[1] + width <= input_width
    one_row = height == 1 and not number(call, "pad_top") and (width == 1 or number(call, "dilation_width") == 1)
    if one_row and inside and number(call, "groups") == number(call, "batches") == 1:
        row_step, step = strides[0] * input_width * depth, strides[1] * depth
        rows, windows = out_height, out_width
        if row_step == windows * step:
            rows, windows = 1, rows * windows
        yield _by_pixels(call, weights, rows=rows, row_step=row_step, windows=windows, step=step)
        return
    for tile in sorted({out_width, *(n for n in _TILES if n < out_width)}):
        for shared in (False, True):
            if not shared or (number(call, "dilation_width") == 1 and strides[1] < width):
                yield _by_copies(call, weights, tile, shared=shared)


def dense(call: KernelCall) -> Iterator[Candidate]:
    """FULLY_CONNECTED: its rows are windows."""
    if number(call, "weights_offset"):
        raise NotExactError("the weights have a zero point")
    depth = number(call, "depth")
    yield _by_pixels(call, weights_of(call), rows=1, row_step=0, windows=number(call, "batches"), step=depth)


def _by_pixels(
    call: KernelCall, weights: NDArray[np.int8], *, rows: int, row_step: int, windows: int, step: int
) -> Candidate:
    count, depth = len(weights), weights[0].size
    made = replace(
        call,
        kernel="edgeq_conv_1x1_mve_int8",
        source="conv_1x1_mve.c",
        support=("matrix_mve.c",),
        params_type="edgeq_conv_1x1_mve_params",
        params={
            "rows": rows,
            "row_step": row_step,
            "windows": windows,
            "step": step,
            "matrix": matrix(call, weights.reshape(count, depth)),
        },
        scratch_bytes=SUMS_BYTES,
        in_place=(0,) if rows == 1 and count == depth == step and count <= ROW else (),
        variant="mve: windows in place",
    )
    return Candidate(call=made, cycles=rows * cycles(count, depth, [windows]), code=MATRIX_CODE)


def _by_copies(call: KernelCall, weights: NDArray[np.int8], tile: int, *, shared: bool) -> Candidate:
    count, height, width, depth = weights.shape
    groups, out_width, stride = (number(call, f) for f in ("groups", "output_width", "stride_width"))
    tiles = [min(tile, out_width - x) for x in range(0, out_width, tile)]
    columns = [(n - 1) * stride + width if shared else n * width for n in tiles]
    operand = call.inputs[1]
    if shared and height > 1:
        weights = weights.transpose(0, 2, 1, 3)
        operand = derived(call, "turned_weights", np.ascontiguousarray(weights))
    made = replace(
        call,
        kernel="edgeq_conv_2d_mve_int8",
        source="conv_2d_mve.c",
        support=("matrix_mve.c",),
        params_type="edgeq_conv_2d_mve_params",
        params={
            **{name: call.params[name] for name in _WINDOW},
            "input_zero_point": -number(call, "input_offset"),
            "tile": tile,
            "shared": int(shared),
            "matrix": matrix(call, weights.reshape(count, -1), groups=groups),
        },
        inputs=(call.inputs[0], operand),
        scratch_bytes=SUMS_BYTES + columns[0] * height * depth,
        variant=f"mve: {tile} windows copied {'together' if shared else 'one by one'}",
    )
    if shared:
        copies = height * (sum(columns) * _PIECE * -(-depth // 16) + len(tiles) * _ROW_COPY)
    else:
        adjacent = number(call, "dilation_width") == groups == 1
        pieces, sixteens = (1, -(-width * depth // 16)) if adjacent else (width, width * -(-depth // 16))
        copies = out_width * (height * _PIECE * sixteens + pieces * _ROW_COPY + _WINDOW_COPY)
    each = cycles(count // groups, height * width * depth, tiles) + copies
    return Candidate(
        call=made,
        cycles=number(call, "batches") * number(call, "output_height") * groups * each,
        code={**MATRIX_CODE, "edgeq_conv_2d_mve_int8": 900},
    )
