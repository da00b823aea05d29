"""DEPTHWISE_CONV_2D: windows as vectors of one channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeq.lower import packing
from edgeq.lower.dsp.candidate import Candidate, channels_of, clamped, derived, limits, number, weights_of
from edgeq.lower.mve.matrix import scales_of
from edgeq.lower.packing import Int32s, NotExactError
from edgeq.lower.program import KernelCall

_FIELDS = (
    "batches", "input_height", "input_width", "output_height", "output_width", "stride_height", "stride_width",
    "pad_top", "pad_left",
)  # fmt: skip

_BLOCK, _VECTOR = 8, 16
_SUMS_BYTES = 512  # EDGEQ_DEPTHWISE_MVE_SUMS
_LARGEST_PLANE = 8191

# Instructions of a value of the planes' rows for eight channels, of a row of them; of a window, a vector more, a
# channel of a row; of four results, of eight channels.
_VALUE, _ROW, _WINDOW, _MORE, _CHANNEL, _FOUR, _EIGHT = 5, 25, 6, 5, 12, 9, 120


def depthwise_convolutions(call: KernelCall) -> Iterator[Candidate]:
    """With one row of outputs at a time, and two."""
    if number(call, "depth_multiplier") != 1:
        raise NotExactError("a depth multiplier above 1")
    rows = (1, 2) if number(call, "output_height") > 1 else (1,)
    found = [_by_rows(call, n) for n in rows]
    yield from (c for c in found if c is not None)
    if not any(found):
        raise NotExactError(f"the input's rows are wider than {_LARGEST_PLANE} values of a window")


def _by_rows(call: KernelCall, rows: int) -> Candidate | None:
    weights = weights_of(call)[0]  # (height, width, channels)
    count = weights.shape[-1]
    stride_height, stride_width = number(call, "stride_height"), number(call, "stride_width")
    shift = stride_height if rows == 2 else 0
    dense = _dilated(weights, number(call, "dilation_height"), number(call, "dilation_width"))
    height, width = dense.shape[0] + shift, dense.shape[1]
    columns = (number(call, "output_width") - 1) * stride_width + width
    plane = columns * height + _VECTOR
    if plane > _LARGEST_PLANE:
        return None
    sixteens = -(-height * width // _VECTOR)
    made = replace(
        call,
        kernel="edgeq_depthwise_conv_2d_mve_int8",
        source="depthwise_conv_2d_mve.c",
        params_type="edgeq_depthwise_conv_2d_mve_params",
        params={
            **{name: call.params[name] for name in _FIELDS},
            "channels": count,
            "input_zero_point": -number(call, "input_offset"),
            "rows": rows,
            "height": height,
            "columns": columns,
            "plane": plane,
            "shift": shift,
            "sixteens": sixteens,
            "clamped": int(clamped(call)),
            **limits(call),
            "scales": derived(call, "scales", _scales(channels_of(call, weights.reshape(-1, count).T))),
        },
        inputs=(call.inputs[0], derived(call, "planes_weights", _packed(dense, shift, _VECTOR * sixteens))),
        scratch_bytes=_SUMS_BYTES + _BLOCK * plane,
        variant=f"mve: 8 channels x {rows} rows",
    )
    out_height, out_width = number(call, "output_height"), number(call, "output_width")
    groups = number(call, "batches") * -(-out_height // rows)
    each = height * (_ROW + _VALUE * columns) + _EIGHT
    each += _BLOCK * (_CHANNEL * -(-out_width // 8) + out_width * (_WINDOW + _MORE * (sixteens - 1)))
    each += 2 * rows * out_width * _FOUR
    return Candidate(
        call=made, cycles=groups * -(-count // _BLOCK) * each, code={"edgeq_depthwise_conv_2d_mve_int8": 1500}
    )


def _dilated(weights: NDArray[np.int8], vertical: int, horizontal: int) -> NDArray[np.int8]:
    """Weights (height, width, channels), with zeros between the taps."""
    height, width, channels = weights.shape
    dense = np.zeros(((height - 1) * vertical + 1, (width - 1) * horizontal + 1, channels), np.int8)
    dense[::vertical, ::horizontal] = weights
    return dense


def _packed(weights: NDArray[np.int8], shift: int, size: int) -> NDArray[np.int8]:
    """(channels, shift + size): columns of weights (height, width, channels), `shift` zeros before and in each."""
    height, width, channels = weights.shape
    columns = np.zeros((channels, width, height + shift), np.int8)
    columns[:, :, :height] = weights.transpose(2, 1, 0)
    packed = np.zeros((channels, shift + size), np.int8)
    packed[:, shift : shift + width * (height + shift)] = columns.reshape(channels, -1)
    return packed


def _scales(channels: packing.Channels) -> Int32s:
    """(channels / 8, 4, 8): start values, multipliers, constants and shifts of each eight."""
    words = np.concatenate([packing.wrapped(channels.bias)[:, None], scales_of(channels)], axis=1)
    padded = np.zeros((-(-len(words) // _BLOCK) * _BLOCK, 4), np.int32)
    padded[: len(words)] = words
    return padded.reshape(-1, _BLOCK, 4).transpose(0, 2, 1)
