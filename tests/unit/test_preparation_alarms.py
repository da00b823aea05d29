"""Samples that were prepared alike and differ all the same: by heavy tails, or as they are of other subjects."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from edgeq.comparison.findings.preparation import preprocessing_differs
from edgeq.data.arrays import dataset_from_arrays
from edgeq.data.overlap import check_overlap

Draw = Callable[[np.random.Generator, int], np.ndarray]


def titles(calib: np.ndarray, test: np.ndarray, **more: np.ndarray) -> list[str]:
    arrays = {"x_calib": calib.astype(np.float32), "x_test": test.astype(np.float32), **more}
    checks = check_overlap(dataset_from_arrays(arrays, "d"))
    evidence = SimpleNamespace(checks=checks, data=SimpleNamespace(calibration="calibration"))
    return [found.title for found in preprocessing_differs(evidence)]  # type: ignore[arg-type]


def lognormal(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.exp(2 * rng.normal(size=(count, 16, 3)))


def rare(rng: np.random.Generator, count: int) -> np.ndarray:
    events = np.exp(2 * rng.normal(size=(count, 1))) * (rng.random((count, 16)) < 0.05)
    return np.stack([rng.normal(size=(count, 16)), events], axis=-1)


def electrodes(rng: np.random.Generator, subjects: int) -> np.ndarray:
    gains = np.exp(0.4 * rng.normal(size=(subjects, 8)))
    return np.concatenate([gain * rng.normal(size=(120 // subjects, 16, 8)) for gain in gains])


def accelerometers(rng: np.random.Generator, subjects: int) -> np.ndarray:
    gravity = rng.normal(size=(subjects, 3))
    gravity /= np.linalg.norm(gravity, axis=1, keepdims=True)
    return np.concatenate([g + 0.5 * rng.normal(size=(120 // subjects, 16, 3)) for g in gravity])


def letters(rng: np.random.Generator, sources: int) -> np.ndarray:
    shares = rng.dirichlet(np.ones(8), sources)
    return np.eye(8)[np.concatenate([rng.choice(8, (120 // sources, 12), p=p) for p in shares])]


def drifting(rng: np.random.Generator, count: int) -> np.ndarray:
    return 0.1 * np.cumsum(rng.normal(size=(count, 1, 2)), axis=0) + rng.normal(size=(count, 16, 2))


@pytest.mark.parametrize(
    ("draw", "calib", "test"),
    [
        (lognormal, 300, 120), (rare, 300, 120), (electrodes, 10, 4), (electrodes, 2, 1), (accelerometers, 1, 1),
        (accelerometers, 5, 2), (letters, 4, 4), (drifting, 300, 120),
    ],
)  # fmt: skip
def test_samples_of_others_are_not_prepared_otherwise(draw: Draw, calib: int, test: int) -> None:
    rng = np.random.default_rng(7)
    assert [titles(draw(rng, calib), draw(rng, test)) for _ in range(6)] == [[]] * 6


def test_bytes_are_seen_whatever_the_tails_and_subjects() -> None:
    rng = np.random.default_rng(8)
    for draw, count in ((lognormal, 200), (electrodes, 4), (rare, 200)):
        (title,) = titles(draw(rng, count) * 255, draw(rng, count))
        assert "scaled differently" in title


def test_a_unit_is_seen_among_channels_that_fit() -> None:
    rng = np.random.default_rng(9)
    turning, still = rng.normal(size=(200, 16, 6)), rng.normal(size=(120, 16, 6))
    assert titles(turning * [1, 1, 1, 1, 1, 9.8], still) == [
        "The calibration samples' values of channel 5 are scaled differently from the test samples' values"
    ]
    assert not titles(turning * np.exp(rng.normal(size=6)), still)


def test_groups_of_the_test_samples_count_together() -> None:
    """Shuffled, their halves are alike; by group, they differ as much as the split does from them."""
    rng = np.random.default_rng(10)
    first, second = (rng.normal(mean, 1.0, (100, 16, 2)) for mean in ([0.0, 3.0], [3.0, 0.0]))
    test = np.concatenate([first, second, second])
    shuffled = rng.permutation(300)
    groups = np.repeat([0, 1, 1], 100)[shuffled]
    calib = np.concatenate([first, first, second])[rng.permutation(300)]
    assert "channels in another order" in titles(calib, test[shuffled])[0]
    assert not titles(calib, test[shuffled], group_test=groups)
