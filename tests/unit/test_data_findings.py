"""What is said about splits that do not fit together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgeq.comparison.findings.data import test_in_training
from edgeq.comparison.findings.preparation import preprocessing_differs
from edgeq.comparison.record import Severity
from edgeq.data.arrays import dataset_from_arrays
from edgeq.data.overlap import check_overlap

test_in_training.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test

RNG = np.random.default_rng(5)
PICTURES = RNG.random((400, 6, 6, 1)).astype(np.float32)


def evidence(**arrays: np.ndarray) -> Any:
    checks = check_overlap(dataset_from_arrays(arrays, "d"))
    return SimpleNamespace(checks=checks, data=SimpleNamespace(calibration="calibration"))


def test_a_forgotten_division_is_named() -> None:
    bytes_ = np.round(PICTURES[100:] * 255).astype(np.float32)
    (found,) = preprocessing_differs(evidence(x_calib=bytes_, x_test=PICTURES[:100]))
    assert (found.code, found.severity) == ("calibration-preprocessing-differs", Severity.ERROR)
    assert "like the calibration samples divided by 255. " in found.text
    assert found.evidence["preparation"] == "divided by 255"
    (found,) = preprocessing_differs(evidence(x_train=PICTURES[100:] * 16 + 1, x_test=PICTURES[:100]))
    assert found.severity is Severity.WARNING
    assert "like the training samples times 0.06" in found.text


def test_other_values_without_a_preparation_are_only_described() -> None:
    edges = (PICTURES[100:] > 0.5) * 20.0
    (found,) = preprocessing_differs(evidence(x_calib=edges, x_test=PICTURES[:100] ** 4))
    assert "like the calibration samples" not in found.text
    assert "preparation" not in found.evidence


def colours(n: int, seed: int, tint: tuple[float, ...] = (0.9, 0.8, 0.65)) -> np.ndarray:
    """Pictures whose channels differ in brightness less than two pictures do."""
    rng = np.random.default_rng(seed)
    light = rng.uniform(0.3, 1.0, (n, 1, 1, 1)) * rng.uniform(0.9, 1.1, (n, 1, 1, len(tint)))
    return (rng.random((n, 8, 8, 1)) * light * np.array(tint)).astype(np.float32)


@pytest.mark.parametrize("count", [40, 300])
def test_exchanged_channels_are_named(count: int) -> None:
    (found,) = preprocessing_differs(evidence(x_calib=colours(count, 1)[..., ::-1], x_test=colours(200, 2)))
    assert (found.code, found.severity) == ("calibration-preprocessing-differs", Severity.ERROR)
    assert "channels in another order" in found.title
    assert "channel 0 is 2, 2 is 0 of the test samples" in found.text
    rows = np.random.default_rng(3).normal(np.arange(12) / 2, 1.0, (500, 12)).astype(np.float32)
    order = np.random.default_rng(4).permutation(12)
    (found,) = preprocessing_differs(evidence(x_calib=rows[:200][:, order], x_test=rows[200:]))
    assert "channels in another order" in found.title
    assert found.evidence["channels"] == 12


def test_other_samples_are_no_other_order() -> None:
    """Pictures of one light, of one class with a colour of its own, grey ones, and many columns of some classes."""
    test = colours(200, 2)
    assert not list(preprocessing_differs(evidence(x_calib=colours(200, 1), x_test=test)))
    assert not list(preprocessing_differs(evidence(x_calib=colours(100, 1, (0.5, 0.9, 0.9)), x_test=test)))
    grey = np.repeat(test[..., :1], 3, axis=-1)
    assert not list(preprocessing_differs(evidence(x_calib=grey[:100], x_test=grey[100:])))
    rng = np.random.default_rng(6)
    classes, middles = rng.integers(0, 10, 1500), rng.random((10, 64))
    table = (middles[classes] + 0.2 * rng.normal(size=(1500, 64))).astype(np.float32)
    two = np.flatnonzero(classes[:1000] < 2)
    assert not list(preprocessing_differs(evidence(x_calib=table[two], x_test=table[1000:])))


def test_a_channel_in_another_unit_is_named() -> None:
    other = colours(100, 1) * np.array([1.0, 0.3, 1.0], np.float32)
    (found,) = preprocessing_differs(evidence(x_calib=other, x_test=colours(200, 2)))
    assert "values of channel 1 are scaled differently" in found.title


@pytest.mark.parametrize("bright", [0.5, 0.6])
def test_from_0_to_1_is_not_from_minus_1_to_1(bright: float) -> None:
    """A factor of two, around the middle: neither spread nor mean are far off."""
    pictures = np.clip(np.random.default_rng(1).normal(bright, 0.25, (300, 6, 6, 1)), 0, 1).astype(np.float32)
    for calib, test in ((pictures[:100], pictures[100:] * 2 - 1), (pictures[:100] * 2 - 1, pictures[100:])):
        (found,) = preprocessing_differs(evidence(x_calib=calib, x_test=test))
        assert found.severity is Severity.ERROR


def test_equal_scales_are_no_finding() -> None:
    assert not list(preprocessing_differs(evidence(x_calib=PICTURES[100:], x_test=PICTURES[:100])))
    assert not list(test_in_training(evidence(x_train=PICTURES[100:], x_test=PICTURES[:100])))


def test_near_copies_of_test_samples_count() -> None:
    train = PICTURES[100:].copy()
    train[:10] = PICTURES[:10]
    train[10:30] = PICTURES[10:30] * np.float32(1.001)
    (found,) = test_in_training(evidence(x_train=train, x_test=PICTURES[:100]))
    assert found.severity is Severity.WARNING
    assert found.title == "30 of 100 test samples are training samples too"
    assert found.text.startswith(
        "30 % of the test samples are bit by bit (10) or almost unchanged in the training set."
    )
    assert (found.evidence["shared"], found.evidence["near"]) == (10, 20)


@pytest.mark.parametrize("seed", range(6))
def test_points_of_a_plane_are_near_by_nature(seed: int) -> None:
    """Also where the other split is small, and has no two that are near by chance."""
    points = np.random.default_rng(seed).normal(size=(1600, 2)).astype(np.float32)
    found = test_in_training(evidence(x_train=points[:800], x_val=points[800:1000], x_test=points[1000:]))
    assert {f.severity for f in found} <= {Severity.INFO}
    leaked = test_in_training(evidence(x_val=np.concatenate([points[:200], points[1000:1060]]), x_test=points[1000:]))
    assert [f.severity for f in leaked] == [Severity.WARNING]
