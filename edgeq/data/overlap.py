"""Do the splits of a data set fit together? Test samples that are in other splits, and splits of another scale."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgeq.data.channels import ChannelOrder, channel_order
from edgeq.data.check import named_splits
from edgeq.data.moments import moments_of_all
from edgeq.data.near import Neighbours, units_of
from edgeq.data.rescaling import Rescaling, explain
from edgeq.data.spread import Spread, disagreement, spread_of
from edgeq.records import Dataset, Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OWN_SAMPLES = 2000
_MOST_CHANNELS = 32  # of which each is looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Test samples that are in another split too.

    `split` is "train", "val" or "calib". Of `test` test samples, `shared` are in it with the same bits, and `near` more
    are not, but a sample that is nearly the same is (`edgeq.data.near.NEAR`). `natural` is the share of its own samples
    that it holds more than once, `natural_near` the share that has another one as near (of a split with fewer samples
    than the test set: or that of the test samples, if these were as few, where that is more): data that repeat
    themselves share samples by nature.
    """

    split: str
    test: int
    shared: int
    natural: float
    near: int
    natural_near: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """One model input in another split beside the test samples: mean, standard deviation and range of all values, or
    of those of one `channel` (the last axis).

    `spread` and `test_spread` are what single values cannot move of it, and how it varies within the split.
    `rescaling` is what would turn the split's values into the test samples'; None: no line does. `order` is that of the
    channels, if it is another one. `disagreement` is that of one channel's distributions, in squared standard errors
    (`edgeq.data.spread`).
    """

    split: str
    input: int
    channel: int | None = None
    mean: float
    std: float
    low: float
    high: float
    test_mean: float
    test_std: float
    test_low: float
    test_high: float
    spread: Spread
    test_spread: Spread
    rescaling: Rescaling | None
    order: ChannelOrder | None = None
    disagreement: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChecks:
    """What was found about splits that are there."""

    overlaps: tuple[Overlap, ...]
    scalings: tuple[Scaling, ...]


def check_overlap(dataset: Dataset) -> DataChecks:
    """Compare every split with the test samples. A few seconds for gigabytes; no copies of the arrays are kept."""
    test = _hashes(dataset.test)
    units = units_of(dataset.test.x)
    by_group = _by_group(dataset.test)
    own = _own_near(Neighbours(dataset.test.x, units), dataset.test)
    overlaps, scalings = [], []
    for name, split in named_splits(dataset):
        if split is dataset.test:
            continue
        hashes = _hashes(split)
        found = set(hashes)
        again = len(hashes) - sum(1 for n in _counts(hashes).values() if n == 1)
        shared = np.array([h in found for h in test])
        near, natural_near = _near(dataset.test, split, shared, units)
        if len(split) < len(test):  # then its own share says too little of how these data repeat themselves
            natural_near = max(natural_near, _among(own, len(test), len(split)))
        overlaps.append(
            Overlap(
                split=name, test=len(test), shared=int(shared.sum()), natural=again / len(hashes),
                near=near, natural_near=natural_near,
            )
        )  # fmt: skip
        scalings += [s for i, x in enumerate(split.x) for s in _scalings(name, i, x, by_group[i])]
    return DataChecks(overlaps=tuple(overlaps), scalings=tuple(scalings))


def _near(
    test: Split, split: Split, shared: NDArray[np.bool_], units: tuple[NDArray[np.float32], ...]
) -> tuple[int, float]:
    """Test samples that only have a near one in the split; the share of the split's own samples that have one too."""
    neighbours = Neighbours(split.x, units)
    others = np.flatnonzero(~shared)
    near = int(neighbours.near([x[others] for x in test.x]).sum()) if len(others) else 0
    return near, _own_near(neighbours, split)


def _own_near(neighbours: Neighbours, split: Split) -> float:
    """The share of a split's samples that have another one in it that is near."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(split))[:_OWN_SAMPLES])
    return float(neighbours.near([x[chosen] for x in split.x], own=chosen).mean())


def _by_group(test: Split) -> tuple[NDArray[np.generic], ...]:
    """The test samples with those of a group next to each other."""
    if test.groups is None:
        return test.x
    order = np.argsort(test.groups, kind="stable")
    return tuple(x[order] for x in test.x)


def _among(share: float, count: int, others: int) -> float:
    """The share of samples with a near one among `others` samples, if it is `share` among `count` of them."""
    return float(1.0 - (1.0 - share) ** (others / max(1, count - 1)))


def _hashes(split: Split) -> list[bytes]:
    """One per sample, over all inputs, as float32: the form in which the model sees it."""
    rows = [np.ascontiguousarray(x, np.float32).reshape(len(x), -1) for x in split.x]
    return [hashlib.blake2b(b"".join(r[i].tobytes() for r in rows), digest_size=16).digest() for i in range(len(split))]


def _counts(hashes: list[bytes]) -> dict[bytes, int]:
    counts: dict[bytes, int] = {}
    for value in hashes:
        counts[value] = counts.get(value, 0) + 1
    return counts


def _scalings(name: str, index: int, x: NDArray[np.generic], test: NDArray[np.generic]) -> Iterator[Scaling]:
    """Of all values; then of each channel of images and sequences, if they have several and not many."""
    yield replace(_scaling(name, index, x, test), order=channel_order(x, test))
    if x.ndim > 2 and x.shape[-1] == test.shape[-1] and 2 <= x.shape[-1] <= _MOST_CHANNELS:
        for channel in range(x.shape[-1]):
            values = x[..., channel], test[..., channel]
            yield replace(_scaling(name, index, *values), channel=channel, disagreement=disagreement(*values))


def _scaling(name: str, index: int, x: NDArray[np.generic], test: NDArray[np.generic]) -> Scaling:
    (mean, std), (test_mean, test_std) = moments_of_all(x), moments_of_all(test)
    return Scaling(
        split=name, input=index, mean=mean, std=std, low=float(x.min()), high=float(x.max()), test_mean=test_mean,
        test_std=test_std, test_low=float(test.min()), test_high=float(test.max()), spread=spread_of(x),
        test_spread=spread_of(test), rescaling=explain(x, test),
    )  # fmt: skip
