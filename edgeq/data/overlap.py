"""Do the splits of a data set fit together? Test samples that are in other splits, and splits of another scale."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq.data.check import named_splits
from edgeq.records import Dataset, Split

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Test samples that are in another split too, with the same bits.

    `split` is "train", "val" or "calib". `shared` test samples of `test` are in it. `natural` is the share of its own
    samples that it holds more than once: data that repeat themselves share samples by nature.
    """

    split: str
    test: int
    shared: int
    natural: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """One model input in another split beside the test samples: mean, standard deviation and range of all values."""

    split: str
    input: int
    mean: float
    std: float
    low: float
    high: float
    test_mean: float
    test_std: float
    test_low: float
    test_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChecks:
    """What was found about splits that are there."""

    overlaps: tuple[Overlap, ...]
    scalings: tuple[Scaling, ...]


def check_overlap(dataset: Dataset) -> DataChecks:
    """Compare every split with the test samples. A few seconds for gigabytes; no copies of the arrays are kept."""
    test = _hashes(dataset.test)
    wanted = set(test)
    overlaps, scalings = [], []
    for name, split in named_splits(dataset):
        if split is dataset.test:
            continue
        hashes = _hashes(split)
        found = set(hashes)
        again = len(hashes) - sum(1 for n in _counts(hashes).values() if n == 1)
        overlaps.append(
            Overlap(
                split=name, test=len(test), shared=sum(h in found for h in test) if wanted & found else 0,
                natural=again / len(hashes),
            )
        )  # fmt: skip
        scalings += [_scaling(name, i, x, dataset.test.x[i]) for i, x in enumerate(split.x)]
    return DataChecks(overlaps=tuple(overlaps), scalings=tuple(scalings))


def _hashes(split: Split) -> list[bytes]:
    """One per sample, over all inputs, as float32: the form in which the model sees it."""
    rows = [np.ascontiguousarray(x, np.float32).reshape(len(x), -1) for x in split.x]
    return [hashlib.blake2b(b"".join(r[i].tobytes() for r in rows), digest_size=16).digest() for i in range(len(split))]


def _counts(hashes: list[bytes]) -> dict[bytes, int]:
    counts: dict[bytes, int] = {}
    for value in hashes:
        counts[value] = counts.get(value, 0) + 1
    return counts


def _scaling(name: str, index: int, x: NDArray[np.generic], test: NDArray[np.generic]) -> Scaling:
    return Scaling(
        split=name, input=index, mean=float(x.mean(dtype=np.float64)), std=float(x.std(dtype=np.float64)),
        low=float(x.min()), high=float(x.max()), test_mean=float(test.mean(dtype=np.float64)),
        test_std=float(test.std(dtype=np.float64)), test_low=float(test.min()), test_high=float(test.max()),
    )  # fmt: skip
