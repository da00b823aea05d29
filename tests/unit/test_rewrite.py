"""The model that stands in for one that TFLM computes wrong: TFLM's answer to it is the right one."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_builder import ModelBuilder

from edgeq.lower.lower import lower
from edgeq.lower.program import constants_of
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import Reference
from edgeq.reference import ReferenceWorker, available
from edgeq.reference.rewrite import corrected_for_tflm

if not available(Reference.TFLM):
    pytest.skip("TFLM's wheel is not available here", allow_module_level=True)

EVERY = np.arange(-128, 128, dtype=np.int8).reshape(256, 1)


def relu6_model(given: tuple[float, int], made: tuple[float, int]) -> bytes:
    """RELU6 between two other ops, so that its index is not the first."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 1), scale=given[0], zero_point=given[1])
    a = model.tensor("a", (1, 1), scale=given[0], zero_point=given[1])
    b = model.tensor("b", (1, 1), scale=made[0], zero_point=made[1])
    y = model.tensor("y", (1, 1), scale=made[0], zero_point=made[1])
    one = model.tensor("one", (2,), "int32", data=np.array([1, 1], np.int32))
    model.op("RESHAPE", [x, one], [a])
    model.op("RELU6", [a], [b])
    model.op("RESHAPE", [b, one], [y])
    return model.finish([x], [y])


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((0.05, -3), (6 / 255, -128)),
        ((0.06, 10), (0.05, -100)),
        ((0.1, 0), (0.03, 20)),
        ((0.02, -128), (0.05, -128)),
        ((0.05, 127), (0.04, -5)),
    ],
)
def test_tflm_gives_relu6_as_the_engine_does(given: tuple[float, int], made: tuple[float, int]) -> None:
    content = relu6_model(given, made)
    graph = parse_tflite(content)
    fixed = corrected_for_tflm(content, graph)
    with ReferenceWorker(Reference.TFLM) as tflm:
        (wrong,) = tflm.run(content, [EVERY])
        (answer,) = tflm.run(fixed, [EVERY])
        inside = tflm.tensors(fixed, [EVERY], [2])[0]
    (call,) = lower(graph).calls
    (table,) = constants_of(call)
    right = table.data.view(np.int8)[EVERY.view(np.uint8).reshape(-1)]
    assert (wrong.reshape(-1) != right).any()
    np.testing.assert_array_equal(answer.reshape(-1), right)
    np.testing.assert_array_equal(inside.reshape(-1), right)
    # By the definition of RELU6, to half a step and what rounding twice adds.
    exact = np.clip(given[0] * (EVERY.reshape(-1).astype(float) - given[1]), 0, 6)
    held = np.clip(made[1] + exact / made[0], -128, 127)
    assert np.abs(right - held).max() <= 0.76


def test_other_models_stay_as_they_are() -> None:
    content = relu6_model((0.05, -3), (0.05, -3))
    assert corrected_for_tflm(content, parse_tflite(content)) is content
