"""What is said about splits that do not fit together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgeq.comparison.findings.data import preprocessing_differs, test_in_training
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
