"""Test samples in other splits, splits of another scale, and classes that do not calibrate."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from edgeq.data.arrays import dataset_from_arrays
from edgeq.data.coverage import class_coverage
from edgeq.data.moments import moments, moments_of_all
from edgeq.data.overlap import Overlap, check_overlap
from edgeq.data.rescaling import Preparation, Rescaling, explain

RNG = np.random.default_rng(3)
TRAIN = RNG.normal(size=(300, 5)).astype(np.float32)
TEST = RNG.normal(size=(100, 5)).astype(np.float32)


def overlap(train: np.ndarray, test: np.ndarray) -> Overlap:
    (found,) = check_overlap(dataset_from_arrays({"x_train": train, "x_test": test}, "d")).overlaps
    return found


def digits() -> np.ndarray:
    images = (load_digits().images / 16.0).astype(np.float32)[..., None]
    return images[np.random.default_rng(0).permutation(len(images))]


def test_shared_samples_are_counted_once_per_test_sample() -> None:
    train = np.concatenate([TRAIN, TEST[:20], TEST[:20]])
    (train_found, calibration_found) = check_overlap(
        dataset_from_arrays({"x_train": train, "x_test": TEST, "x_calib": TEST[50:53]}, "d")
    ).overlaps
    assert (train_found.split, train_found.shared, train_found.test) == ("train", 20, 100)
    assert train_found.near == 0
    assert train_found.natural == pytest.approx(40 / 340)
    assert train_found.natural_near == pytest.approx(40 / 340)
    assert (calibration_found.split, calibration_found.shared) == ("calib", 3)


def test_all_inputs_count() -> None:
    arrays = {"x_train_0": TEST, "x_train_1": TEST + 1, "x_test_0": TEST, "x_test_1": TEST}
    (found,) = check_overlap(dataset_from_arrays(arrays, "d")).overlaps
    assert (found.shared, found.near) == (0, 0)


def test_different_handwriting_is_not_near() -> None:
    found = overlap(digits()[500:], digits()[:500])
    assert (found.shared, found.near, found.natural_near) == (0, 0, 0.0)


@pytest.mark.parametrize("change", ["float16", "bytes", "noise", "brightness"])
def test_copies_that_were_changed_a_little_are_near(change: str) -> None:
    test, train = digits()[:500], digits()[500:].copy()
    copy = test[:40].copy()
    copy[:8] += 0.0005  # nothing of it is exact in any grid
    train[100:140] = {
        "float16": (copy * 0.999).astype(np.float16).astype(np.float32),
        "bytes": np.round(copy * 255) / np.float32(255),
        "noise": copy + RNG.normal(0, 0.002, copy.shape).astype(np.float32),
        "brightness": copy * np.float32(1.004),
    }[change]
    found = overlap(train, test)
    assert found.shared + found.near == 40
    assert found.near > 0
    assert found.natural_near == 0


def test_columns_of_a_table_have_units_of_their_own() -> None:
    """A large column does not hide that the small ones differ."""
    unit = np.array([1e4, 1.0, 1.0, 1.0, 1e-3], np.float32)
    train = TRAIN * unit
    train[:100] = TEST * unit
    train[:100, 4] += 1e-3
    assert overlap(train, TEST * unit).near == 0
    train[:100, 4] -= 1e-3
    found = overlap(train, TEST * unit)
    assert found.shared + found.near == 100


def test_data_that_repeat_themselves_say_so() -> None:
    table = RNG.integers(0, 3, (2000, 3)).astype(np.float32)
    found = overlap(table[:1500], table[1500:])
    assert found.shared == 500
    assert found.natural == found.natural_near == 1.0
    blank = np.zeros((3000, 6, 6, 1), np.float32)
    blank[1000:] = RNG.random((2000, 6, 6, 1))
    found = overlap(blank[500:2000], np.concatenate([blank[:500], blank[2000:]]))
    assert (found.shared, found.near) == (500, 0)
    assert found.natural_near == pytest.approx(1 / 3, abs=0.05)


def test_scaling() -> None:
    (found,) = check_overlap(dataset_from_arrays({"x_test": TEST, "x_calib": TRAIN * 16 + 3}, "d")).scalings
    assert found.std / found.test_std == pytest.approx(16, rel=0.2)
    assert found.mean - found.test_mean == pytest.approx(3, abs=1)
    assert found.low == (TRAIN * 16 + 3).min()
    assert found.rescaling is not None
    assert found.rescaling.scale == pytest.approx(1 / 16, rel=0.2)


def rescaled(x: np.ndarray, test: np.ndarray) -> Rescaling:
    found = explain(x, test)
    assert found is not None
    assert found.error <= 0.1
    return found


def test_known_preparations_are_recognized() -> None:
    unit, test = digits()[500:], digits()[:500]
    bytes_, test_bytes = np.round(unit * 255).astype(np.uint8), np.round(test * 255).astype(np.uint8)
    assert rescaled(unit, test).preparation is Preparation.NONE
    assert rescaled(bytes_, test).preparation is Preparation.BYTES_TO_UNIT
    assert rescaled(unit, test_bytes).preparation is Preparation.UNIT_TO_BYTES
    assert rescaled(bytes_, test * 2 - 1).preparation is Preparation.BYTES_TO_SIGNED
    assert rescaled(unit * 2 - 1, test_bytes).preparation is Preparation.SIGNED_TO_BYTES
    assert rescaled(unit, test * 2 - 1).preparation is Preparation.UNIT_TO_SIGNED
    assert rescaled(unit * 2 - 1, test).preparation is Preparation.SIGNED_TO_UNIT
    standard = (bytes_ - bytes_.mean()) / bytes_.std()
    found = rescaled(bytes_, (test_bytes - bytes_.mean()) / bytes_.std())
    assert found.preparation is Preparation.STANDARDIZED
    assert found.scale == pytest.approx(1 / bytes_.std(), rel=1e-6)
    assert rescaled(standard, test).preparation is Preparation.UNSTANDARDIZED
    found = rescaled(unit * 16, test)
    assert found.preparation is Preparation.OTHER
    assert (found.scale, found.offset) == (pytest.approx(1 / 16, rel=0.05), pytest.approx(0, abs=0.02))


def test_other_data_are_not_explained() -> None:
    exponential, two_humps = RNG.exponential(size=(500, 5)), np.sign(RNG.normal(size=(500, 5)))
    assert explain(exponential, two_humps) is None
    assert explain(np.ones((5, 5)), TEST) is None
    assert explain(TEST, np.zeros((5, 5))) is None


@pytest.mark.parametrize("seed", range(10))
def test_samples_of_one_kind_need_no_preparation(seed: int) -> None:
    """Few samples, many values: by chance alone nothing else is found."""
    rng = np.random.default_rng(seed)
    images = digits()[rng.permutation(1797)]
    assert rescaled(images[:40], images[40:140]).preparation is Preparation.NONE


def test_classes_that_chance_would_not_leave_out_are_missing() -> None:
    test = np.repeat(np.arange(5), [100, 100, 100, 99, 1])
    labels = np.repeat(np.arange(3), 50)
    found = class_coverage(labels, test, classes=6, chance=0.001, strays=0.0)
    assert found.counts == (50, 50, 50, 0, 0, 0)
    assert found.test_counts == (100, 100, 100, 99, 1, 0)
    assert found.samples == 150
    assert found.missing == (3,)  # the fifth class may be missing by chance, the sixth is not tested
    assert found.missing_share == pytest.approx(99 / 400)
    assert class_coverage(labels[:5], test, classes=2, chance=0.001, strays=0.0).missing == ()


def test_a_class_that_others_are_taken_for_is_missing_all_the_same() -> None:
    test = np.repeat(np.arange(4), 100)
    labels = np.repeat(np.arange(4), [150, 2, 150, 40])
    found = class_coverage(labels, test, classes=4, chance=0.001, strays=0.1)
    assert found.missing == (1,)  # the fourth is rarer than among the test samples, and there
    assert class_coverage(labels, test, classes=4, chance=0.001, strays=0.0).missing == ()


def test_moments_are_those_of_numpy() -> None:
    x = RNG.normal(1e3, 1e-2, (70_000, 7)).astype(np.float32)
    mean, std = moments(x)
    np.testing.assert_allclose(mean, x.mean(axis=0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(std, x.std(axis=0, dtype=np.float64), rtol=1e-9)
    whole = RNG.integers(0, 255, (300, 40, 40, 1)).astype(np.uint8)
    assert moments_of_all(whole) == (pytest.approx(whole.mean()), pytest.approx(whole.std()))
