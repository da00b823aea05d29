"""DEPTHWISE_CONV_2D: 3x3 by pairs of rows, any window by pairs of rows or of taps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from edgeq.lower import packing
from edgeq.lower.dsp.candidate import (
    Candidate,
    channels_of,
    clamped,
    derived,
    inside,
    limit_cycles,
    limits,
    number,
    read_channels,
    weights_of,
)
from edgeq.lower.dsp.depthwise_pairs import by_pairs
from edgeq.lower.packing import QUAD, NotExactError
from edgeq.lower.program import Enumerator, KernelCall

_WINDOW = (
    "batches", "input_height", "input_width", "input_channels", "depth_multiplier", "output_height", "output_width",
    "filter_height", "filter_width", "stride_height", "stride_width", "dilation_height", "dilation_width", "pad_top",
    "pad_left",
)  # fmt: skip

# EDGEQ_DEPTHWISE_3X3_DECLARE in edgeq/depthwise_3x3.h: what most layers can have first, for layers that have the same
# share the code.
_SHIFTS = (10, 8, 12, 14)
# Pair rows at a time, besides all of them.
_BANDS = (1, 2, 4, 8, 16)

# Positions that pair rows are apart by, in products down the columns; by stride.
_APART = {1: (8, 16, 32, 64), 2: (8, 16)}

# Cycles of the assembly, clamped: two columns, the odd one, the rest of a row (kernels/depthwise_3x3.c) or of a column
# (..._down.c); by stride.
_TWO = {1: 70, 2: 46}
_ODD = {1: 34, 2: 24}
_ROW = 23
_DOWN_TWO = {1: 61, 2: 45}
_DOWN_ODD = {1: 32, 2: 33}
_COLUMN = 22
_CALL = 110
_QUAD, _QUAD_BANDS = 250, 480
_NOT_CLAMPED = 3  # per output
_POSITION = 16.5
_PAIR_ROW = 40

# Of any window: a pixel, four channels of it, two taps of these; an address outside of the interior; one more run over
# channels, a result that goes elsewhere.
_PIXEL = 120
_FOUR = 66
_TWO_TAPS = 25
_TAP = 24
_MORE_RUNS = 60
_SCATTER = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """Products of one channel: their function, its order and code, and the bytes from one pair row to the next.

    Cycles: of each pair row, of each band of them, and of one more row that has none below it.
    """

    run: str
    order: str
    pitch: int
    row: int
    band: int
    more: int
    code_bytes: int
    support: tuple[str, ...] = ()


def depthwise_convolutions(call: KernelCall) -> Iterator[Candidate]:
    """Every way to compute a DEPTHWISE_CONV_2D."""
    refused = None
    try:
        yield from _by_pair_rows(call)
    except NotExactError as exc:
        refused = exc
    with suppress(NotExactError):
        yield from by_pairs(call)
    try:
        yield _by_taps(call)
    except NotExactError:
        if refused is not None:
            raise


def _by_pair_rows(call: KernelCall) -> Iterator[Candidate]:
    stride = number(call, "stride_height")
    shape = (number(call, "filter_height"), number(call, "filter_width"))
    plain = number(call, "dilation_height") == number(call, "dilation_width") == 1
    out_height, out_width = number(call, "output_height"), number(call, "output_width")
    if shape != (3, 3) or not plain or stride > 2 or stride != number(call, "stride_width") or out_width < 2:
        raise NotExactError("a window other than 3x3, or one column of outputs")
    constant = weights_of(call)
    count = constant.shape[-1]
    weights = constant.reshape(9, count).T
    multiplier = number(call, "depth_multiplier")
    inputs = count // multiplier
    # Of several outputs of a channel, all are computed.
    read = read_channels(call, count) if multiplier == 1 else list(range(count))
    channels = packing.chosen(channels_of(call, weights), read)
    shift, words = packing.depthwise_3x3(channels, weights[read], _SHIFTS)
    packed = derived(call, "packed_weights", words)
    pad_left = number(call, "pad_left")
    positions = (out_width - 1) * stride + 3
    inside = min(number(call, "input_width"), positions - pad_left)
    zero = -number(call, "input_offset") & 0xFF
    image = (
        number(call, "input_height"), number(call, "input_width"), number(call, "input_width") * inputs, inputs,
        number(call, "pad_top"), pad_left, int(np.array([zero] * 4, np.uint8).view(np.int32)[0]), positions, inside,
    )  # fmt: skip
    same = stride == multiplier == 1 and (out_height, out_width) == (
        number(call, "input_height"),
        number(call, "input_width"),
    )
    batches = number(call, "batches")
    pair_rows = -(-out_height // 2) if stride == 1 else out_height
    outputs = batches * out_height * out_width * count
    for form, band in itertools.product(
        _forms(stride, shift, positions, out_width, clamps=clamped(call)),
        sorted({pair_rows, *(n for n in _BANDS if n < pair_rows)}),
    ):
        bands = -(-pair_rows // band)
        more = 1 if out_height % 2 and stride == 1 else 0
        cycles = batches * len(read) * (pair_rows * form.row + bands * (form.band + _CALL) + more * form.more)
        cycles += (
            batches
            * -(-inputs // QUAD)
            * ((_QUAD if bands == 1 else _QUAD_BANDS) + (pair_rows + 1) * (inside * _POSITION + _PAIR_ROW))
        )
        cycles += batches * -(-inputs // QUAD) * (bands - 1) * positions * 9
        cycles += 0 if clamped(call) else _NOT_CLAMPED * outputs
        made = replace(
            call,
            kernel="edgeq_depthwise_3x3_dsp_int8",
            source="depthwise_3x3_dsp.c",
            support=("depthwise_3x3.c", *form.support),
            params_type="edgeq_depthwise_3x3_dsp_params",
            params={
                "batches": batches,
                "image": (*image, form.pitch),
                "channels": inputs,
                "channels_read": len(read) // multiplier,
                "depth_multiplier": multiplier,
                "output_height": out_height,
                "output_width": out_width,
                "stride": stride,
                "band": band,
                **limits(call),
                "run": Enumerator(name=form.run),
            },
            inputs=(call.inputs[0], packed),
            scratch_bytes=form.pitch * (band + 1),
            in_place=(0,) if same and batches == 1 and number(call, "pad_top") <= 1 else (),
            variant=f"dsp: pairs of rows, {band} at a time, {form.order}",
        )
        yield Candidate(
            call=made,
            cycles=round(cycles + limit_cycles(call, outputs)),
            code={"edgeq_depthwise_3x3_dsp_int8": 2700, form.run: form.code_bytes},
        )


def _forms(stride: int, shift: int, positions: int, out_width: int, *, clamps: bool) -> Iterator[_Form]:
    """The products that fit: along the rows, and down the columns, which rows must be short enough for."""
    odd = out_width % 2
    clamped_suffix = "_clamped" if clamps else ""
    yield _Form(
        run=f"edgeq_depthwise_3x3_{stride}_{shift}{'_odd' if odd else ''}{clamped_suffix}",
        order="along the rows",
        pitch=16 * positions,
        row=_ROW + out_width // 2 * _TWO[stride] + odd * _ODD[stride],
        band=0,
        more=_CALL,
        code_bytes=420,
    )
    apart = next((n for n in _APART[stride] if positions <= n), None)
    if apart is not None:
        down = out_width // 2 * _DOWN_TWO[stride] + odd * _DOWN_ODD[stride]
        yield _Form(
            run=f"edgeq_depthwise_3x3_down_{apart}_{stride}_{shift}{clamped_suffix}",
            support=("depthwise_3x3_down.c",),
            order="down the columns",
            pitch=16 * apart,
            row=down,
            band=(out_width // 2 + odd) * _COLUMN,
            more=(out_width // 2 + odd) * _COLUMN,
            code_bytes=900 if stride == 1 else 420,
        )


def _by_taps(call: KernelCall) -> Candidate:
    constant = weights_of(call)
    multiplier, count = number(call, "depth_multiplier"), number(call, "input_channels")
    if count < QUAD:
        raise NotExactError(f"{count} channels, fewer than {QUAD}")
    flat = constant.reshape(-1, constant.shape[-1]).T
    taps = flat.shape[1] + flat.shape[1] % 2
    weights = np.zeros((len(flat), taps), np.int8)
    weights[:, : flat.shape[1]] = flat
    # Fours of input channels, the last ones again where they are not whole, for each output that a channel has.
    first = [*range(0, count - QUAD + 1, QUAD), *([count - QUAD] if count % QUAD else [])]
    order = [(c + i) * multiplier + m for m in range(multiplier) for c in first for i in range(QUAD)]
    blocks = packing.single_channels(packing.chosen(channels_of(call, flat), order))
    pixels = number(call, "batches") * number(call, "output_height") * number(call, "output_width")
    made = replace(
        call,
        kernel="edgeq_depthwise_conv_2d_dsp_int8",
        source="depthwise_conv_2d_dsp.c",
        params_type="edgeq_depthwise_conv_2d_dsp_params",
        params={
            **{field: call.params[field] for field in _WINDOW},
            "input_zero_point": -number(call, "input_offset"),
            **limits(call),
            "taps": taps,
            "channels": derived(call, "channels", blocks),
        },
        inputs=(call.inputs[0], derived(call, "packed_weights", packing.depthwise_weights(weights[order]))),
        scratch_bytes=16 * taps + count * min(multiplier, 2),
        variant="dsp: 4 channels x 2 taps",
    )
    whole = inside(call, "height") * inside(call, "width") * number(call, "batches")
    scattered = _SCATTER * count if multiplier > 1 else 0
    cycles = pixels * (_PIXEL + len(first) * multiplier * (_FOUR + _TWO_TAPS * taps / 2) + multiplier * scattered)
    cycles += (pixels - whole) * _TAP * taps + pixels * _MORE_RUNS * (multiplier * (1 + bool(count % QUAD)) - 1)
    return Candidate(
        call=made,
        cycles=round(cycles + limit_cycles(call, pixels * len(flat))),
        code={"edgeq_depthwise_conv_2d_dsp_int8": 1740},
    )
