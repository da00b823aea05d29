"""TRANSPOSE_CONV by phases (`phases`), each as products of quads of channels and two columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from edgeq.lower.dsp import quads
from edgeq.lower.dsp.candidate import Candidate, derived, limit_cycles, limits, number
from edgeq.lower.dsp.phases import Phases, phases_of, side_by_side
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


_Forms = Mapping[int, quads.Form]


def transposed_convolutions(call: KernelCall) -> Iterator[Candidate]:
    """Every way to compute a TRANSPOSE_CONV by phases.

    Raises:
        NotExactError: a condition fails for these weights.
    """
    call = replace(call, variant="dsp: 4 channels x 2 pixels of each phase")
    for form in (call, *side_by_side(call)):
        phases = phases_of(form)
        for forms in _choices(phases):
            packed = _packed(form, phases, forms)
            row = phases.x.positions
            fitting = _BLOCK_BYTES // (4 * phases.depth * phases.y.most) - (phases.x.most - 1)
            for block in sorted({row, min(row, max(2, fitting // 2 * 2))}):
                yield _candidate(form, phases, forms, packed, block)


def _choices(phases: Phases) -> list[_Forms]:
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


def _packed(call: KernelCall, phases: Phases, forms: _Forms) -> Constant:
    """The weights of all phases, one behind the other."""
    words = []
    for i, (kind, taps) in enumerate(zip(phases.numbers, phases.weights, strict=True)):
        rows = taps.reshape(len(taps), taps.shape[1], -1)
        words.append(quads.packed(call, rows, forms[kind], phases.of(i))[1].data.reshape(-1))
    return derived(call, "packed_weights", np.concatenate(words))


def _candidate(call: KernelCall, phases: Phases, forms: _Forms, packed: Constant, block: int) -> Candidate:
    """The call, or what `side_by_side` made of it, by the DSP kernel."""
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
    )
    outputs = number(call, "batches") * number(call, "output_height") * number(call, "output_width") * count
    code = {name: size for form in forms.values() for name, size in form.code.items()}
    cycles = number(call, "batches") * _cycles(call, phases, forms, block) + limit_cycles(call, outputs)
    return Candidate(call=made, cycles=round(cycles), code={**_CODE, **code})


def _cycles(call: KernelCall, phases: Phases, forms: _Forms, block: int) -> float:
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
