"""Every pair of those that computed the same outputs: in how many values they differ, and how many answers flip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError
from edgeq.model.graph import Tensor
from edgeq.records import PairDrift
from edgeq.validation.drift import lsb_difference

Outputs = tuple[NDArray[np.generic], ...]


def measure_pairs(columns: Mapping[str, Outputs], tensors: Sequence[Tensor]) -> tuple[PairDrift, ...]:
    """Compare everyone with everyone behind them.

    Args:
        columns: by name, one array per model output, shape (n, *output shape), in the tensor's own dtype.
        tensors: the model's outputs, as in `edgeq.validation.drift.measure_drift`.

    Returns:
        One record per pair. A flip is another index of the largest value along the last axis, ties to the lowest; there
        are none to count where no output has two values there.

    Raises:
        DataError: two columns have other shapes.
    """
    return tuple(_pair(a, b, columns[a], columns[b], tensors) for a, b in combinations(columns, 2))


def _pair(first: str, second: str, one: Outputs, two: Outputs, tensors: Sequence[Tensor]) -> PairDrift:
    wrong = np.zeros(len(one[0]), bool)
    mismatches = worst = total = decided = flips = 0
    for a, b, tensor in zip(one, two, tensors, strict=True):
        if a.shape != b.shape:
            raise DataError(f"Output {tensor.name}: {first} gave {a.shape}, {second} {b.shape}.")
        steps = np.abs(lsb_difference(a, b, tensor))
        total += steps.size
        mismatches += int(np.count_nonzero(steps))
        if steps.size:
            worst = max(worst, int(steps.max()))
            wrong |= steps.reshape(len(steps), -1).any(axis=1)
        if a.ndim > 1 and a.shape[-1] > 1 and a.size:
            flipped = np.argmax(a, axis=-1) != np.argmax(b, axis=-1)
            decided += flipped.size
            flips += int(np.count_nonzero(flipped))
    return PairDrift(
        first=first,
        second=second,
        samples=len(wrong),
        outputs=total,
        mismatches=mismatches,
        mismatched_samples=int(np.count_nonzero(wrong)),
        max_lsb=worst,
        argmax_flips=flips if decided else None,
    )
