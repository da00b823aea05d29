"""A TRANSPOSE_CONV's phases: ordinary convolutions of stride 1 that together compute it.

Outputs whose position, padding included, has the same remainder by the strides read the same taps, on inputs side by
side. Where the stride is the window, each phase is a 1x1 convolution.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.dsp import quads
from edgeq.lower.dsp.candidate import data, derived, number, weights_of
from edgeq.lower.packing import QUAD
from edgeq.lower.program import Constant, KernelCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """`taps` and `number` (1: fewer taps than others) of each phase along an axis; `positions` of the input that
    outputs begin at, and how many outputs each phase has."""

    taps: tuple[int, ...]
    number: tuple[int, ...]
    outputs: tuple[int, ...]
    positions: int

    @property
    def most(self) -> int:
        """Taps of the largest phase."""
        return self.taps[0]


def _axis(call: KernelCall, axis: str, pad: str) -> Axis:
    window, stride = number(call, f"filter_{axis}"), number(call, f"stride_{axis}")
    before, size = number(call, pad), number(call, f"output_{axis}")
    taps = tuple(max(1, -(-(window - phase) // stride)) for phase in range(stride))
    starts = range(before, before + size)
    return Axis(
        taps=taps,
        number=tuple(int(t < taps[0]) for t in taps),
        outputs=tuple(sum(at % stride == phase for at in starts) for phase in range(stride)),
        positions=starts[-1] // stride - starts[0] // stride + 1,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phases:
    """The call's phases, row by row: `weights` (channels, rows, columns, depth) of each, in the order of the input, and
    how their sums become results; `kinds` has the rows and steps of a row by a phase's number."""

    y: Axis
    x: Axis
    depth: int
    weights: tuple[NDArray[np.int8], ...]
    by: quads.Requantization
    kinds: Mapping[int, tuple[int, int]]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of each phase: which kind it is."""
        return tuple(2 * below + beside for below in self.y.number for beside in self.x.number)

    def of(self, phase: int) -> quads.Requantization:
        """The requantization of one phase."""
        each = len(self.by.words) // len(self.weights)
        return replace(self.by, words=self.by.words[phase * each : (phase + 1) * each])


def phases_of(call: KernelCall) -> Phases:
    """The phases of a portable call.

    Raises:
        NotExactError: a condition fails for these weights.
    """
    weights = weights_of(call)
    y, x = _axis(call, "height", "pad_top"), _axis(call, "width", "pad_left")
    depth = -(-weights.shape[3] // QUAD) * QUAD
    found = []
    for below, rows in enumerate(y.taps):
        for beside, columns in enumerate(x.taps):
            # A phase without taps has one of zeros.
            taps = np.zeros((len(weights), rows, columns, depth), np.int8)
            read = weights[:, below :: len(y.taps), beside :: len(x.taps)][:, ::-1, ::-1]
            taps[:, : read.shape[1], : read.shape[2], : weights.shape[3]] = read
            found.append(taps)
    # Phases are to their sums what groups of channels are: each has the same channels, with other weights.
    most = max(taps[0].size for taps in found)
    all_weights = np.zeros((len(found), len(weights), most), np.int8)
    for i, taps in enumerate(found):
        all_weights[i, :, : taps[0].size] = taps.reshape(len(weights), -1)
    by = quads.requantization(repeated(call, len(found)), all_weights.reshape(-1, most), groups=len(found))
    kinds = {
        2 * below + beside: (rows, columns * depth // 2)
        for below, rows in zip(y.number, y.taps, strict=True)
        for beside, columns in zip(x.number, x.taps, strict=True)
    }
    return Phases(y=y, x=x, depth=depth, weights=tuple(found), by=by, kinds=kinds)


def side_by_side(call: KernelCall) -> Iterator[KernelCall]:
    """The call with outputs side by side, one of each phase, as the channels of one output, where they begin together.

    Phases that have a tap less get one of zeros. Quads are fuller where there are few channels, and calls are fewer.

    Raises:
        NotExactError: the weights are no constants.
    """
    stride, pad, width = (number(call, name) for name in ("stride_width", "pad_left", "output_width"))
    if stride == 1 or pad % stride or width % stride:
        return
    weights = weights_of(call)
    filters, height, columns, depth = weights.shape
    taps = -(-columns // stride)
    merged = np.zeros((stride, filters, height, taps, depth), np.int8)
    for phase in range(stride):
        read = weights[:, :, phase::stride]
        merged[phase, :, :, : read.shape[2]] = read
    made = repeated(call, stride)
    params = {
        "output_width": width // stride,
        "output_channels": stride * filters,
        "filter_width": taps,
        "stride_width": 1,
        "pad_left": pad // stride,
    }
    operand = derived(call, "merged_weights", merged.reshape(-1, *merged.shape[2:]))
    yield replace(
        made,
        params={**made.params, **params},
        inputs=(call.inputs[0], operand),
        variant=f"{call.variant}, those side by side as channels",
    )


def repeated(call: KernelCall, times: int) -> KernelCall:
    """The call with what its channels have so many times, one after the other; not its weights."""
    per_channel = ["bias"] if call.params["bias"] is not None else []
    if number(call, "channel_step"):
        per_channel += ["multipliers", "shifts"]
    tiled = {name: Constant(name=name, data=np.tile(data(call.params[name]), times)) for name in per_channel}
    return replace(call, params={**call.params, **tiled})
