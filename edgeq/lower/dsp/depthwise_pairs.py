"""DEPTHWISE_CONV_2D of windows of any size by pairs of rows, where strides are 1."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower import packing
from edgeq.lower.dsp.candidate import Candidate, channels_of, derived, limit_cycles, limits, number, weights_of
from edgeq.lower.packing import QUAD, Int32s, NotExactError
from edgeq.lower.program import Enumerator, KernelCall

# Positions that are unrolled in edgeq/depthwise_pairs.h.
_UNROLLED = (1, 2, 3, 4, 5, 7)
# Pair rows at a time, besides all of them.
_BANDS = (1, 2, 4, 8, 16)

# Cycles of the assembly (kernels/depthwise_pairs.c): a position of two windows, a row of it, the rest; of a call. Of
# four channels, a band of them, their pair rows and a pair in these, and one that the next band keeps.
_POSITION, _ROW, _WINDOWS, _CALL = 9, 5, 56, 75
_QUAD, _BAND, _PAIR_ROW, _PAIR, _KEPT = 450, 70, 9, 20, 9
_CODE, _POSITION_CODE = 190, 32
_AROUND = 2300


def by_pairs(call: KernelCall) -> Iterator[Candidate]:
    """Along rows and down columns, by bands of pair rows.

    Raises:
        NotExactError: another kind of window, or a condition fails for these weights.
    """
    fields = ("stride_height", "stride_width", "dilation_height", "dilation_width")
    if any(number(call, field) != 1 for field in fields):
        raise NotExactError("strides or dilation other than 1")
    constant = weights_of(call)[0]
    sizes = {axis: _axis(call, axis) for axis in ("height", "width")}
    if sizes["height"]["input"] == sizes["height"]["filter"] == sizes["height"]["output"] == 1:
        # A row is a column in memory, too, and in a column two outputs share each pair.
        sizes = {"height": sizes["width"], "width": sizes["height"]}
        constant = constant.transpose(1, 0, 2)
    height, width, count = constant.shape
    rows, columns = sizes["height"]["output"], sizes["width"]["output"]
    window_rows, positions = height // 2 + 1, columns + width - 1
    at_once = window_rows if positions == 1 and window_rows in _UNROLLED else width
    if at_once not in _UNROLLED:
        raise NotExactError(f"a window {width} wide")
    passes = window_rows * width // at_once
    flat = constant.transpose(2, 0, 1)
    words = _words(channels_of(call, flat.reshape(count, -1)), flat)
    packed = derived(call, "packed_weights", words)
    multiplier, batches = number(call, "depth_multiplier"), number(call, "batches")
    inputs = count // multiplier
    inside = min(sizes["width"]["input"], positions - sizes["width"]["pad"])
    pair_rows = -(-rows // 2)
    same = multiplier == batches == 1 and all(axis["input"] == axis["output"] for axis in sizes.values())
    zero = -number(call, "input_offset") & 0xFF
    bands = sorted({pair_rows, *(n for n in _BANDS if n < pair_rows)})
    for downwards, band in itertools.product((False, True), bands):
        runs = -(-pair_rows // band)
        calls, windows = _windows(rows, columns, band, downwards=downwards)
        cycles = batches * count * (calls * _CALL + windows * (_WINDOWS + passes * (_ROW + _POSITION * at_once)))
        made_rows = (pair_rows + window_rows - 1) * (inside * _PAIR + _PAIR_ROW)
        kept = (runs - 1) * (window_rows - 1) * positions * _KEPT
        cycles += batches * -(-inputs // QUAD) * (_QUAD + runs * _BAND + made_rows + kept)
        run = f"edgeq_depthwise_pairs_{at_once}"
        made = replace(
            call,
            kernel="edgeq_depthwise_pairs_dsp_int8",
            source="depthwise_pairs_dsp.c",
            support=("depthwise_pairs.c", "depthwise_3x3.c"),
            params_type="edgeq_depthwise_pairs_dsp_params",
            params={
                "batches": batches,
                "input_height": sizes["height"]["input"],
                "input_width": sizes["width"]["input"],
                "channels": inputs,
                "depth_multiplier": multiplier,
                "output_height": rows,
                "output_width": columns,
                "pad_top": sizes["height"]["pad"],
                "pad_left": sizes["width"]["pad"],
                "outside": int(np.array([zero] * 4, np.uint8).view(np.int32)[0]),
                "positions": positions,
                "inside": inside,
                "pitch": 16 * positions,
                "band": band,
                "downwards": int(downwards),
                "window_rows": window_rows,
                "next_row": 16 * (positions - at_once) if passes > 1 else 0,
                "words": words.shape[1],
                **limits(call),
                "run": Enumerator(name=run),
            },
            inputs=(call.inputs[0], packed),
            scratch_bytes=16 * positions * (band + window_rows - 1),
            in_place=(0,) if same else (),
            variant=f"dsp: pairs of rows of any window, {band} at a time, "
            + ("down the columns" if downwards else "along the rows"),
        )
        outputs = batches * rows * columns * count
        yield Candidate(
            call=made,
            cycles=round(cycles + limit_cycles(call, outputs)),
            code={"edgeq_depthwise_pairs_dsp_int8": _AROUND, run: _CODE + _POSITION_CODE * at_once},
        )


def _axis(call: KernelCall, axis: str) -> Mapping[str, int]:
    sizes = {what: number(call, f"{what}_{axis}") for what in ("input", "filter", "output")}
    return {**sizes, "pad": number(call, "pad_top" if axis == "height" else "pad_left")}


def _windows(rows: int, columns: int, band: int, *, downwards: bool) -> tuple[int, int]:
    """(calls, times two windows) of one channel."""
    calls = windows = 0
    for start in range(0, rows, 2 * band):
        here = min(2 * band, rows - start)
        if downwards:
            single = (here % 4 > 1) + here % 2
            calls += columns * ((here >= 4) + single)
            windows += columns * (here // 4 + single)
        else:
            pairs = -(-here // 2)
            calls += pairs * ((columns > 1) + columns % 2)
            windows += pairs * -(-columns // 2)
    return calls, windows


def _words(c: packing.Channels, weights: NDArray[np.int8]) -> Int32s:
    """The words of kernels/depthwise_pairs.h of weights (channels, height, width).

    Raises:
        NotExactError: as `packing.requantization`.
    """
    count, height, width = weights.shape
    pair_rows = height // 2 + 1
    doubled = np.zeros((count, 2 * pair_rows + 1, width), np.int64)
    doubled[:, 1 : height + 1] = 2 * weights.astype(np.int64)
    upper = doubled[:, 1:].reshape(count, pair_rows, 2, width)
    lower = doubled[:, :-1].reshape(count, pair_rows, 2, width)
    both = np.stack([upper, lower], axis=-1)  # (count, pair rows, 2, width, upper and lower)
    words = ((both[:, :, 0] & 0xFFFF) | (both[:, :, 1] << 16)).reshape(count, -1)
    rest = packing.requantization(c, extra=np.zeros(count, np.int64))
    return packing.wrapped(np.concatenate([c.bias[:, None] * 2, words, cast(NDArray[np.int64], rest)], axis=1))
