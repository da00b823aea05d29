"""TRANSPOSE_CONV as one ordinary convolution for each phase: products of quads of channels and two columns.

Outputs whose position, padding included, has the same remainder by the strides read the same taps, on inputs side by
side. Where the stride is the window, each phase is a 1x1 convolution.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.dsp import quads
from edgeq.lower.dsp.candidate import Candidate, data, derived, limit_cycles, limits, number, weights_of
from edgeq.lower.packing import QUAD
from edgeq.lower.program import Constant, KernelCall

_IMAGE = (
    "batches", "input_height", "input_width", "input_channels", "output_height", "output_width", "output_channels",
    "filter_height", "filter_width", "stride_height", "stride_width", "pad_top", "pad_left",
)  # fmt: skip

# Cycles of what surrounds the products: measured, to a tenth or so.
_EXPAND = 2.1
_EXPAND_REST = 40
_ROW_ENTERED = 350
_PHASE = 300
_ROW_POINTER = 8
_PAIR = 18
_PAIR_ALONE = 77
_COPIES, _COPY = 25, 2

# Of scratch for the columns of a block that is less than a row of the image.
_BLOCK_BYTES = 1024

# Bytes of the functions around the products.
_CODE = {"edgeq_transpose_conv_dsp_int8": 2220}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
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


def _axis(call: KernelCall, axis: str, pad: str) -> _Axis:
    window, stride = number(call, f"filter_{axis}"), number(call, f"stride_{axis}")
    before, size = number(call, pad), number(call, f"output_{axis}")
    taps = tuple(max(1, -(-(window - phase) // stride)) for phase in range(stride))
    starts = range(before, before + size)
    return _Axis(
        taps=taps,
        number=tuple(int(t < taps[0]) for t in taps),
        outputs=tuple(sum(at % stride == phase for at in starts) for phase in range(stride)),
        positions=starts[-1] // stride - starts[0] // stride + 1,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Phases:
    """The call's phases, row by row: `weights` (channels, rows, columns, depth) of each, in the order of the input, and
    how their sums become results; `kinds` has the rows and steps of a row by a phase's number."""

    y: _Axis
    x: _Axis
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


_Forms = Mapping[int, quads.Form]


def transposed_convolutions(call: KernelCall) -> Iterator[Candidate]:
    """Every way to compute a TRANSPOSE_CONV by phases.

    Raises:
        NotExactError: a condition fails for these weights.
    """
    phases = _phases(call)
    for forms in _choices(phases):
        packed = _packed(call, phases, forms)
        row = phases.x.positions
        fitting = _BLOCK_BYTES // (4 * phases.depth * phases.y.most) - (phases.x.most - 1)
        for block in sorted({row, min(row, max(2, fitting // 2 * 2))}):
            yield _candidate(call, phases, forms, packed, block)


def _phases(call: KernelCall) -> _Phases:
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
    repeated = _repeated(call, len(found))
    by = quads.requantization(repeated, all_weights.reshape(-1, most), groups=len(found))
    kinds = {
        2 * below + beside: (rows, columns * depth // 2)
        for below, rows in zip(y.number, y.taps, strict=True)
        for beside, columns in zip(x.number, x.taps, strict=True)
    }
    return _Phases(y=y, x=x, depth=depth, weights=tuple(found), by=by, kinds=kinds)


def _repeated(call: KernelCall, times: int) -> KernelCall:
    """The call with the values of its channels so many times, one after the other."""
    per_channel = ["bias"] if call.params["bias"] is not None else []
    if number(call, "channel_step"):
        per_channel += ["multipliers", "shifts"]
    tiled = {name: Constant(name=name, data=np.tile(data(call.params[name]), times)) for name in per_channel}
    return replace(call, params={**call.params, **tiled})


def _choices(phases: _Phases) -> list[_Forms]:
    """Products for each kind of phase: the fastest, and those that take less flash."""

    def made(unrolled: int, *, any_number: bool) -> _Forms:
        return {
            kind: quads.form(rows, steps, unrolled, phases.by, any_number=any_number)
            for kind, (rows, steps) in phases.kinds.items()
        }

    def cost(forms: _Forms) -> tuple[int, int]:
        code = {name: size for form in forms.values() for name, size in form.code.items()}
        steps = sum(forms[kind].steps * phases.kinds[kind][0] for kind in phases.numbers)
        cycles = sum(forms[kind].quad_cycles for kind in phases.numbers)
        return cycles, sum(code.values()) + steps * phases.by.step_bytes * (len(phases.by.words) // len(phases.weights))

    found: list[_Forms] = [
        {
            kind: min(quads.forms(rows, steps, by=phases.by, even=True), key=lambda form: form.quad_cycles)
            for kind, (rows, steps) in phases.kinds.items()
        }
    ]
    found += [made(n, any_number=any_number) for n in quads.UNROLLED for any_number in (False, True)]
    found = [forms for forms in found if not any(form.steps % 2 for form in forms.values())]
    costs = [cost(forms) for forms in found]
    return [
        forms
        for forms, (cycles, flash) in zip(found, costs, strict=True)
        if not any(c <= cycles and f <= flash and (c, f) != (cycles, flash) for c, f in costs)
    ]


def _packed(call: KernelCall, phases: _Phases, forms: _Forms) -> Constant:
    """The weights of all phases, one behind the other."""
    words = []
    for i, (kind, taps) in enumerate(zip(phases.numbers, phases.weights, strict=True)):
        rows = taps.reshape(len(taps), taps.shape[1], -1)
        words.append(quads.packed(call, rows, forms[kind], phases.of(i))[1].data.reshape(-1))
    return derived(call, "packed_weights", np.concatenate(words))


def _candidate(call: KernelCall, phases: _Phases, forms: _Forms, packed: Constant, block: int) -> Candidate:
    count = number(call, "output_channels")
    blocks = -(-count // QUAD)
    more = max(2 * form.steps - 2 * phases.kinds[kind][1] for kind, form in forms.items())
    pixels = block + phases.x.most - 1
    any_form = next(iter(forms.values()))
    made = replace(
        call,
        kernel="edgeq_transpose_conv_dsp_int8",
        source="transpose_conv_dsp.c",
        support=quads.SOURCES,
        params_type="edgeq_transpose_conv_dsp_params",
        params={
            **{name: call.params[name] for name in _IMAGE},
            "input_zero_point": -number(call, "input_offset"),
            **limits(call),
            "depth": phases.depth,
            "block": block,
            "more": more,
            "quads": blocks,
            "quad_words": phases.by.words.shape[1],
            "step_bytes": phases.by.step_bytes,
            "steps": tuple(forms.get(kind, any_form).steps for kind in range(4)),
            "run": tuple(forms.get(kind, any_form).run for kind in range(4)),
        },
        inputs=(call.inputs[0], packed),
        scratch_bytes=phases.y.most * (8 + 4 * phases.depth * pixels) + 4 * more + 8 * blocks,
        variant="dsp: 4 channels x 2 pixels of each phase",
    )
    outputs = number(call, "batches") * number(call, "output_height") * number(call, "output_width") * count
    code = {name: size for form in forms.values() for name, size in form.code.items()}
    cycles = number(call, "batches") * _cycles(call, phases, forms, block) + limit_cycles(call, outputs)
    return Candidate(call=made, cycles=round(cycles), code={**_CODE, **code})


def _cycles(call: KernelCall, phases: _Phases, forms: _Forms, block: int) -> float:
    """Cycles of one image."""
    count = number(call, "output_channels")
    parts = -(-phases.x.positions // block)
    pixels = phases.x.positions + parts * (phases.x.most - 1)
    rest = _EXPAND_REST if number(call, "input_channels") % QUAD else 0
    row = parts * _ROW_ENTERED + 2 * pixels * (phases.depth * _EXPAND + rest)
    total = phases.y.positions * phases.y.most * row
    for below, rows in enumerate(phases.y.outputs):
        for beside, columns in enumerate(phases.x.outputs):
            kind = phases.numbers[below * len(phases.x.taps) + beside]
            quad = -(-count // QUAD) * forms[kind].quad_cycles
            pairs = -(-columns // 2) + (parts - 1) / 2
            each = parts * (_PHASE + phases.kinds[kind][0] * _ROW_POINTER) + pairs * quad
            if count % QUAD:
                each += pairs * (quads.CALL + _PAIR_ALONE + _COPIES + _COPY * 2 * count)
            else:
                each += parts * quads.CALL + pairs * _PAIR
            total += rows * each
    return total
