"""Test samples in other splits, and splits of another scale."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.data.arrays import dataset_from_arrays
from edgeq.data.overlap import check_overlap

RNG = np.random.default_rng(3)
TRAIN = RNG.normal(size=(300, 5)).astype(np.float32)
TEST = RNG.normal(size=(100, 5)).astype(np.float32)


def test_shared_samples_are_counted_once_per_test_sample() -> None:
    train = np.concatenate([TRAIN, TEST[:20], TEST[:20]])
    (train_found, calibration_found) = check_overlap(
        dataset_from_arrays({"x_train": train, "x_test": TEST, "x_calib": TEST[50:53]}, "d")
    ).overlaps
    assert (train_found.split, train_found.shared, train_found.test) == ("train", 20, 100)
    assert train_found.natural == pytest.approx(40 / 340)
    assert (calibration_found.split, calibration_found.shared) == ("calib", 3)


def test_all_inputs_count() -> None:
    arrays = {"x_train_0": TEST, "x_train_1": TEST + 1, "x_test_0": TEST, "x_test_1": TEST}
    assert check_overlap(dataset_from_arrays(arrays, "d")).overlaps[0].shared == 0


def test_scaling() -> None:
    (found,) = check_overlap(dataset_from_arrays({"x_test": TEST, "x_calib": TRAIN * 16 + 3}, "d")).scalings
    assert found.std / found.test_std == pytest.approx(16, rel=0.2)
    assert found.mean - found.test_mean == pytest.approx(3, abs=1)
