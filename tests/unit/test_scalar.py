"""ADD, SUB and MUL with one constant value become tables; with more values they do not."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_builder import ModelBuilder

from edgeq.lower.lower import lower
from edgeq.lower.program import KernelCall
from edgeq.model.flatbuffer import parse_tflite


def _call(op: str, shape: tuple[int, ...], *, first: bool) -> KernelCall:
    model = ModelBuilder()
    x = model.tensor("x", (1, 3, 3, 4), scale=0.05, zero_point=3)
    c = model.tensor("c", shape, data=np.full(shape, 7, np.int8), scale=0.04, zero_point=-1)
    y = model.tensor("y", (1, 3, 3, 4), scale=0.1, zero_point=2)
    model.op(op, [c, x] if first else [x, c], [y], fused_activation_function="RELU")
    (call,) = lower(parse_tflite(model.finish([x], [y]))).calls
    return call


@pytest.mark.parametrize("op", ["ADD", "SUB", "MUL"])
@pytest.mark.parametrize("first", [False, True])
def test_one_value(op: str, first: bool) -> None:
    call = _call(op, (1, 1, 1, 1), first=first)
    assert call.kernel == "edgeq_table_int8"
    assert len(call.inputs) == 1 and call.params["count"] == 36


def test_several_values() -> None:
    assert _call("ADD", (4,), first=False).kernel == "edgeq_add_int8"
