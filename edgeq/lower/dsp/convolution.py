"""CONV_2D, and FULLY_CONNECTED on several rows, as products of quads of channels and two columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from edgeq.lower.dsp import halves, quads
from edgeq.lower.dsp.candidate import Candidate, limit_cycles, limits, number, weights_of
from edgeq.lower.dsp.halves import with_halves
from edgeq.lower.dsp.patches import patch_convolutions
from edgeq.lower.dsp.reshaped import columns_as_rows, pixels_as_channels
from edgeq.lower.dsp.rows import row_convolutions
from edgeq.lower.dsp.strips import strip_convolutions
from edgeq.lower.dsp.winograd import winograd_convolutions
from edgeq.lower.packing import QUAD, NotExactError
from edgeq.lower.program import KernelCall, Param

# Fields of edgeq_conv_1x1_dsp_params that say what the image is.
PIXELS_WINDOW = (
    "input_width", "input_channels", "output_height", "output_width", "output_channels", "stride_height",
    "stride_width",
)  # fmt: skip

# Cycles of what surrounds the products, per value or pixel: measured, to a tenth or so.
_CALL = 180
_EXPAND = 1.8
_COPIES, _COPY = 25, 2

# Of columns that several pairs of pixels may take.
_PAIRS_BYTES = 1024

# Bytes of the function around the products.
_PIXELS_CODE = {"edgeq_conv_1x1_dsp_int8": 1330}


def convolutions(call: KernelCall) -> Iterator[Candidate]:
    """Every way to compute a CONV_2D, also as one of another shape."""
    yield from _of_this_shape(call)
    for form, said in ((pixels_as_channels, "pixels side by side as channels"), (columns_as_rows, "columns as rows")):
        for same in form(call):
            for found in convolutions(same):
                yield replace(found, call=replace(found.call, variant=f"{found.call.variant}, {said}"))


def _of_this_shape(call: KernelCall) -> Iterator[Candidate]:
    weights = weights_of(call)
    grouped = number(call, "groups") != 1
    plain = not grouped and number(call, "dilation_height") == number(call, "dilation_width") == 1
    unpadded = not (number(call, "pad_top") or number(call, "pad_left"))
    if plain and weights.shape[1:3] == (1, 1) and unpadded and number(call, "batches") == 1:
        in_place = number(call, "stride_height") == number(call, "stride_width") == 1
        image = {name: call.params[name] for name in PIXELS_WINDOW}
        pixels = number(call, "output_height") * number(call, "output_width")
        for found, _ in by_pixels(call, image, pixels, in_place=in_place):
            yield found
        return
    if not grouped:
        if plain:
            with suppress(NotExactError):
                yield from winograd_convolutions(call)
        by = quads.requantization(call, weights)
        yield from row_convolutions(call, by)
        if plain:
            yield from strip_convolutions(call, by)
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
        cycles = _CALL + -(-pixels // 2) * each
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
