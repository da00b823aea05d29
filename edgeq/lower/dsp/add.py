"""ADD and SUB without broadcasting: by a table for each input, or, where that gives the same bits, by two products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.dsp.candidate import Candidate, derived, limit_cycles, limits, number
from edgeq.lower.fixedpoint import Multiplier, multiply
from edgeq.lower.packing import NotExactError
from edgeq.lower.program import KernelCall

Int64s = NDArray[np.int64]

_CYCLES = 13
_LINEAR_CYCLES = 6.2

# Results have 16 fractional bits, multipliers 8 more.
_FRACTION = 16
_BITS = 24
# Multipliers so far from the nearest are tried.
_REACH = 6
_BYTES = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64)


def additions(call: KernelCall) -> Iterator[Candidate]:
    """The call with tables of what each value of an input adds to the sum, and the linear form of it."""
    loops = cast(tuple[tuple[int, int, int], ...], call.params["loops"])
    count, *strides = loops[0]
    if number(call, "loop_count") != 1 or strides != [1, 1]:
        raise NotExactError("the inputs are broadcast")
    multiplier, shift = number(call, "output_multiplier"), -number(call, "output_shift")
    if shift < 1:
        raise NotExactError("the output's multiplier is above 1/2")
    tables = [_table(call, which) for which in (1, 2)]
    if call.kernel == "edgeq_sub_int8":
        tables[1] *= -1
    constant = (1 << (shift - 1)) + (number(call, "output_offset") << shift)
    reach = sum(int(np.abs(table).max()) for table in tables)
    if reach >= 1 << 31 or (reach * multiplier >> 32) + abs(constant) + 2 >= 1 << 31:
        raise NotExactError("the output's multiplier is too small")
    made = replace(
        call,
        kernel="edgeq_add_dsp_int8",
        source="add_dsp.c",
        params_type="edgeq_add_dsp_params",
        params={
            "count": count,
            "table1": derived(call, "table1", tables[0].astype(np.int32)),
            "table2": derived(call, "table2", tables[1].astype(np.int32)),
            "multiplier": multiplier,
            "constant": constant,
            "shift": shift,
            **limits(call),
        },
        variant="dsp: two tables",
    )
    limited = limit_cycles(call, count)
    yield Candidate(call=made, cycles=_CYCLES * count + 100 + limited, code={"edgeq_add_dsp_int8": 960})
    sums = tables[0][:, None] + tables[1][None, :]
    results = ((sums * multiplier + (1 << 31) >> 32) + constant + (sums >> 63)) >> shift
    found = _linear(call, np.clip(results, number(call, "activation_min"), number(call, "activation_max")))
    if found is not None:
        yield Candidate(
            call=replace(
                call,
                kernel="edgeq_add_linear_dsp_int8",
                source="add_linear_dsp.c",
                params_type="edgeq_add_linear_dsp_params",
                params={"count": count, **found, **limits(call)},
                variant="dsp: two products",
            ),
            cycles=round(_LINEAR_CYCLES * count) + 100 + limited,
            code={"edgeq_add_linear_dsp_int8": 760},
        )


def _scale(call: KernelCall, which: str) -> Multiplier:
    return Multiplier(value=number(call, f"{which}_multiplier"), shift=number(call, f"{which}_shift"))


def _table(call: KernelCall, which: int) -> Int64s:
    """Twice what each value of an input adds to the sum, at the index of its unsigned byte."""
    scale = _scale(call, f"input{which}")
    offset = number(call, f"input{which}_offset")
    return np.array([2 * multiply((value + offset) << 20, scale) for value in _BYTES.tolist()], np.int64)


def _linear(call: KernelCall, results: Int64s) -> dict[str, int] | None:
    """Multipliers and constant of add_linear_dsp.c that give `results`; None if none was found that do.

    Args:
        call: the portable call.
        results: of all inputs, (256, 256), at the indices of their unsigned bytes.
    """
    output = _scale(call, "output")
    nearest = []
    for which in (1, 2):
        scale = _scale(call, f"input{which}")
        nearest.append(round(scale.value * output.value * 2.0 ** (scale.shift + output.shift + 20 + _BITS - 62)))
    if call.kernel == "edgeq_sub_int8":
        nearest[1] *= -1
    if max(map(abs, nearest)) + _REACH >= 1 << 31:
        return None
    near = sorted(range(-_REACH, _REACH + 1), key=abs)
    parts = [[(m + n, (m + n) * _BYTES >> _BITS - _FRACTION) for n in near] for m in nearest]
    above = results > number(call, "activation_min")
    below = results < number(call, "activation_max")
    floor = results << _FRACTION
    for i in range(len(near) ** 2):
        # The two are apart from the nearest in all combinations, near ones first.
        first, second = parts[0][i % len(near)], parts[1][i // len(near)]
        sums = first[1][:, None] + second[1][None, :]
        low = int((floor - sums)[above].max(initial=-(1 << 31)))
        high = int((floor - sums)[below].min(initial=(1 << 31) - (1 << _FRACTION))) + (1 << _FRACTION) - 1
        constant = (low + high) // 2
        partial = first[1] + constant
        fits = max(abs(int(x)) for x in (partial.min(), partial.max(), sums.min() + constant, sums.max() + constant))
        if low <= high and fits < 1 << 31:
            return {"multiplier1": first[0], "multiplier2": second[0], "constant": constant}
    return None
