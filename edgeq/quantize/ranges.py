"""Which range of values an activation's 256 integers cover: the whole of it, or less with finer steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgeq.quantize.twin import Range, Twin, activations, float_values
from edgeq.records import RangeEstimator

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERCENTILE = 99.99
"""The share of values, in per cent, that `RangeEstimator.PERCENTILE` keeps; half of the rest is cut off at each end."""

_BINS = 8192  # 32 per step of the whole range: a range of a fortieth of it is still seen in 200 bins
_SHRINK = 2.0 ** (-np.arange(49) / 8)  # the fractions of an end that are tried: 1 down to 1/64


def estimate_ranges(
    twin: Twin, samples: Sequence[NDArray[np.generic]], estimator: RangeEstimator
) -> Mapping[int, Range]:
    """A range for every activation, by tensor index in the twin's graph; empty for MINMAX, which the twin has already.

    PERCENTILE cuts off the most extreme values, `PERCENTILE` of them stay. MSE takes the range whose 256 values have
    the smallest mean squared error, rounding and clipping together (Nagel et al., A White Paper on Neural Network
    Quantization, arXiv:2106.08295, section 3.1, equation 2.8; the same for both by histogram, as TensorRT does).

    Args:
        twin: the float .tflite.
        samples: one array per input, shape (n, *input shape); the samples that the twin was calibrated with.
        estimator: which.

    Raises:
        InterpreterError: LiteRT is missing, or refused the twin.
    """
    if estimator is RangeEstimator.MINMAX:
        return {}
    wanted = [i for i in activations(twin.graph) if i in twin.ranges and twin.ranges[i][0] < twin.ranges[i][1]]
    counts = {i: np.zeros(_BINS, np.int64) for i in wanted}
    for _, values in float_values(twin, samples, wanted):
        for i, array in zip(wanted, values, strict=True):
            low, high = twin.ranges[i]
            counts[i] += np.histogram(np.clip(array, low, high), bins=_BINS, range=(low, high))[0]
    choose = percentile_range if estimator is RangeEstimator.PERCENTILE else mse_range
    return {i: choose(counts[i], twin.ranges[i]) for i in wanted}


def percentile_range(counts: NDArray[np.int64], whole: Range, percentile: float = PERCENTILE) -> Range:
    """The smallest range of whole bins that leaves out at most (100 − `percentile`)/2 % of the values at each end.

    Args:
        counts: how many values each bin has; bins of equal width.
        whole: where the first bin begins and the last one ends.
        percentile: 0 to 100.
    """
    allowed = counts.sum() * (100.0 - percentile) / 200.0
    first = int(np.searchsorted(np.cumsum(counts), allowed, side="right"))
    last = len(counts) - int(np.searchsorted(np.cumsum(counts[::-1]), allowed, side="right"))
    edges = np.linspace(*whole, len(counts) + 1)
    return (float(edges[first]), float(edges[last])) if first < last else whole


def mse_range(counts: NDArray[np.int64], whole: Range) -> Range:
    """The range with the smallest mean squared error of 256 evenly spaced values; arguments as `percentile_range`.

    Both ends are drawn in together first, then each alone, over fractions of 1 down to 1/64.
    """
    edges = np.linspace(*whole, len(counts) + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    occupied = counts > 0
    middles, weights = middles[occupied], counts[occupied]

    def error(low: float, high: float) -> float:
        low, high = min(low, 0.0), max(high, 0.0)  # 0 must have an integer of its own
        step = (high - low) / 255
        if step <= 0.0:
            return float("inf")
        nearest = np.clip(np.round((middles - low) / step), 0, 255) * step + low
        return float(weights @ (middles - nearest) ** 2)

    low, high = min(((whole[0] * f, whole[1] * f) for f in _SHRINK), key=lambda ends: error(*ends))
    low = min((whole[0] * f for f in _SHRINK), key=lambda end: error(end, high))
    high = min((whole[1] * f for f in _SHRINK), key=lambda end: error(low, end))
    return float(low), float(high)
