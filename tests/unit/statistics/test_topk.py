from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeq.errors import DataError
from edgeq.statistics.topk import top_k

int8_scores = hnp.arrays(np.int8, st.tuples(st.integers(1, 20), st.integers(2, 6)), elements=st.integers(-128, -125))


def test_ties_go_to_the_lowest_index():
    scores = np.array([[7, 7, 0, 0], [7, 7, 0, 0], [9, 5, 5, 5], [9, 5, 5, 5], [1, 2, 3, 4]], np.int8)
    labels = np.array([0, 1, 1, 3, 0])
    first = top_k(scores, labels)
    assert first.correct.tolist() == [True, False, False, False, False]
    assert (first.decided_by_index, first.always, first.possibly) == (2, 0, 2)
    second = top_k(scores, labels, 2)
    assert second.correct.tolist() == [True, True, True, False, False]
    assert (second.decided_by_index, second.always, second.possibly) == (2, 2, 4)
    assert top_k(scores, labels, 4).correct.all()


@given(int8_scores, st.randoms(use_true_random=False))
def test_agrees_with_argmax_and_sorting(scores, random):
    n, classes = scores.shape
    labels = np.array([random.randrange(classes) for _ in range(n)])
    assert np.array_equal(top_k(scores, labels).correct, np.argmax(scores, axis=1) == labels)
    for k in range(1, classes + 1):
        found = top_k(scores, labels, k)
        best = np.argsort(-scores.astype(int), axis=1, kind="stable")[:, :k]
        assert np.array_equal(found.correct, (best == labels[:, None]).any(axis=1))
        assert found.always <= np.count_nonzero(found.correct) <= found.possibly
        assert found.possibly - found.always <= found.decided_by_index


def test_integers_are_compared_as_they_are():
    large = np.array([[2**60, 2**60 + 1]])
    assert top_k(large, np.array([1])).correct.all()
    assert top_k(np.array([[0, 255]], np.uint8), np.array([1])).correct.all()


@pytest.mark.parametrize(
    ("scores", "labels", "said"),
    [
        (np.zeros(4), np.zeros(4, int), "shape"),
        (np.zeros((4, 3)), np.zeros(5, int), "shape"),
        (np.zeros((4, 3)), np.full(4, 3), "labels from 3 to 3 for 3 classes"),
        (np.full((4, 3), np.nan), np.zeros(4, int), "NaN"),
    ],
)
def test_refuses_what_does_not_fit(scores, labels, said):
    with pytest.raises(DataError, match=said):
        top_k(scores, labels)


def test_k_is_a_number_of_classes():
    with pytest.raises(ValueError, match="top-4 of 3"):
        top_k(np.zeros((4, 3)), np.zeros(4, int), 4)
