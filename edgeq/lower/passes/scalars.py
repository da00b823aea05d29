"""ADD, SUB and MUL of a tensor and one constant are operators of one input: tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

import numpy as np

from edgeq.lower.fixedpoint import INT8_MAX, INT8_MIN, Multiplier, multiply, wrap32
from edgeq.lower.program import Constant, KernelCall, Operand

_LEFT_SHIFT = 20


def as_table(call: KernelCall) -> KernelCall:
    """The call of a table with the same results, where one of two int8 inputs is a single constant; else the same.

    Args:
        call: of any portable kernel.
    """
    compute = _COMPUTE.get(call.kernel)
    if compute is None:
        return call
    first, second = (_single(operand) for operand in call.inputs)
    if (first is None) == (second is None):
        return call
    low, high = _number(call, "activation_min"), _number(call, "activation_max")
    values = np.arange(256, dtype=np.uint8).view(np.int8).tolist()
    results = [
        compute(call, x if first is None else first, x if second is None else second) + _number(call, "output_offset")
        for x in values
    ]
    table = np.array([max(low, min(high, wrap32(y))) for y in results], np.int8)
    loops = cast(tuple[tuple[int, int, int], ...], call.params["loops"])
    return replace(
        call,
        kernel="edgeq_table_int8",
        source="table.c",
        params_type="edgeq_table_params",
        params={
            "count": math.prod(extent for extent, _, _ in loops),
            "table": Constant(name=f"op_{call.source_ops[0]}_table", data=table),
        },
        inputs=(call.inputs[0 if first is None else 1],),
        in_place=(0,),
    )


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


def _sum(call: KernelCall, a: int, b: int) -> int:
    return multiply(_part(call, "input1", a) + _part(call, "input2", b), _scale(call, "output"))


def _difference(call: KernelCall, a: int, b: int) -> int:
    return multiply(_part(call, "input1", a) - _part(call, "input2", b), _scale(call, "output"))


def _product(call: KernelCall, a: int, b: int) -> int:
    factors = (a + _number(call, "input1_offset")) * (b + _number(call, "input2_offset"))
    return multiply(factors, _scale(call, "output"))


_COMPUTE: Mapping[str, Callable[[KernelCall, int, int], int]] = {
    "edgeq_add_int8": _sum,
    "edgeq_mul_int8": _product,
    "edgeq_sub_int8": _difference,
}
