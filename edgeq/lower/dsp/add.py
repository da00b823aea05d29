"""ADD and SUB without broadcasting, by a table for each input."""

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

_CYCLES = 13


def additions(call: KernelCall) -> Iterator[Candidate]:
    """The call with tables of what each value of an input adds to the sum."""
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
    yield Candidate(call=made, cycles=_CYCLES * count + 100 + limit_cycles(call, count))


def _table(call: KernelCall, which: int) -> NDArray[np.int64]:
    """Twice what each value of an input adds to the sum, at the index of its unsigned byte."""
    scale = Multiplier(value=number(call, f"input{which}_multiplier"), shift=number(call, f"input{which}_shift"))
    offset = number(call, f"input{which}_offset")
    values = np.arange(256, dtype=np.uint8).view(np.int8).tolist()
    return np.array([2 * multiply((value + offset) << 20, scale) for value in values], np.int64)
