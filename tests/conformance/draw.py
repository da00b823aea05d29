"""Random values for random models: extremes come often."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The share of cases whose scales have short fractions as ratios.
TIES = 0.25


class Rng(np.random.Generator):
    """A seeded generator. In a quarter of all cases (`ties`), `near` draws scales that make rounding ties."""

    def __init__(self, *seeds: int) -> None:
        """The same seeds give the same case."""
        super().__init__(np.random.PCG64(list(seeds)))
        self.ties = bool(self.random() < TIES)


ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1")


def pick(rng: Rng, *values: Any) -> Any:
    """One of the values."""
    return values[int(rng.integers(len(values)))]


def chance(rng: Rng, p: float) -> bool:
    """True with probability p."""
    return bool(rng.random() < p)


def small(rng: Rng, low: int, high: int) -> int:
    """An integer in [low, high]."""
    return int(rng.integers(low, high + 1))


def scale_of(rng: Rng, low: float = -9.0, high: float = 1.0) -> float:
    """A float32 scale 2^e, e in [low, high]; exact powers of two often."""
    exponent = rng.uniform(low, high)
    return float(np.float32(2.0 ** (round(exponent) if chance(rng, 0.15) else exponent)))


def near(rng: Rng, scale: float, unit: float) -> float:
    """A float32 scale; where the case has ties, the ratio to `unit` is a short fraction, within √2 of `scale`.

    Many products then lie on a tie or just beside one, where the last bit of a multiplier shows; random ratios hardly
    ever get there.
    """
    if rng.ties:
        odd = int(rng.integers(12)) * 2 + 1
        unit *= pick(rng, odd, 1 / odd)
        scale = unit * 2.0 ** round(math.log2(scale / unit))
    return float(np.float32(scale))


def zero_of(rng: Rng) -> int:
    """A zero point, extreme ones often."""
    return int(pick(rng, -128, 127, 0, -1, small(rng, -128, 127), small(rng, -128, 127)))


def samples(rng: Rng, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """All −128, all 127, uniform values, and extremes mixed at random."""
    size = (1, *shape)
    return np.concatenate(
        [
            np.full(size, -128, np.int8),
            np.full(size, 127, np.int8),
            rng.integers(-128, 128, size).astype(np.int8),
            rng.integers(-128, 128, size).astype(np.int8),
            rng.choice(np.array([-128, 127, 0, -1], np.int8), size),
        ]
    )


def broadcast_shapes(rng: Rng) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Two shapes, often the same, and what they broadcast to."""
    target = tuple(small(rng, 1, 4) for _ in range(small(rng, 1, 6)))
    if chance(rng, 0.4):
        return target, target, target
    shapes = []
    for _ in range(2):
        shape = [1 if chance(rng, 0.35) else n for n in target]
        while len(shape) > 1 and shape[0] == 1 and chance(rng, 0.5):
            shape.pop(0)
        shapes.append(tuple(shape))
    return shapes[0], shapes[1], tuple(np.broadcast_shapes(*shapes))
