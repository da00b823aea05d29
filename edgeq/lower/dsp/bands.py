"""CONV_2D of one pixel whose bias differs at the borders: the middle as any other, the borders by quads of channels.

A quad's weights are copied to RAM once for many pairs of pixels, and where its sums start is exchanged in the copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from edgeq.lower.bands import Bands, bands_of, single_calls
from edgeq.lower.constant_channels import plain_alike
from edgeq.lower.dsp import quads
from edgeq.lower.dsp.candidate import Candidate, channels_of, derived, limit_cycles, limits, number, weights_of
from edgeq.lower.dsp.convolution import PIXELS_WINDOW, by_pixels
from edgeq.lower.packing import QUAD, Channels, Int32s, joined, padded, wrapped
from edgeq.lower.program import Constant, KernelCall

# Pairs of pixels at the borders whose columns are there at one time: all, or as many as take so many bytes.
_COLUMNS_BYTES = (1024, 3072)

# Cycles: of a call for some rows of the middle; of a pair of columns, and per value; of copying a quad's weights, and
# per word; of starting somewhere else.
_MIDDLE = 250
_PAIR, _VALUE = 90, 3.6
_COPY, _WORD = 45, 2
_START = 130

# Bytes of the functions, besides those of other convolutions of one pixel.
_CODE = {"edgeq_conv_1x1_bands_dsp_int8": 1000}

_SEGMENT_BYTES = 16

# The fields of edgeq_conv_1x1_dsp_params in their order; results are limited once for all rectangles.
_INSIDE = (
    *PIXELS_WINDOW, "activation_min", "activation_max", "depth", "pairs", "quads", "quad_words", "step_bytes", "run",
    "half",
)  # fmt: skip
_UNLIMITED = {"activation_min": -128, "activation_max": 127}


def banded_convolutions(call: KernelCall) -> Iterator[Candidate]:
    """Every way to compute the call, whose bias has bands."""
    where = bands_of(call)
    rows, columns = where.rows[1], where.columns[1]
    whole = sum(where.columns) == columns
    height, width = rows if whole else 1, columns
    calls = plain_alike(single_calls(call, height=height, width=width))
    weights = weights_of(calls[0])
    each = [channels_of(c, weights.reshape(len(weights), -1)) for c in calls]
    middle = calls[where.middle]
    by = quads.requantization(middle, weights, channels=joined(each, where.middle))
    starts = derived(call, "starts", _starts(each, where.middle, wide=by.wide, words=by.words))
    image = {**{name: middle.params[name] for name in PIXELS_WINDOW}, "input_width": sum(where.columns)}
    for inside, form in by_pixels(middle, image, height * width, in_place=True, by=by):
        for pairs in sorted({_at_a_time(where, form, limit) for limit in _COLUMNS_BYTES}):
            made = _made(call, where, inside.call, starts, pairs)
            in_rows = (1 if whole else rows) * (inside.cycles + _MIDDLE)
            cycles = round(in_rows + _border_cycles(where, inside.call, form, pairs))
            yield Candidate(call=made, cycles=cycles, code={**inside.code, **_CODE})


def _made(call: KernelCall, where: Bands, inside: KernelCall, starts: Constant, pairs: int) -> KernelCall:
    depth, channels = number(inside, "depth"), number(call, "input_channels")
    columns_bytes = 4 * depth * (pairs - 1) + 4 * max(depth, -(-channels // QUAD) * QUAD)
    scratch = columns_bytes + 4 * number(inside, "quad_words") + _SEGMENT_BYTES * pairs + 2 * QUAD
    return replace(
        inside,
        kernel="edgeq_conv_1x1_bands_dsp_int8",
        source="conv_1x1_bands_dsp.c",
        support=("conv_1x1_dsp.c", *inside.support),
        params_type="edgeq_conv_1x1_bands_dsp_params",
        params={
            "inside": tuple({**inside.params, **_UNLIMITED}[name] for name in _INSIDE),
            "rows": where.rows,
            "columns": where.columns,
            **limits(call),
            "pairs": pairs,
            "starts": starts,
        },
        scratch_bytes=max(inside.scratch_bytes, scratch),
        variant=f"{inside.variant}, a bias for each side and corner",
    )


def _starts(each: Sequence[Channels], middle: int, *, wide: bool, words: Int32s) -> Int32s:
    """(rectangles but the middle one, quads, 4): where sums start, as quads.h has it."""
    found = []
    for i, channels in enumerate(each):
        if i == middle:
            continue
        more = padded(channels.bias - each[middle].bias, QUAD * len(words)).reshape(-1, QUAD)
        if not wide:  # 256 * odd + even, and even
            even, odd = more[:, ::2], more[:, 1::2]
            more = np.stack([256 * odd + even, even], axis=2).reshape(-1, QUAD)
        found.append(wrapped(words[:, :QUAD].astype(np.int64) + more))
    return np.stack(found)


def _pairs(where: Bands) -> int:
    """Pairs of pixels at the borders; none has pixels of two rows, or of two columns, of a rectangle that is wider."""
    return sum(-(-n // 2) * runs for n, runs in _runs(where))


def _runs(where: Bands) -> list[tuple[int, int]]:
    """Pixels of each run in which they follow each other in one direction, and how many such runs, by rectangle."""
    return [
        (rows, 1) if columns == 1 else (columns, rows)
        for i, (rows, columns) in enumerate(where.sizes)
        if i != where.middle
    ]


def _at_a_time(where: Bands, form: quads.Form, limit: int) -> int:
    return min(_pairs(where), max(1, limit // (8 * form.steps)))


def _border_cycles(where: Bands, inside: KernelCall, form: quads.Form, pairs: int) -> float:
    blocks, words, depth = (number(inside, name) for name in ("quads", "quad_words", "depth"))
    total, runs = _pairs(where), sum(runs for _, runs in _runs(where))
    flushes = -(-total // pairs)
    calls = total if form.loops else min(total, 2 * runs + flushes)
    cycles: float = flushes * blocks * (_COPY + _WORD * words) + calls * blocks * (quads.CALL + _START)
    cycles += total * (blocks * form.quad_cycles + _PAIR + _VALUE * depth)
    pixels = sum(n * runs for n, runs in _runs(where))
    return cycles + limit_cycles(inside, pixels * number(inside, "output_channels"))
