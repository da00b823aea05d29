"""If one split's values are another's after some preparation: which one?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_QUANTILES = np.linspace(0.01, 0.99, 50)
_VALUES = 200_000
_FITS = 0.1


class Preparation(Enum):
    """What would make a split's values the test samples'; the value is the end of "they look like these …"."""

    NONE = "as they are"
    BYTES_TO_UNIT = "divided by 255"
    UNIT_TO_BYTES = "times 255"
    BYTES_TO_SIGNED = "divided by 127.5, minus 1"
    SIGNED_TO_BYTES = "plus 1, times 127.5"
    UNIT_TO_SIGNED = "times 2, minus 1"
    SIGNED_TO_UNIT = "plus 1, divided by 2"
    STANDARDIZED = "minus their mean, divided by their standard deviation"
    UNSTANDARDIZED = "times the test samples' standard deviation, plus their mean"
    OTHER = "times a factor, plus an offset"


_KNOWN = {
    Preparation.NONE: (1.0, 0.0),
    Preparation.BYTES_TO_UNIT: (1 / 255, 0.0),
    Preparation.UNIT_TO_BYTES: (255.0, 0.0),
    Preparation.BYTES_TO_SIGNED: (1 / 127.5, -1.0),
    Preparation.SIGNED_TO_BYTES: (127.5, 127.5),
    Preparation.UNIT_TO_SIGNED: (2.0, -1.0),
    Preparation.SIGNED_TO_UNIT: (0.5, 0.5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescaling:
    """test ≈ `scale` · x + `offset`, for the values x of another split.

    Both are those of `preparation`; for OTHER they are fitted. `error` is the root mean square of what is left between
    the quantiles of both, in standard deviations of the test values: sampling leaves 0.1 at most.
    """

    preparation: Preparation
    scale: float
    offset: float
    error: float


def explain(x: NDArray[np.generic], test: NDArray[np.generic]) -> Rescaling | None:
    """The preparation that maps the distribution of one input's values in a split to that of the test samples.

    Quantiles of both are compared (1 to 99 %), on at most 200,000 values each. The first preparation of `Preparation`
    that leaves 0.1 standard deviations or less is taken, the best one if several do; else a line is fitted.

    Args:
        x: the input in a split, shape (n, *input shape).
        test: in the test samples.

    Returns:
        None if no line fits, or one of the two has no spread.
    """
    a, b = (np.quantile(_some(values), _QUANTILES) for values in (x, test))
    spread = float(np.std(_some(test)))
    if spread == 0 or np.ptp(a) == 0:
        return None

    def error(scale: float, offset: float) -> float:
        return float(np.sqrt(np.mean((scale * a + offset - b) ** 2))) / spread

    found = {known: (scale, offset, error(scale, offset)) for known, (scale, offset) in _candidates(x, test).items()}
    best = min(found, key=lambda known: found[known][2])
    if found[best][2] > _FITS:
        best = Preparation.OTHER
        scale, offset = (float(v) for v in np.polyfit(a, b, 1))
        found[best] = (scale, offset, error(scale, offset))
    if found[Preparation.NONE][2] <= _FITS:
        best = Preparation.NONE
    scale, offset, left = found[best]
    return Rescaling(preparation=best, scale=scale, offset=offset, error=left) if left <= _FITS else None


def _candidates(x: NDArray[np.generic], test: NDArray[np.generic]) -> dict[Preparation, tuple[float, float]]:
    candidates = dict(_KNOWN)
    mean, std, test_mean, test_std = (float(f(_some(v))) for v in (x, test) for f in (np.mean, np.std))
    if _is_standard(test_mean, test_std) and std > 0:
        candidates[Preparation.STANDARDIZED] = (1 / std, -mean / std)
    elif _is_standard(mean, std):
        candidates[Preparation.UNSTANDARDIZED] = (test_std, test_mean)
    return candidates


def _is_standard(mean: float, std: float) -> bool:
    return abs(mean) < 0.2 and 0.8 < std < 1.25


def _some(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """All values, or `_VALUES` of them that are spread evenly."""
    flat = values.reshape(-1)
    if flat.size > _VALUES:
        flat = flat[np.linspace(0, flat.size - 1, _VALUES).astype(np.int64)]
    return flat.astype(np.float64)
