"""Are the channels of one split those of another in another order (RGB read as BGR, columns of a table exchanged)?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLES = 500
_VALUES = 2_000_000
_MOST_CHANNELS = 256
_LEVELS = np.linspace(0.1, 0.9, 9)
_DIFFERS = 36.0
"""Mean squared difference of a channel's statistics, in squared standard errors, from which it is another channel:
six standard errors."""

_FITS, _BEYOND = 3.0, 5.0
"""The same of the channel that it is taken for, by sampling alone (1 on average). No part of the other difference is
allowed for: between subjects or devices that is large, and some order always fits much better than they do as they are.
And the first must be so many times what halves of a split differ by.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOrder:
    """Channel i of a split is channel `order[i]` of the test samples. `moved` are the i for which that is another one;
    `before` and `after` are mean squared differences of their statistics from the test samples' in squared standard
    errors: as they are, and in that order."""

    order: tuple[int, ...]
    moved: tuple[int, ...]
    before: float
    after: float


def channel_order(x: NDArray[np.generic], test: NDArray[np.generic]) -> ChannelOrder | None:
    """The order of a split's channels, if it is another than the test samples'.

    Each channel is described by its mean and by shares of its values below nine levels, as they are and less the mean
    over the sample's channels. Another order counts if every channel fits the test samples' in it as sampling lets
    expect, and those that it moves do not fit as they are, by five times what halves of a split differ by: samples of
    other classes or subjects fit in no order.

    Args:
        x: one input in a split, shape (n, …, channels).
        test: the same in the test samples.

    Returns:
        None where the order is the same, or nothing shows which it is (channels that look alike, few samples).
    """
    channels = x.shape[-1]
    if x.ndim < 2 or test.shape[-1] != channels or not 2 <= channels <= _MOST_CHANNELS or min(len(x), len(test)) < 10:
        return None
    from scipy.optimize import linear_sum_assignment

    splits = _some(x), _some(test)
    apart = _apart(*splits)
    rows, order = linear_sum_assignment(apart)
    moved = np.flatnonzero((order != rows) & (np.diag(apart) >= _DIFFERS))
    if len(moved) < 2:
        return None
    fit, own = apart[rows, order], np.diag(apart)
    before, after = float(own[moved].mean()), float(fit[moved].mean())
    if max(float(fit.mean()), after) > _FITS or before < _BEYOND * max(_within(values, moved) for values in splits):
        return None
    return ChannelOrder(order=tuple(map(int, order)), moved=tuple(map(int, moved)), before=before, after=after)


def _within(x: NDArray[np.float64], moved: NDArray[np.intp]) -> float:
    """How far two quarters of a split's samples are from the other two, at most, in these channels: as
    `ChannelOrder.before`. Samples of a subject, a source or a day are often neighbours."""
    quarters = np.array_split(x, 4)
    halves = (
        [np.concatenate([quarters[i] for i in half]) for half in (one, other)]
        for one, other in (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2)))
    )
    return max(float(np.diag(_apart(*half))[moved].mean()) for half in halves)


def _apart(x: NDArray[np.float64], test: NDArray[np.float64]) -> NDArray[np.float64]:
    """(channels, channels) mean squared difference, in squared standard errors, of each channel's statistics in `x`
    from each channel's in `test`; both are (n, values, channels)."""
    levels = np.quantile(test, _LEVELS)
    unit = float(test.std()) or 1.0
    (a, a_error), (b, b_error) = (_statistics(values / unit, levels / unit) for values in (x, test))
    errors = a_error[:, None] + b_error[None]
    squares = (a[:, None] - b[None]) ** 2
    return np.asarray((squares / np.maximum(errors, 1e-30)).mean(axis=2), np.float64)


def _statistics(x: NDArray[np.float64], levels: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means over samples, and their squared standard errors: (channels, statistics) each."""
    own = np.stack([x.mean(axis=1), *((x <= level).mean(axis=1) for level in levels)], axis=-1)
    # Beside the sample's other channels, too: a bright picture is bright in each.
    per_sample = np.concatenate([own, own - own.mean(axis=1, keepdims=True)], axis=-1)
    least = 0.25 / len(x) ** 2  # of a share that no sample disagrees about: half a sample
    return per_sample.mean(axis=0), per_sample.var(axis=0, ddof=1) / len(x) + least


def _some(x: NDArray[np.generic]) -> NDArray[np.float64]:
    """(n, values, channels): at most `_SAMPLES` samples and about `_VALUES` values, both spread evenly."""
    rows = np.linspace(0, len(x) - 1, min(len(x), _SAMPLES)).astype(np.int64)
    flat = x[rows].reshape(len(rows), -1, x.shape[-1])
    step = max(1, flat.size // _VALUES)
    return flat[:, ::step].astype(np.float64)
