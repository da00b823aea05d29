"""CONV_2D by rows of the input that are expanded once for all windows, also dilated; by blocks of columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgeq.lower.dsp import halves, quads
from edgeq.lower.dsp.candidate import Candidate, limit_cycles, limits, number, weights_of
from edgeq.lower.dsp.halves import Half, with_halves
from edgeq.lower.packing import QUAD
from edgeq.lower.program import Constant, KernelCall, Param

_WINDOW = (
    "batches", "input_height", "input_width", "input_channels", "output_height", "output_width", "output_channels",
    "filter_height", "stride_height", "stride_width", "dilation_height", "pad_top", "pad_left",
)  # fmt: skip

# Cycles of what surrounds the products, per value or pixel: measured, to a tenth or so.
_EXPAND = 2.8
_EXPAND_IN_ORDER = 3
_ROW_ENTERED = 150
_LINE = 300
_PIXELS = 110
_PAIR = 18
_ROW_POINTER = 8
_GATHER = 8.5
_COPIES, _COPY = 25, 2

# Bytes of expanded rows that a block of columns may take, besides those of all columns.
_BLOCK_BYTES = (1024, 2048, 4096)

# Bytes of the functions around the products.
_CODE = {"edgeq_conv_rows_dsp_int8": 2430}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """Two pixels of a pair lie one below the other, or side by side; the rows of a window are copied together; taps are
    rows of steps of their own."""

    downwards: bool
    gathered: bool
    apart: bool

    @property
    def said(self) -> str:
        """For reports."""
        return f"{'downwards' if self.downwards else 'sideways'}{', windows gathered' if self.gathered else ''}"


def row_convolutions(call: KernelCall, by: quads.Requantization) -> Iterator[Candidate]:
    """A CONV_2D without groups, by each unrolled product.

    Raises:
        NotExactError: a condition fails for these weights.
    """
    weights = weights_of(call)
    count, height, width, depth = weights.shape
    dilation = number(call, "dilation_width")
    apart = width > 1 and dilation > 1
    if apart and dilation * depth % 2:
        return
    taps, values = (width, depth) if apart else (1, width * depth)
    row = -(-values // 2)
    by_rows = weights.reshape(count, height * taps, values)
    for downwards in (False, True):
        if downwards and number(call, "stride_width") * depth % 2:
            continue
        # Rows whose values come four at a time begin at a four.
        found = quads.forms(height * taps, row, by=by, even=depth % 4 == 0)
        ways = [(_Way(downwards=downwards, gathered=False, apart=apart), found)]
        if height > 1 and not apart:  # rows keep their steps, and the product takes them all as one row
            whole = quads.forms(1, height * row, by=by)
            found = [replace(form, steps=row) for form in whole if form.steps == height * row]
            ways.append((_Way(downwards=downwards, gathered=True, apart=False), found))
        for way, forms in ways:
            for form, half in with_halves(call, by_rows, forms, in_fours=depth % 4 == 0):
                params, packed = quads.packed(call, by_rows, form, by, in_fours=depth % 4 == 0)
                if half is not None:
                    params, packed = half.behind(call, params, packed)
                for columns in _blocks(call):
                    yield _candidate(call, way, form, half, columns, params, packed)


def _blocks(call: KernelCall) -> list[int]:
    """How many columns of outputs may be computed at a time: all, or fewer where their rows would be long."""
    width, depth = number(call, "output_width"), number(call, "input_channels")
    per_column = 4 * _ring_rows(call) * number(call, "stride_width") * depth
    found = {width}
    for most in _BLOCK_BYTES:
        fitting = most // per_column // 2 * 2
        if 2 <= fitting < width:
            parts = -(-width // fitting)
            found.add(-(-width // (2 * parts)) * 2)
    return sorted(found)


def _ring_rows(call: KernelCall) -> int:
    return (number(call, "filter_height") - 1) * number(call, "dilation_height") + 1


def _candidate(
    call: KernelCall,
    way: _Way,
    form: quads.Form,
    half: Half | None,
    columns: int,
    params: dict[str, Param],
    packed: Constant,
) -> Candidate:
    count, height, width, depth = weights_of(call).shape
    out_height, out_width = number(call, "output_height"), number(call, "output_width")
    stride_width, batches = number(call, "stride_width"), number(call, "batches")
    blocks, taps, ring_rows = -(-count // QUAD), width if way.apart else 1, _ring_rows(call)
    tap_words = number(call, "dilation_width") * depth
    beside = 0 if way.downwards else stride_width * depth
    # Steps of a row: where its last window starts, and what that spans.
    starts = (columns - 1) * stride_width * depth // 2 if way.downwards else (-(-columns // 2) - 1) * beside
    row_fours = -(-(starts + (taps - 1) * tap_words // 2 + form.steps) // 2)
    line = 0 if depth % 4 == 0 else 4 + 4 * -(-(4 * row_fours + beside) // 4)
    patch = 8 * form.steps * height if way.gathered else 0
    same = (
        columns == out_width
        and number(call, "stride_height") == stride_width == 1
        and (out_height, out_width, count) == (number(call, "input_height"), number(call, "input_width"), depth)
    )
    made = replace(
        call,
        kernel="edgeq_conv_rows_dsp_int8",
        source="conv_rows_dsp.c",
        support=(*quads.SOURCES, *((halves.SOURCE,) if half is not None else ())),
        params_type="edgeq_conv_rows_dsp_params",
        params={
            **{name: call.params[name] for name in _WINDOW},
            "input_zero_point": -number(call, "input_offset"),
            **limits(call),
            "taps": taps,
            "tap_words": tap_words,
            "ring_rows": ring_rows,
            "columns": columns,
            "steps": form.steps,
            "row_fours": row_fours,
            "line_bytes": line,
            "downwards": int(way.downwards),
            "gathered": int(way.gathered),
            "half": None,
            **params,
        },
        inputs=(call.inputs[0], packed),
        scratch_bytes=8 * height * (1 + taps) + 16 * row_fours * ring_rows + patch + line + 8 * blocks,
        in_place=(0,) if same and batches == 1 and number(call, "pad_top") <= (ring_rows - 1) // 2 else (),
        variant=f"dsp: 4 channels x 2 pixels {way.said}"
        + (f", {columns} columns at a time" if columns < out_width else ""),
    )
    cycles = _cycles(call, way, form, half, columns, row_fours)
    return Candidate(
        call=made,
        cycles=round(batches * (cycles + limit_cycles(call, out_height * out_width * count))),
        code={**_CODE, **form.code, **(half.code if half is not None else {})},
    )


def _cycles(call: KernelCall, way: _Way, form: quads.Form, half: Half | None, columns: int, row_fours: int) -> float:
    """Cycles of one image."""
    count, height, width, depth = weights_of(call).shape
    out_height, out_width = number(call, "output_height"), number(call, "output_width")
    rows, parts = height * (width if way.apart else 1), -(-out_width // columns)
    row_steps, column_steps = (-(-out_height // 2), out_width) if way.downwards else (out_height, -(-out_width // 2))
    ring_rows = _ring_rows(call)
    entered = ring_rows + (row_steps - 1) * min(ring_rows, (2 if way.downwards else 1) * number(call, "stride_height"))
    expand, line = (_EXPAND, 0) if depth % 4 == 0 else (_EXPAND_IN_ORDER, _LINE)
    cycles = parts * entered * (8 * row_fours * expand + _ROW_ENTERED + line)
    calls = parts if way.downwards or out_width % 2 == 0 or out_width == 1 else parts + 1
    each: float = form.cycles(-(-count // QUAD))
    if way.gathered or count % QUAD:
        calls = column_steps
        each += _PIXELS + (_COPIES + _COPY * 2 * count if count % QUAD else 0)
        each += height * (_GATHER * form.steps + 15) if way.gathered else rows * _ROW_POINTER
    else:  # the pairs of a row of outputs in one call
        each += _PAIR - quads.CALL + (quads.CALL + _PIXELS + rows * _ROW_POINTER) * calls / column_steps
    if half is not None:
        each += half.cycles - form.quad_cycles + half.call_cycles * calls / column_steps
    return cycles + row_steps * column_steps * each
