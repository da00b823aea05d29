"""Operators of two int8 inputs that depend on one value alone are tables of it. Of one input and one constant: here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.fixedpoint import INT8_MAX, INT8_MIN, Multiplier, multiply, wrap32
from edgeq.lower.passes.tables import TABLE
from edgeq.lower.program import Constant, KernelCall, Operand

_LEFT_SHIFT = 20

ALL = np.arange(256, dtype=np.uint8).view(np.int8)
"""(256,) int8: the value at each place of a table."""


def as_table(call: KernelCall) -> KernelCall:
    """The call of a table with the same results, where one of two int8 inputs is a single constant; else the same.

    Args:
        call: of any portable kernel.
    """
    if call.kernel not in _COMPUTE:
        return call
    first, second = (_single(operand) for operand in call.inputs)
    if (first is None) == (second is None):
        return call
    constants = [ALL if value is None else np.full(256, value, np.int8) for value in (first, second)]
    return table_call(call, call.inputs[0 if first is None else 1], *constants)


def takes_two(call: KernelCall) -> bool:
    """Whether a call of a portable kernel is an operator on two int8 inputs of one shape."""
    return call.kernel in _COMPUTE and _loops(call)[0][1:] == (1, 1) and len(_loops(call)) == 1


def table_call(call: KernelCall, source: Operand, first: NDArray[np.int8], second: NDArray[np.int8]) -> KernelCall:
    """The call of a table of `source` with the results of `call`.

    Args:
        call: of an operator of two inputs.
        source: what both depend on.
        first: (256,) the first input where the source's value, as uint8, is the index.
        second: likewise.
    """
    pairs = zip(first.tolist(), second.tolist(), strict=True)
    table = np.array([_COMPUTE[call.kernel](call, a, b) for a, b in pairs], np.int8)
    return replace(
        call,
        kernel=TABLE,
        source="table.c",
        params_type="edgeq_table_params",
        params={
            "count": math.prod(extent for extent, _, _ in _loops(call)),
            "table": Constant(name=f"op_{call.source_ops[0]}_table", data=table),
        },
        inputs=(source,),
        in_place=(0,),
    )


def _loops(call: KernelCall) -> Sequence[tuple[int, int, int]]:
    return cast(Sequence[tuple[int, int, int]], call.params["loops"])


def _single(operand: Operand) -> int | None:
    """The value of a constant that has but one."""
    if not isinstance(operand, Constant) or operand.data.size != 1:
        return None
    value = int(operand.data.reshape(-1)[0])
    return value if INT8_MIN <= value <= INT8_MAX else None


def _number(call: KernelCall, name: str) -> int:
    return cast(int, call.params[name])


def _scale(call: KernelCall, which: str) -> Multiplier:
    return Multiplier(value=_number(call, f"{which}_multiplier"), shift=_number(call, f"{which}_shift"))


def _part(call: KernelCall, which: str, value: int) -> int:
    """What an input adds to a sum."""
    return multiply((value + _number(call, f"{which}_offset")) << _LEFT_SHIFT, _scale(call, which))


def _limited(call: KernelCall, value: int) -> int:
    low, high = _number(call, "activation_min"), _number(call, "activation_max")
    return max(low, min(high, wrap32(value + _number(call, "output_offset"))))


def _sum(call: KernelCall, a: int, b: int) -> int:
    parts = _part(call, "input1", a) + _part(call, "input2", b)
    return _limited(call, multiply(parts, _scale(call, "output")))


def _difference(call: KernelCall, a: int, b: int) -> int:
    parts = _part(call, "input1", a) - _part(call, "input2", b)
    return _limited(call, multiply(parts, _scale(call, "output")))


def _product(call: KernelCall, a: int, b: int) -> int:
    factors = (a + _number(call, "input1_offset")) * (b + _number(call, "input2_offset"))
    return _limited(call, multiply(factors, _scale(call, "output")))


def _larger(call: KernelCall, a: int, b: int) -> int:
    del call
    return max(a, b)


def _smaller(call: KernelCall, a: int, b: int) -> int:
    del call
    return min(a, b)


_COMPUTE: Mapping[str, Callable[[KernelCall, int, int], int]] = {
    "edgeq_add_int8": _sum,
    "edgeq_maximum_int8": _larger,
    "edgeq_minimum_int8": _smaller,
    "edgeq_mul_int8": _product,
    "edgeq_sub_int8": _difference,
}
