from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import DataError
from edgeq.model.graph import DType, Quantization, Tensor
from edgeq.records import Accuracy, Metric
from edgeq.statistics.proportions import wilson_interval
from edgeq.validation.accuracy import (
    NoTask,
    Task,
    choose_task,
    compare_accuracy,
    confusion_matrix,
    measure_accuracy,
    predict,
)
from edgeq.validation.guessing import no_better_than_guessing


def tensor(scale: float = 1 / 256, zero_point: int = -128) -> Tensor:
    quantization = Quantization(scales=(scale,), zero_points=(zero_point,))
    return Tensor(index=0, name="out", shape=(1, 3), dtype=DType.INT8, quantization=quantization)


def task_for(labels: np.ndarray, *outputs: np.ndarray) -> Task:
    task = choose_task(labels, outputs)
    assert isinstance(task, Task), task
    return task


def test_top1_counts_on_the_integers():
    int8 = np.array([[1, 5, 2], [7, 7, 0], [0, 3, 3], [-128, -128, -128]], np.int8)
    labels = np.array([1, 1, 1, 0])
    task = task_for(labels, int8)
    assert (task.metric, task.classes) == (Metric.TOP1, 3)
    found = measure_accuracy(task, (int8,), (tensor(),))
    assert (found.correct, found.n, found.value, found.ties) == (3, 4, 0.75, 3)
    assert found.ci95 == wilson_interval(3, 4)
    assert predict(task, (int8,), (tensor(),)).tolist() == [1, 0, 1, 0]


def test_confusion_matrix():
    task = task_for(np.array([0, 1, 1, 2]), np.eye(3)[[0, 1, 2, 2]])
    assert confusion_matrix(task, predict(task, (np.eye(3)[[0, 1, 2, 2]],), None)) == ((1, 0, 0), (0, 1, 1), (0, 0, 1))


@pytest.mark.parametrize("labels", [np.array([2, 0]), np.array([[2], [0]]), np.array([2.0, 0.0]), np.eye(3)[[2, 0]]])
def test_forms_of_class_labels(labels):
    task = task_for(labels, np.zeros((2, 3)))
    assert task.metric is Metric.TOP1
    assert task.labels.tolist() == [2, 0]


def test_binary_output_is_a_probability():
    int8 = np.array([[-128], [127], [0], [1]], np.int8)  # 0, 0.996, 0.5, 0.504
    task = task_for(np.array([0, 1, 1, 1]), int8)
    assert task.binary
    found = measure_accuracy(task, (int8,), (tensor(),))
    assert (found.correct, found.ties) == (3, 1)
    assert measure_accuracy(task, (np.array([[0.1], [0.9], [0.8], [0.2]]),), None).correct == 3


def test_labels_find_their_output():
    boxes, classes = np.zeros((4, 7, 4)), np.zeros((4, 5))
    assert task_for(np.array([0, 4, 2, 1]), boxes, classes).output == 1
    assert task_for(np.full((4, 28), 0.5), boxes, classes).output == 0


def test_targets_are_measured_by_their_error():
    targets = np.linspace(0, 1, 12).reshape(4, 3).astype(np.float32)
    int8 = np.clip(np.round(targets * 256) - 128, -128, 127).astype(np.int8)
    task = task_for(targets, int8)
    found = measure_accuracy(task, (int8,), (tensor(),))
    real = (int8.astype(float) + 128) / 256
    assert found.metric is Metric.MSE
    assert found.value == pytest.approx(np.mean((real - targets) ** 2))
    assert (found.correct, found.ties, found.n) == (None, None, 4)
    assert 0.0 <= found.ci95[0] <= found.value <= found.ci95[1]
    assert measure_accuracy(task, (targets,), None).value == 0.0


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (None, "have no labels"),
        (np.zeros((4, 9)), "neither class indices"),
        (np.array([0, 1, 2, 3]), "neither class indices"),
        (np.array(["a", "b", "c", "d"]), "neither class indices"),
        (np.full((4, 3), np.nan), "neither class indices"),
        (np.zeros(3), "3 labels for 4 samples"),
    ],
)
def test_why_there_is_no_accuracy(labels, words):
    found = choose_task(labels, (np.zeros((4, 3)),))
    assert isinstance(found, NoTask)
    assert words in found.reason


def test_no_samples():
    assert isinstance(choose_task(np.zeros(0), (np.zeros((0, 3)),)), NoTask)


def test_difference_is_paired():
    labels = np.array([0, 1, 2] * 20)
    before = np.eye(3)[labels]
    after = before.copy()
    after[:6] = after[:6, ::-1]  # swaps classes 0 and 2: four of the six become wrong
    task = task_for(labels, before)
    found = compare_accuracy(task, (before,), (after,), names=("float", "device"))
    assert (found.only_before, found.only_after, found.n) == (4, 0, 60)
    assert found.value == pytest.approx(-4 / 60)
    assert found.p_value == pytest.approx(1 / 16)
    assert found.ci95[0] < found.value < found.ci95[1]
    same = compare_accuracy(task, (before,), (before,))
    assert (same.value, same.p_value) == (0.0, 1.0)


def test_difference_of_errors():
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(200, 3))
    task = task_for(targets, targets)
    better, worse = (
        targets + rng.normal(scale=0.1, size=targets.shape),
        targets + rng.normal(scale=0.2, size=targets.shape),
    )
    found = compare_accuracy(task, (better,), (worse,))
    assert found.metric is Metric.MSE and found.only_before is None
    assert found.ci95[0] > 0 and found.p_value < 1e-6
    assert compare_accuracy(task, (better,), (better,)).p_value == 1.0


def test_other_samples_are_refused():
    task = task_for(np.array([0, 1]), np.zeros((2, 3)))
    with pytest.raises(DataError, match="3 answers for 2 labels"):
        measure_accuracy(task, (np.zeros((3, 3)),), None)


@pytest.mark.parametrize(
    ("correct", "counts", "suspicious"),
    [
        (97, (100,) * 10, True),  # of 1000, at random
        (115, (100,) * 10, True),
        (117, (100,) * 10, False),  # P(X >= 117) = 0.043
        (0, (100,) * 10, True),
        (900, (900, 100), True),  # a model that always says the same
        (930, (900, 100), False),
        (3, (2, 1), False),  # too few to tell
        (500, (500,), False),  # one class only
    ],
)
def test_no_better_than_guessing(correct: int, counts: tuple[int, ...], suspicious: bool):
    from scipy.stats import binomtest

    labels = np.repeat(np.arange(len(counts)), counts)
    n, share = len(labels), max(counts) / len(labels)
    arm = Accuracy(value=correct / n, n=n, correct=correct, ci95=(0.0, 1.0), ties=0)
    assert no_better_than_guessing(arm, labels) is suspicious
    if share**n < 0.05:
        assert (binomtest(correct, n, share, alternative="greater").pvalue >= 0.05) == suspicious


def test_guessing_is_about_classes():
    error = Accuracy(value=3.0, n=500, correct=None, ci95=(2.0, 4.0), ties=None, metric=Metric.MSE)
    assert not no_better_than_guessing(error, np.arange(500))
