"""Chooses the samples that calibrate the activation ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import DataError
from edgeq.records import Dataset, Split

if TYPE_CHECKING:
    from numpy.typing import NDArray


def calibration_source(dataset: Dataset) -> tuple[str, Split]:
    """The split that calibration draws from, and its name: x_calib, else the training samples, else validation.

    Raises:
        DataError: there is none of these. Test samples are never used: accuracy on samples that chose the ranges
            would flatter the model.
    """
    for name, split in (
        ("calibration", dataset.calibration),
        ("training", dataset.train),
        ("validation", dataset.validation),
    ):
        if split is not None and len(split) > 0:
            return name, split
    raise DataError(
        f"{dataset.source} has test samples only, and quantization needs others to find the range of each activation.",
        hint="Add x_train, or x_calib with a few hundred typical samples.",
    )


def calibration_samples(dataset: Dataset, count: int, seed: int) -> tuple[NDArray[np.float32], ...]:
    """At most `count` samples drawn without replacement by `seed`, in their order in the data set.

    Returns:
        One float32 array per model input, shape (n, *input shape).

    Raises:
        DataError: no split to draw from, or `count` is not positive.
    """
    if count < 1:
        raise DataError(
            f"{count} calibration samples were asked for.", hint="Ask for at least 1; 100 to 500 are usual."
        )
    _, split = calibration_source(dataset)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(split))[:count])
    return tuple(np.ascontiguousarray(x[chosen], dtype=np.float32) for x in split.x)
