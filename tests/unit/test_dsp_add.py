"""ADD for the DSP extension: two products where they give every result, tables elsewhere."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.dsp.add import additions
from edgeq.lower.dsp.candidate import data
from edgeq.lower.lower import lower
from edgeq.lower.program import KernelCall
from edgeq.model.flatbuffer import parse_tflite

VALUES = np.arange(-128, 128)


def forms_of(scale1: float, scale2: float, scale: float) -> list[KernelCall]:
    """Every form of an ADD with these scales."""
    model = ModelBuilder()
    x1 = model.tensor("x1", (1, 40), scale=scale1, zero_point=3)
    x2 = model.tensor("x2", (1, 40), scale=scale2, zero_point=-5)
    y = model.tensor("y", (1, 40), scale=scale, zero_point=7)
    model.op("ADD", [x1, x2], [y], fused_activation_function="NONE")
    (call,) = lower(parse_tflite(model.finish([x1, x2], [y]))).calls
    return [candidate.call for candidate in additions(call)]


def by_tables(call: KernelCall) -> NDArray[np.int64]:
    """What add_dsp.c computes for all inputs."""
    p = call.params
    first, second = (data(p[f"table{i}"]).astype(np.int64)[VALUES.astype(np.uint8)] for i in (1, 2))
    sums = first[:, None] + second[None, :]
    high = (sums * cast(int, p["multiplier"]) + (1 << 31)) >> 32
    return np.clip((high + cast(int, p["constant"]) + (sums >> 63)) >> cast(int, p["shift"]), -128, 127)


def by_products(call: KernelCall) -> NDArray[np.int64]:
    """What add_linear_dsp.c computes for all inputs."""
    first, second = (VALUES * cast(int, call.params[f"multiplier{i}"]) >> 8 for i in (1, 2))
    return np.clip((first[:, None] + second[None, :] + cast(int, call.params["constant"])) >> 16, -128, 127)


@pytest.mark.parametrize("scales", [(0.031, 0.047, 0.061), (0.4813, 0.00113, 0.3971), (0.0213, 0.0317, 1.713)])
def test_two_products_give_every_result(scales: tuple[float, float, float]) -> None:
    tables, products = forms_of(*scales)
    assert (tables.kernel, products.kernel) == ("edgeq_add_dsp_int8", "edgeq_add_linear_dsp_int8")
    np.testing.assert_array_equal(by_products(products), by_tables(tables))


def test_halves_away_from_zero_need_tables() -> None:
    """With these scales every second sum is a half, rounded away from zero: no line goes through all results."""
    (tables,) = forms_of(0.05, 0.05, 0.1)
    assert tables.kernel == "edgeq_add_dsp_int8"
