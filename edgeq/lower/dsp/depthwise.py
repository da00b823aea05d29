"""DEPTHWISE_CONV_2D: 3x3 by pairs of rows, any window by pairs of taps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgeq.lower import packing
from edgeq.lower.dsp.candidate import (
    Candidate,
    channels_of,
    clamped,
    derived,
    limit_cycles,
    limits,
    number,
    weights_of,
)
from edgeq.lower.packing import QUAD, NotExactError
from edgeq.lower.program import Enumerator, KernelCall

_WINDOW = (
    "batches", "input_height", "input_width", "input_channels", "output_height", "output_width", "filter_height",
    "filter_width", "stride_height", "stride_width", "dilation_height", "dilation_width", "pad_top", "pad_left",
)  # fmt: skip

# EDGEQ_DEPTHWISE_3X3_DECLARE in edgeq/depthwise_3x3.h.
_SHIFTS = (8, 10, 12, 14)
# Pair rows at a time, besides all of them.
_BANDS = (1, 2, 4, 8, 16)

# Cycles of the assembly in kernels/depthwise_3x3.c, clamped: two columns, the odd one, the rest of a row; by stride.
_TWO = {1: 70, 2: 51}
_ODD = {1: 34, 2: 24}
_ROW = 23
_CALL = 75
_NOT_CLAMPED = 3  # per output
_POSITION = 18
_PAIR_ROW = 70


def depthwise_convolutions(call: KernelCall) -> Iterator[Candidate]:
    """Every way to compute a DEPTHWISE_CONV_2D."""
    if number(call, "depth_multiplier") != 1:
        raise NotExactError("a depth multiplier above 1")
    refused = None
    try:
        yield from _by_pair_rows(call)
    except NotExactError as exc:
        refused = exc
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
    channels = channels_of(call, weights)
    shift, words = packing.depthwise_3x3(channels, weights, _SHIFTS)
    packed = derived(call, "packed_weights", words)
    pad_left = number(call, "pad_left")
    positions = (out_width - 1) * stride + 3
    inside = min(number(call, "input_width"), positions - pad_left)
    suffix = ("_odd" if out_width % 2 else "") + ("_clamped" if clamped(call) else "")
    zero = -number(call, "input_offset") & 0xFF
    same = stride == 1 and (out_height, out_width) == (number(call, "input_height"), number(call, "input_width"))
    batches = number(call, "batches")
    pair_rows = -(-out_height // 2) if stride == 1 else out_height
    outputs = batches * out_height * out_width * count
    row = _ROW + out_width // 2 * _TWO[stride] + (_ODD[stride] if out_width % 2 else 0)
    for band in sorted({pair_rows, *(n for n in _BANDS if n < pair_rows)}):
        calls = -(-pair_rows // band) + (1 if out_height % 2 and stride == 1 else 0)
        cycles = batches * count * (pair_rows * row + calls * _CALL)
        cycles += batches * -(-count // QUAD) * (pair_rows + 1) * (inside * _POSITION + _PAIR_ROW)
        cycles += batches * -(-count // QUAD) * (-(-pair_rows // band) - 1) * positions * 9
        cycles += 0 if clamped(call) else _NOT_CLAMPED * outputs
        made = replace(
            call,
            kernel="edgeq_depthwise_3x3_dsp_int8",
            source="depthwise_3x3_dsp.c",
            support=("depthwise_3x3.c",),
            params_type="edgeq_depthwise_3x3_dsp_params",
            params={
                "batches": batches,
                "input_height": number(call, "input_height"),
                "input_width": number(call, "input_width"),
                "channels": count,
                "output_height": out_height,
                "output_width": out_width,
                "stride": stride,
                "pad_top": number(call, "pad_top"),
                "pad_left": pad_left,
                "outside": int(np.array([zero] * 4, np.uint8).view(np.int32)[0]),
                "positions": positions,
                "inside": inside,
                "band": band,
                **limits(call),
                "run": Enumerator(name=f"edgeq_depthwise_3x3_{stride}_{shift}{suffix}"),
            },
            inputs=(call.inputs[0], packed),
            scratch_bytes=16 * positions * (band + 1),
            in_place=(0,) if same and batches == 1 and number(call, "pad_top") <= 1 else (),
            variant=f"dsp: pairs of rows, {band} at a time",
        )
        yield Candidate(
            call=made,
            cycles=round(cycles + limit_cycles(call, outputs)),
            code={"edgeq_depthwise_3x3_dsp_int8": 1300, f"edgeq_depthwise_3x3_{stride}_{shift}{suffix}": 420},
        )


def _by_taps(call: KernelCall) -> Candidate:
    constant = weights_of(call)
    count = constant.shape[-1]
    if count % QUAD:
        raise NotExactError(f"{count} channels, no multiple of 4")
    weights = constant.reshape(-1, count).T
    taps = weights.shape[1] + weights.shape[1] % 2
    padded = np.zeros((count, taps), np.int8)
    padded[:, : weights.shape[1]] = weights
    blocks = packing.single_channels(channels_of(call, weights))
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
        inputs=(call.inputs[0], derived(call, "packed_weights", packing.depthwise_weights(padded))),
        scratch_bytes=8 * taps + count,
        variant="dsp: 4 channels x 2 taps",
    )
    cycles = pixels * (60 + 16 * taps + count // QUAD * (70 + 12.5 * taps))
    return Candidate(
        call=made,
        cycles=round(cycles + limit_cycles(call, pixels * count)),
        code={"edgeq_depthwise_conv_2d_dsp_int8": 1400},
    )
