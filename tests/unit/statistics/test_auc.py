from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from edgeq.errors import DataError
from edgeq.statistics.auc import artifact_auc_difference, auc, method_auc_difference
from edgeq.statistics.crossed import Seeding
from edgeq.statistics.difference import Difference, TooFewGroups, TooFewSeeds


def sample(n: int, classes: int, seed: int = 0, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    labels[:classes] = np.arange(classes)
    scores = rng.normal(size=(n, classes))
    scores[np.arange(n), labels] += 1.0
    return labels, scores, scores + noise * rng.normal(size=scores.shape)


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 6), st.integers(10, 80), st.integers(0, 10_000), st.sampled_from([1, 4, 1000]))
def test_agrees_with_scikit_learn(classes, n, seed, levels):
    labels, scores, _ = sample(n, classes, seed)
    coarse = np.round(scores * levels).astype(np.int32)
    expected = np.mean([roc_auc_score(labels == c, coarse[:, c]) for c in range(classes)])
    assert auc(coarse, labels) == pytest.approx(expected)
    if classes == 2:
        assert auc(coarse[:, 1], labels) == pytest.approx(roc_auc_score(labels, coarse[:, 1]))


def test_equal_scores_count_half():
    assert auc(np.zeros(6, np.int8), np.array([0, 1, 0, 1, 1, 1])) == 0.5
    assert auc(np.array([1, 2, 2, 3]), np.array([0, 0, 1, 1])) == pytest.approx(3.5 / 4)


def test_a_class_that_does_not_occur_is_left_out():
    labels, scores, _ = sample(60, 3)
    kept = labels != 2
    expected = np.mean([roc_auc_score(labels[kept] == c, scores[kept, c]) for c in (0, 1)])
    assert auc(scores[kept], labels[kept]) == pytest.approx(expected)


def test_difference_agrees_with_delong():
    # Paired, two classes: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), from the placements.
    labels, first, second = sample(400, 2)
    placements = []
    for scores in (first[:, 1], second[:, 1]):
        above = (scores[labels == 1][:, None] > scores[labels == 0]).astype(float)
        placements.append((above.mean(axis=1), above.mean(axis=0)))
    variance = sum(np.var(placements[1][i] - placements[0][i], ddof=1) / len(placements[0][i]) for i in (0, 1))
    found = artifact_auc_difference(first[:, 1], second[:, 1], labels)
    assert isinstance(found, Difference)
    assert found.estimate == pytest.approx(auc(second[:, 1], labels) - auc(first[:, 1], labels))
    assert found.standard_error == pytest.approx(variance**0.5, rel=0.06)


def test_difference_swaps_and_repeats():
    labels, first, second = sample(150, 3)
    found, swapped = artifact_auc_difference(first, second, labels), artifact_auc_difference(second, first, labels)
    assert found.estimate == -swapped.estimate
    assert found.interval()[0] == pytest.approx(-swapped.interval()[1], abs=1e-9)
    again = artifact_auc_difference(first, second, labels)
    assert np.array_equal(found.distribution, again.distribution)
    assert artifact_auc_difference(first, first, labels).p_value() == 1.0


def test_groups_that_repeat_samples_do_not_add_evidence():
    labels, first, second = sample(60, 2)
    single = artifact_auc_difference(first, second, labels, groups=np.arange(60))
    five = artifact_auc_difference(
        *(np.repeat(a, 5, axis=0) for a in (first, second, labels)), groups=np.arange(300) // 5
    )
    assert five.standard_error == pytest.approx(single.standard_error, rel=0.1)
    assert artifact_auc_difference(first, second, labels, groups=np.arange(60) // 20) == TooFewGroups(found=3)


def test_methods_by_auc():
    labels, first, second = sample(100, 3)
    rng = np.random.default_rng(1)
    one, two = (a + 0.3 * rng.normal(size=(5, *a.shape)) for a in (first, second))
    found = method_auc_difference(one, two, labels, seeding=Seeding.PAIRED)
    assert isinstance(found, Difference)
    assert found.seeds == 5
    expected = np.mean([auc(b, labels) - auc(a, labels) for a, b in zip(one, two, strict=True)])
    assert found.estimate == pytest.approx(expected)
    assert method_auc_difference(one[:3], two[:3], labels, seeding=Seeding.PAIRED) == TooFewSeeds(found=3)


@pytest.mark.parametrize(
    ("scores", "labels", "said"),
    [
        (np.zeros(5), np.ones(5, int), "all samples are of one class"),
        (np.zeros(5), np.arange(5), "class indices from 0 to 1"),
        (np.zeros((5, 3)), np.arange(4) % 3, "shape"),
        (np.full(4, np.nan), np.arange(4) % 2, "NaN"),
    ],
)
def test_refuses_what_does_not_fit(scores, labels, said):
    with pytest.raises(DataError, match=said):
        auc(scores, labels)


def test_groups_of_one_class_each_in_small_number_are_refused():
    labels = np.repeat(np.arange(12), 5)
    scores = np.random.default_rng(0).normal(size=(60, 12))
    with pytest.raises(DataError, match="hardly any draw of 12 groups has all 12 classes"):
        artifact_auc_difference(scores, scores + 1, labels, groups=labels, draws=200)
