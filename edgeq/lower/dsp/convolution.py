"""CONV_2D, and FULLY_CONNECTED on several rows, as products of quads of channels and two columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from edgeq.lower.dsp import halves, quads
from edgeq.lower.dsp.candidate import Candidate, limit_cycles, limits, number, weights_of
from edgeq.lower.dsp.halves import Half, with_halves
from edgeq.lower.dsp.patches import WINDOW, patch_convolutions
from edgeq.lower.dsp.strips import strip_convolutions
from edgeq.lower.dsp.winograd import winograd_convolutions
from edgeq.lower.packing import QUAD, NotExactError
from edgeq.lower.program import KernelCall, Param

_ROWS_WINDOW = tuple(
    name for name in WINDOW if name not in {"filter_width", "filter_channels", "groups"} and "dilation" not in name
)
# Fields of edgeq_conv_1x1_dsp_params that say what the image is.
PIXELS_WINDOW = (
    "input_width", "input_channels", "output_height", "output_width", "output_channels", "stride_height",
    "stride_width",
)  # fmt: skip

# Cycles of what surrounds the products, per value or pixel: measured, to a tenth or so.
_EXPAND = 1.8
_EXPAND_IN_ORDER = 3
_ROW_ENTERED = 150
_PIXELS = 110
_PAIR = 18
_ROW_POINTER = 8
_GATHER = 8.5
_COPIES, _COPY = 25, 2

# Of columns that several pairs of pixels may take.
_PAIRS_BYTES = 1024

# Bytes of the functions around the products.
_ROWS_CODE = {"edgeq_conv_rows_dsp_int8": 2240}
_PIXELS_CODE = {"edgeq_conv_1x1_dsp_int8": 1330}


def convolutions(call: KernelCall) -> Iterator[Candidate]:
    """Every way to compute a CONV_2D directly."""
    weights = weights_of(call)
    plain = number(call, "groups") == 1 and number(call, "dilation_height") == number(call, "dilation_width") == 1
    unpadded = not (number(call, "pad_top") or number(call, "pad_left"))
    if plain and weights.shape[1:3] == (1, 1) and unpadded and number(call, "batches") == 1:
        in_place = number(call, "stride_height") == number(call, "stride_width") == 1
        image = {name: call.params[name] for name in PIXELS_WINDOW}
        pixels = number(call, "output_height") * number(call, "output_width")
        for found, _ in by_pixels(call, image, pixels, in_place=in_place):
            yield found
    elif plain:
        with suppress(NotExactError):
            yield from winograd_convolutions(call)
        by = quads.requantization(call, weights)
        for downwards in (False, True):
            yield from _by_rows(call, by, downwards=downwards)
            yield from _by_rows(call, by, downwards=downwards, gathered=True)
        yield from strip_convolutions(call, by)
        yield from patch_convolutions(call)
    else:
        yield from patch_convolutions(call)


def dense_on_rows(call: KernelCall) -> Iterator[Candidate]:
    """FULLY_CONNECTED: its rows are the pixels of a 1x1 convolution."""
    if number(call, "weights_offset"):
        raise NotExactError("the weights have a zero point")
    rows, depth, outputs = (number(call, field) for field in ("batches", "depth", "outputs"))
    image = dict(zip(PIXELS_WINDOW, (rows, depth, 1, rows, outputs, 1, 1), strict=True))
    for found, _ in by_pixels(call, image, rows, in_place=True):
        yield found


def by_pixels(
    call: KernelCall,
    image: Mapping[str, Param],
    pixels: int,
    *,
    in_place: bool,
    by: quads.Requantization | None = None,
) -> Iterator[tuple[Candidate, quads.Form]]:
    """Every way to compute a convolution of one pixel, and the form of its products.

    Args:
        call: the portable call.
        image: `PIXELS_WINDOW`.
        pixels: of the output.
        in_place: the output may take the input's place.
        by: how sums become results, if that is decided; there is no half a quad then. None decides it.
    """
    weights = weights_of(call)
    count, depth = len(weights), weights[0].size
    blocks = -(-count // QUAD)
    expanded = 2 * (30 + _EXPAND * depth + (25 if depth % 4 else 0))
    copied = _COPIES + _COPY * 2 * count if count % QUAD else 0
    flat, whole = weights.reshape(count, 1, depth), -(-depth // QUAD) * QUAD
    halves_too = by is None
    by = by or quads.requantization(call, weights)
    forms = quads.forms(1, quads.used_steps(flat), by=by)
    for form, half in with_halves(call, flat, forms) if halves_too else ((form, None) for form in forms):
        params, packed = quads.packed(call, flat, form, by)
        if half is not None:
            params, packed = half.behind(call, params, packed)
        # Several pairs in one call, of the forms that can: those without a loop over a row's steps.
        several = in_place and depth % 4 == count % 4 == 0 and not form.loops and pixels >= 4
        at_a_time = _evenly(pixels // 2, _PAIRS_BYTES // (8 * form.steps)) if several else 1
        surrounding = 40 if several else 40 + expanded + copied
        each = form.cycles(blocks) - quads.CALL * several + surrounding + 3.6 * depth * several
        if half is not None:
            each += half.cycles - form.quad_cycles + (0 if several else half.call_cycles)
        cycles = -(-pixels // 2) * each
        made = replace(
            call,
            kernel="edgeq_conv_1x1_dsp_int8",
            source="conv_1x1_dsp.c",
            support=(*quads.SOURCES, *((halves.SOURCE,) if half is not None else ())),
            params_type="edgeq_conv_1x1_dsp_params",
            params={**image, **limits(call), "depth": 2 * form.steps, "pairs": at_a_time, "half": None, **params},
            inputs=(call.inputs[0], packed),
            scratch_bytes=8 * form.steps * (at_a_time - 1) + max(8 * form.steps + 8 * blocks, 4 * whole),
            in_place=(0,) if in_place else (),
            variant="dsp: 4 channels x 2 pixels",
        )
        found = Candidate(
            call=made,
            cycles=round(cycles + limit_cycles(call, pixels * count)),
            code={**_PIXELS_CODE, **form.code, **(half.code if half is not None else {})},
        )
        yield found, form


def _evenly(count: int, most: int) -> int:
    """The fewest at a time with which as few times do as with `most`."""
    return -(-count // -(-count // max(1, most)))


def _by_rows(
    call: KernelCall, by: quads.Requantization, *, downwards: bool, gathered: bool = False
) -> Iterator[Candidate]:
    weights = weights_of(call)
    _, height, width, depth = weights.shape
    stride = number(call, "stride_width")
    if (downwards and stride * depth % 2) or (gathered and height == 1):
        return
    row = -(-width * depth // 2)
    if gathered:  # rows keep their steps, and the product takes them all as one row
        whole = quads.forms(1, height * row, by=by)
        found = [replace(form, steps=row) for form in whole if form.steps == height * row]
    else:
        # Rows whose values come four at a time begin at a four.
        found = quads.forms(height, row, by=by, even=depth % 4 == 0)
    by_rows = weights.reshape(len(weights), height, width * depth)
    for form, half in with_halves(call, by_rows, found, in_fours=depth % 4 == 0):
        yield _rows(call, form, by, half, downwards=downwards, gathered=gathered)


def _rows(
    call: KernelCall, form: quads.Form, by: quads.Requantization, half: Half | None, *, downwards: bool, gathered: bool
) -> Candidate:
    weights = weights_of(call)
    count, height, width, depth = weights.shape
    out_height, out_width = number(call, "output_height"), number(call, "output_width")
    stride_height, stride_width = number(call, "stride_height"), number(call, "stride_width")
    in_fours = depth % 4 == 0
    params, packed = quads.packed(call, weights.reshape(count, height, width * depth), form, by, in_fours=in_fours)
    if half is not None:
        params, packed = half.behind(call, params, packed)
    blocks = -(-count // QUAD)
    beside = 0 if downwards else stride_width * depth
    # Steps of a row: where its last window starts, and what that spans.
    starts = (out_width - 1) * stride_width * depth // 2 if downwards else (-(-out_width // 2) - 1) * beside
    row_fours = -(-(starts + form.steps) // 2)
    line = 0 if in_fours else 4 + 4 * -(-(4 * row_fours + beside) // 4)
    patch = 8 * form.steps * height if gathered else 0
    row_steps, column_steps = (-(-out_height // 2), out_width) if downwards else (out_height, -(-out_width // 2))
    entered = row_steps * min(height, (2 if downwards else 1) * stride_height)
    cycles = entered * (8 * row_fours * (_EXPAND if in_fours else _EXPAND_IN_ORDER) + _ROW_ENTERED)
    if gathered or count % QUAD:
        each = form.cycles(blocks) + _PIXELS + (_COPIES + _COPY * 2 * count if count % QUAD else 0)
        each += height * (_GATHER * form.steps + 15 if gathered else _ROW_POINTER)
    else:  # the pairs of a row of outputs in one call
        each = form.cycles(blocks) - quads.CALL + _PAIR + (quads.CALL + _PIXELS + height * _ROW_POINTER) / column_steps
    if half is not None:
        each += half.cycles - form.quad_cycles + half.call_cycles / (1 if gathered else column_steps)
    cycles += row_steps * column_steps * each
    batches = number(call, "batches")
    same = stride_height == stride_width == 1 and (out_height, out_width, count) == (
        number(call, "input_height"), number(call, "input_width"), depth
    )  # fmt: skip
    made = replace(
        call,
        kernel="edgeq_conv_rows_dsp_int8",
        source="conv_rows_dsp.c",
        support=(*quads.SOURCES, *((halves.SOURCE,) if half is not None else ())),
        params_type="edgeq_conv_rows_dsp_params",
        params={
            **{name: call.params[name] for name in _ROWS_WINDOW},
            "input_zero_point": -number(call, "input_offset"),
            **limits(call),
            "steps": form.steps,
            "row_fours": row_fours,
            "line_bytes": line,
            "downwards": int(downwards),
            "gathered": int(gathered),
            "half": None,
            **params,
        },
        inputs=(call.inputs[0], packed),
        scratch_bytes=16 * height + 16 * row_fours * height + patch + line + 8 * blocks,
        in_place=(0,) if same and batches == 1 and number(call, "pad_top") <= (height - 1) // 2 else (),
        variant=f"dsp: 4 channels x 2 pixels {'downwards' if downwards else 'sideways'}"
        + (", windows gathered" if gathered else ""),
    )
    outputs = batches * out_height * out_width * count
    return Candidate(
        call=made,
        cycles=round(batches * cycles + limit_cycles(call, outputs)),
        code={**_ROWS_CODE, **form.code, **(half.code if half is not None else {})},
    )
