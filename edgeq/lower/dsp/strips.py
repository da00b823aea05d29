"""CONV_2D by strips of the input, one for each column of outputs: for narrow windows of few channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.dsp import quads
from edgeq.lower.dsp.candidate import Candidate, limit_cycles, limits, number, weights_of
from edgeq.lower.packing import PAIR_ORDER, QUAD
from edgeq.lower.program import KernelCall

_WINDOW = (
    "batches", "input_height", "input_width", "input_channels", "output_height", "output_width", "output_channels",
    "stride_height", "stride_width", "pad_top", "pad_left",
)  # fmt: skip

# Cycles of what surrounds the products: measured, to a tenth or so.
_BYTE = 3
_PADDED_ROW = 60
_FOUR = 17
_STRIP_ROW = 12
_COLUMN = 200
_PAIR = 17
_COPIES, _COPY = 25, 2

# Bytes of the functions around the products.
_CODE = {"edgeq_conv_strips_dsp_int8": 1040}


def strip_convolutions(call: KernelCall, by: quads.Requantization) -> Iterator[Candidate]:
    """A CONV_2D without groups and dilation, by each unrolled product.

    Raises:
        NotExactError: a condition fails for these weights.
    """
    weights = weights_of(call)
    count, height, width, depth = weights.shape
    # Values of a window's row are expanded four at a time, one or two behind them as one more step: what else there is
    # has weights of zero.
    values = width * depth
    rest = 1 if values % 4 in (1, 2) else 0
    fours = values // 4 if rest else -(-values // 4)
    rows = np.zeros((count, height, 4 * fours + 2 * rest), np.int8)
    rows[:, :, :values] = weights.reshape(count, height, values)
    whole = rows[:, :, : 4 * fours].reshape(count, height, fours, 4)
    rows[:, :, : 4 * fours] = whole[..., PAIR_ORDER].reshape(count, height, -1)
    for form in quads.forms(1, (2 * fours + rest) * height, by=by):
        yield _strips(call, form, by, rows.reshape(count, 1, -1), (fours, rest))


def _strips(
    call: KernelCall, form: quads.Form, by: quads.Requantization, rows: NDArray[np.int8], row: tuple[int, int]
) -> Candidate:
    fours, rest = row
    params, packed = quads.packed(call, rows, form, by, in_fours=False)
    count, height, _, depth = weights_of(call).shape
    out_height, out_width = number(call, "output_height"), number(call, "output_width")
    stride_height, stride_width = number(call, "stride_height"), number(call, "stride_width")
    batches = number(call, "batches")
    blocks, pairs = -(-count // QUAD), -(-out_height // 2)
    strip_rows = 2 * (pairs - 1) * stride_height + height
    # What the last pair's steps reach behind the strip.
    row_words = 4 * fours + 2 * rest
    more = 2 * form.steps - row_words * height
    row_bytes = (out_width - 1) * stride_width * depth + 4 * (fours + rest)
    several = count % QUAD == 0 and not form.loops
    image_rows = strip_rows + stride_height
    cycles = image_rows * (_PADDED_ROW + _BYTE * row_bytes)
    cycles += out_width * (_COLUMN + strip_rows * (_STRIP_ROW + _FOUR * (fours + 0.7 * rest)))
    each = form.cycles(blocks) - quads.CALL + _PAIR if several else form.cycles(blocks) + 60
    cycles += out_width * pairs * (each + (_COPIES + _COPY * 2 * count if count % QUAD else 0))
    made = replace(
        call,
        kernel="edgeq_conv_strips_dsp_int8",
        source="conv_strips_dsp.c",
        support=quads.SOURCES,
        params_type="edgeq_conv_strips_dsp_params",
        params={
            **{name: call.params[name] for name in _WINDOW},
            "input_zero_point": -number(call, "input_offset"),
            **limits(call),
            "row_bytes": row_bytes,
            "row_fours": fours,
            "row_rest": rest,
            "strip_rows": strip_rows,
            "strip_more": more,
            "steps": form.steps,
            "pairs": pairs if several else 1,
            **params,
        },
        inputs=(call.inputs[0], packed),
        scratch_bytes=4 * (strip_rows * row_words + more) + image_rows * row_bytes + 8 * blocks,
        variant="dsp: 4 channels x 2 pixels, by strips",
    )
    outputs = batches * out_height * out_width * count
    return Candidate(
        call=made, cycles=round(batches * cycles + limit_cycles(call, outputs)), code={**_CODE, **form.code}
    )
