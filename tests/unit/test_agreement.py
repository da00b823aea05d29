"""What counts as the same answer of an int8 model and the fake-quantized model that it was made from."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import Agreement
from edgeq.validation.agreement import Rounding, agreement_of, describe, has_gap, rounding_of

SOFTMAX = Rounding(step=1 / 256, logits=0.2)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def test_a_decision_within_the_rounding_of_the_logits_is_no_gap() -> None:
    """A step of the logits is twelve steps of this softmax: the other class wins by rounding alone."""
    trained, int8 = softmax(np.array([[1.0, 0.8, -3.0]])), softmax(np.array([[0.8, 1.0, -3.0]]))
    assert trained[0, 0] - trained[0, 1] > 10 * SOFTMAX.step
    found = agreement_of(trained, int8, SOFTMAX, classes=True)
    assert (found.samples, found.same, found.apart) == (1, 0, 0)
    assert agreement_of(trained, int8, Rounding(step=1 / 256), classes=True).apart == 1


def test_other_answers_are_apart() -> None:
    trained, int8 = softmax(np.array([[2.0, 0.0], [2.0, 0.0]])), softmax(np.array([[2.0, 0.0], [0.0, 2.0]]))
    found = agreement_of(trained, int8, SOFTMAX, classes=True)
    assert (found.same, found.apart, found.share) == (1, 1, 0.5)
    assert found.largest_difference == pytest.approx(0.762, abs=1e-3)


def test_samples_are_counted_and_not_positions() -> None:
    """A segmentation of 2x2 positions: one of four that differs, three of four, none."""
    trained = np.zeros((3, 2, 2, 2))
    trained[..., 0] = 4.0
    int8 = trained.copy()
    int8[0, 0, 0] = int8[1, 0, 0] = int8[1, 0, 1] = int8[1, 1, 0] = (0.0, 4.0)
    found = agreement_of(trained, int8, Rounding(step=0.1), classes=True)
    assert (found.samples, found.same, found.apart) == (3, 1, 1)


def test_numbers_may_differ_by_steps() -> None:
    trained = np.array([[1.0], [2.0], [3.0]])
    moved = trained + np.array([[0.3], [0.4], [0.5]])
    found = agreement_of(trained, moved, Rounding(step=0.1), classes=False)
    assert (found.same, found.apart) == (2, 1)


def test_a_sigmoid_is_looked_at_before_it_is_squashed() -> None:
    one, two = 1 / (1 + np.exp(-np.array([[0.0], [4.0]]))), 1 / (1 + np.exp(-np.array([[0.5], [6.0]])))
    found = agreement_of(one, two, Rounding(step=1 / 256, logits=0.2, sigmoid=True), classes=True)
    assert found.apart == 0  # the first by 31 steps of the output and 2.5 of the logits, the second by 4 and 10
    assert agreement_of(one, two, Rounding(step=1 / 256, logits=0.1, sigmoid=True), classes=True).apart == 1


@pytest.mark.parametrize(("apart", "gap"), [(0, False), (3, False), (7, False), (8, True), (50, True)])
def test_a_gap_is_certain(apart: int, gap: bool) -> None:
    """2.5 of 500 samples are allowed on average; three may be chance."""
    found = Agreement(samples=500, same=500 - apart, apart=apart, largest_difference=0.1)
    assert has_gap(found) == gap
    assert describe(found).startswith("Conversion gap: the int8 model answers" if gap else "The int8 model answers")


def test_rounding_is_read_from_the_file() -> None:
    model = ModelBuilder()
    x = model.tensor("x", (1, 4), scale=0.25)
    y = model.tensor("y", (1, 4), scale=1 / 256, zero_point=-128)
    model.op("SOFTMAX", [x], [y], beta=1.0)
    assert rounding_of(parse_tflite(model.finish([x], [y]))) == (Rounding(step=1 / 256, logits=0.25),)
