"""The 256 steps of an int8 activation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEVELS = 255
"""Steps from the smallest int8 value to the largest."""

SMALLEST_WIDTH = 1e-5
"""Of a range: a tensor that is always 0 has a scale all the same, and one that the interpreters accept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """real = scale · (q − zero_point), q from −128 to 127."""

    scale: float
    zero_point: int

    @property
    def low(self) -> float:
        """The real value of −128."""
        return self.scale * (-128 - self.zero_point)

    @property
    def high(self) -> float:
        """The real value of 127."""
        return self.scale * (127 - self.zero_point)


def grid_of(low: float, high: float) -> Grid:
    """The steps of a range, moved by less than one so that 0 is on a step.

    As `Nudge` of TensorFlow's fake_quant_ops_functor.h, in float32.

    Args:
        low: at most 0.
        high: at least 0.
    """
    bottom = np.float32(low)
    top = np.float32(max(high, low + SMALLEST_WIDTH))
    scale = (top - bottom) / np.float32(LEVELS)
    exact = np.float32(0.0) - bottom / scale
    unsigned = 0 if exact < 0.0 else LEVELS if exact > LEVELS else int(np.floor(exact + np.float32(0.5)))
    return Grid(scale=float(scale), zero_point=unsigned - 128)
