"""DEPTHWISE_CONV_2D of windows of any size by pairs of rows: rows of outputs one or two apart, or dilated."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower import packing
from edgeq.lower.dsp.candidate import Candidate, channels_of, derived, limit_cycles, limits, number, weights_of
from edgeq.lower.packing import QUAD, Int32s, NotExactError
from edgeq.lower.program import Enumerator, KernelCall, Param

# Positions that are unrolled in edgeq/depthwise_pairs.h.
_UNROLLED = (1, 2, 3, 4, 5, 7)
# Pair rows at a time, besides all of them.
_BANDS = (1, 2, 4, 8, 16)

# Cycles of the assembly (kernels/depthwise_pairs.c): of a call; of four outputs, a row of their windows and a position.
_CALL = 75
_FOUR_OUTPUTS = {1: (56, 5, 9), 2: (58, 8, 10)}
# Of four channels, a band of them, their pair rows and a pair in these, and one that the next band keeps.
_QUAD, _BAND, _PAIR_ROW, _PAIR, _KEPT = 450, 70, 9, 17, 9
_NARROW = 300  # of four channels, rows of one position
_CODE, _POSITION_CODE = 190, 34
_AROUND = 3000
# Rows of windows that "line" has, and its cycles of four outputs and a row of theirs.
_LINES, _LINE, _LINE_ROW = (3, 4, 5, 6), 47, 3
_ORDERS = {1: (("ALONG", "along the rows"), ("DOWN", "down the columns")), 2: (("SQUARES", "in squares"),)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """Sizes along an axis, and bytes from one value of the input and of the output to the next."""

    name: str
    input: int
    filter: int
    output: int
    pad: int
    stride: int
    dilation: int
    input_step: int
    output_step: int

    def phases(self) -> list[_Axis]:
        """Without dilation: each part of the input whose windows have no value in common with another's."""
        return [self._phase(n) for n in range(min(self.dilation, self.output))]

    def _phase(self, n: int) -> _Axis:
        begin, step = n - self.pad, self.dilation
        pad = max(0, -(begin // step))
        first = begin + pad * step
        return replace(
            self, input=-(-(self.input - first) // step), output=-(-(self.output - n) // step), pad=pad, dilation=1
        )

    @property
    def positions(self) -> int:
        return (self.output - 1) * self.stride + self.filter

    @property
    def inside(self) -> int:
        return min(self.input, self.positions - self.pad)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """Along `down`, pair rows; `at_once` positions are unrolled."""

    down: _Axis
    across: _Axis
    at_once: int

    @property
    def window_rows(self) -> int:
        return self.down.filter // 2 + 1 if self.down.stride == 1 else -(-self.down.filter // 2)

    @property
    def pitch(self) -> int:
        return 16 * self.across.phases()[0].positions

    @property
    def passes(self) -> int:
        return self.window_rows * self.across.filter // self.at_once

    @property
    def in_lines(self) -> bool:
        fits = self.across.filter == 1 == self.down.stride and self.down.filter in _LINES
        return fits and min(phase.output for phase in self.down.phases()) >= 4

    def run(self, order: str) -> str:
        """Its name in edgeq/depthwise_pairs.h."""
        if order == "LINES":
            return f"line_{self.down.filter}"
        return f"four_{self.at_once}" if order == "SQUARES" else f"{self.at_once}"

    def pair_rows(self, outputs: int) -> int:
        """That so many rows of outputs begin in."""
        return -(-outputs // 2) if self.down.stride == 1 else outputs


def by_pairs(call: KernelCall) -> Iterator[Candidate]:
    """Either axis down, in any order, by bands of pair rows.

    Raises:
        NotExactError: another kind of window, or a condition fails for these weights.
    """
    constant = weights_of(call)[0]
    refused = None
    for turned in (False, True):
        weights = constant.transpose(1, 0, 2) if turned else constant
        try:
            window = _window(call, turned=turned)
        except NotExactError as exc:
            refused = refused or exc
            continue
        yield from _candidates(call, window, weights)
        if window.across.filter == window.down.filter and window.across.stride == window.down.stride:
            return
    if refused is not None:
        raise refused


def _window(call: KernelCall, *, turned: bool) -> _Window:
    pixel, outputs = number(call, "input_channels"), number(call, "input_channels") * number(call, "depth_multiplier")
    height = _axis(call, "height", number(call, "input_width") * pixel, number(call, "output_width") * outputs)
    width = _axis(call, "width", pixel, outputs)
    down, across = (width, height) if turned else (height, width)
    if down.stride > 2:
        raise NotExactError("strides above 2")
    dilated = max(down.dilation, across.dilation) > 1
    if dilated and (
        max(down.stride, across.stride) > 1 or any(p.input < 1 for a in (down, across) for p in a.phases())
    ):
        raise NotExactError("a dilated window with strides, or larger than the input")
    window = _Window(down=down, across=across, at_once=across.filter)
    if across.phases()[0].positions == 1 and window.window_rows in _UNROLLED:
        window = replace(window, at_once=window.window_rows)
    if window.at_once not in _UNROLLED:
        raise NotExactError(f"a window {across.filter} wide")
    return window


def _axis(call: KernelCall, name: str, input_step: int, output_step: int) -> _Axis:
    return _Axis(
        name=name,
        **{field: number(call, f"{field}_{name}") for field in ("input", "filter", "output", "stride", "dilation")},
        pad=number(call, "pad_top" if name == "height" else "pad_left"),
        input_step=input_step,
        output_step=output_step,
    )


def _candidates(call: KernelCall, window: _Window, weights: NDArray[np.int8]) -> Iterator[Candidate]:
    down, across = window.down, window.across
    count = weights.shape[-1]
    flat = weights.transpose(2, 0, 1)
    words = _words(channels_of(call, flat.reshape(count, -1)), flat, stride=down.stride)
    packed = derived(call, "packed_weights", words)
    multiplier, batches = number(call, "depth_multiplier"), number(call, "batches")
    pair_rows = window.pair_rows(down.phases()[0].output)
    plain = down.stride == across.stride == down.dilation == across.dilation == 1
    same = plain and multiplier == batches == 1 and all(a.input == a.output for a in (down, across))
    fixed: dict[str, Param] = {
        "batches": batches,
        "image": _image(call, window),
        "channels": count // multiplier,
        "depth_multiplier": multiplier,
        "output_height": down.output,
        "output_width": across.output,
        "output_row": down.output_step,
        "output_column": across.output_step,
        "filter_width": across.filter,
        "stride_width": across.stride,
        "dilation_height": down.dilation,
        "dilation_width": across.dilation,
        "window_rows": window.window_rows,
        "next_row": window.pitch - 16 * window.at_once if window.passes > 1 else 0,
        "words": words.shape[1],
        **limits(call),
    }
    bands = sorted({pair_rows, *(n for n in _BANDS if n < pair_rows)})
    ways = list(itertools.product(_ORDERS[down.stride], bands))
    if window.in_lines:
        ways.append((("LINES", "in lines"), pair_rows))
    for (order, said), band in ways:
        run = f"edgeq_depthwise_pairs_{window.run(order)}"
        parts = itertools.product(down.phases(), across.phases())
        cycles = batches * sum(_cycles(window, d, a, count, multiplier, order, band) for d, a in parts)
        made = replace(
            call,
            kernel="edgeq_depthwise_pairs_dsp_int8",
            source="depthwise_pairs_dsp.c",
            support=("depthwise_lines.c" if order == "LINES" else "depthwise_pairs.c", "depthwise_3x3.c"),
            params_type="edgeq_depthwise_pairs_dsp_params",
            params={
                **fixed,
                "band": band,
                "order": Enumerator(name=f"EDGEQ_DEPTHWISE_{order}"),
                "run": Enumerator(name=run),
            },
            inputs=(call.inputs[0], packed),
            scratch_bytes=window.pitch * (band + window.window_rows - (order != "LINES")),
            in_place=(0,) if same else (),
            variant=f"dsp: pairs of {'columns' if down.name == 'width' else 'rows'} of any window, "
            f"{band} at a time, {said}",
        )
        outputs = batches * down.output * across.output * count
        yield Candidate(
            call=made,
            cycles=round(cycles + limit_cycles(call, outputs)),
            code={"edgeq_depthwise_pairs_dsp_int8": _AROUND, run: _CODE + _POSITION_CODE * window.at_once},
        )


def _image(call: KernelCall, window: _Window) -> tuple[Param, ...]:
    """An `edgeq_image`."""
    down, across = window.down, window.across
    zero = -number(call, "input_offset") & 0xFF
    outside = int(np.array([zero] * 4, np.uint8).view(np.int32)[0])
    return (
        down.input, across.input, down.input_step, across.input_step, down.pad, across.pad, outside, across.positions,
        across.inside, window.pitch,
    )  # fmt: skip


def _cycles(window: _Window, down: _Axis, across: _Axis, count: int, multiplier: int, order: str, band: int) -> float:
    """Cycles of one image, where `down` and `across` are not dilated."""
    start, row, position = _FOUR_OUTPUTS[down.stride]
    four = start + window.passes * (row + position * window.at_once)
    if order == "LINES":
        four = _LINE + _LINE_ROW * down.filter
    calls, windows = _windows(down.output, across.output, band, order)
    pair_rows = window.pair_rows(down.output)
    runs, kept = -(-pair_rows // band), window.window_rows - 1
    cycles = count * (calls * _CALL + windows * four)
    narrow = across.positions == 1
    made_rows = (pair_rows + kept) * (across.inside * _PAIR + (0 if narrow else _PAIR_ROW)) + narrow * _NARROW
    again = (runs - 1) * kept * across.positions * _KEPT
    return cycles + -(-(count // multiplier) // QUAD) * (_QUAD + runs * _BAND + made_rows + again)


def _windows(rows: int, columns: int, band: int, order: str) -> tuple[int, int]:
    """(calls, times four outputs) of one channel."""
    calls = windows = 0
    rows_at_once = band if order == "SQUARES" else 2 * band
    for start in range(0, rows, rows_at_once):
        here = min(rows_at_once, rows - start)
        if order in ("DOWN", "LINES"):
            single = (here % 4 > 1) + here % 2
            calls += columns * ((here >= 4) + single)
            windows += columns * (here // 4 + single)
        elif order == "ALONG":
            pairs = -(-here // 2)
            calls += pairs * ((columns > 1) + columns % 2)
            windows += pairs * -(-columns // 2)
        else:
            lines = [here] * (columns % 2) + [columns & ~1] * (here % 2)
            calls += (columns > 1) * (here // 2) + sum((n >= 4) + (n % 4 > 0) for n in lines)
            windows += columns // 2 * (here // 2) + sum(-(-n // 4) for n in lines)
    return calls, windows


def _words(c: packing.Channels, weights: NDArray[np.int8], *, stride: int) -> Int32s:
    """The words of kernels/depthwise_pairs.h of weights (channels, height, width), by the stride of rows.

    Raises:
        NotExactError: as `packing.requantization`.
    """
    count, height, width = weights.shape
    pair_rows = height // 2 + 1 if stride == 1 else -(-height // 2)
    doubled = np.zeros((count, 2 * pair_rows + 1, width), np.int64)
    doubled[:, 1 : height + 1] = 2 * weights.astype(np.int64)
    upper = doubled[:, 1:].reshape(count, pair_rows, 2, width)
    lower = doubled[:, :-1].reshape(count, pair_rows, 2, width)
    both = np.stack(
        [upper, lower] if stride == 1 else [upper], axis=-1
    )  # (count, pair rows, 2, width, upper and lower)
    words = ((both[:, :, 0] & 0xFFFF) | (both[:, :, 1] << 16)).reshape(count, -1)
    rest = packing.requantization(c, extra=np.zeros(count, np.int64))
    return packing.wrapped(np.concatenate([c.bias[:, None] * 2, words, cast(NDArray[np.int64], rest)], axis=1))
