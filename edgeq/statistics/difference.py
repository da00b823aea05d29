"""What a bootstrap found about the difference of two arms: estimate, interval, p-values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_SEEDS = 5
"""Fewer trained models say too little about the spread between seeds for a claim about a method."""

MIN_GROUPS = 5
"""Fewer recordings, patients or devices say too little about the spread between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TooFewSeeds:
    """No claim about the method: an arm was trained with `found` seeds, and it takes `needed`."""

    found: int
    needed: int = MIN_SEEDS

    @property
    def reason(self) -> str:
        """A sentence for the report."""
        seeds = "1 seed says" if self.found == 1 else f"{self.found} seeds say"
        return f"{seeds} too little about the method: it takes at least {self.needed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TooFewGroups:
    """No claim beyond these samples: they come from `found` groups, and it takes `needed`."""

    found: int
    needed: int = MIN_GROUPS

    @property
    def reason(self) -> str:
        """A sentence for the report."""
        return f"{self.found} groups say too little about other groups: it takes at least {self.needed}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Difference:
    """A difference second − first with its bootstrap distribution.

    `distribution` is (draws,) float64, sorted: the bootstrap's draws, centred on the estimate, scaled to
    `standard_error` and expanded for the degrees of freedom behind it (see `crossed.cross`).
    Its quantiles are the interval's ends at any confidence; the p-values invert the same interval, so that interval
    and test never disagree. p-values are not below 1 / (draws + 1) on a side.

    `seed_share` is the share of the squared standard error that comes from the spread between seeds: near 1, more seeds
    would help; near 0, more samples.

    `units` is what was resampled: samples, or groups. `seeds` is the smaller number of seeds of an arm that counts as
    random, None if no arm does (the question is then about these models).
    """

    estimate: float
    standard_error: float
    seed_share: float
    distribution: NDArray[np.float64]
    units: int
    seeds: int | None
    larger_is_better: bool

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided interval; it always holds the estimate."""
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence {confidence}: expected a number between 0 and 1, such as 0.95")
        low, high = np.quantile(self.distribution, [(1 - confidence) / 2, (1 + confidence) / 2], method="weibull")
        return (min(float(low), self.estimate), max(float(high), self.estimate))

    def p_value(self, null: float = 0.0) -> float:
        """Two-sided p-value of "the difference is `null`"."""
        return min(1.0, 2.0 * min(self.p_above(null), self.p_below(null)))

    def p_above(self, null: float) -> float:
        """One-sided: how well "the difference is `null` or less" fits; small speaks for more."""
        return float(1 + np.searchsorted(self.distribution, null, side="right")) / (1 + len(self.distribution))

    def p_below(self, null: float) -> float:
        """One-sided: how well "the difference is `null` or more" fits; small speaks for less."""
        smaller = np.searchsorted(self.distribution, null, side="left")
        return float(1 + len(self.distribution) - smaller) / (1 + len(self.distribution))

    def equivalence_p(self, margin: float) -> float:
        """p-value for "the difference is smaller than `margin`" (in the measure's own unit): two one-sided tests.

        At most `level` exactly if the interval with confidence 1 − 2·level lies inside ±margin.
        """
        if not margin > 0.0:
            raise ValueError(f"margin {margin}: expected a number above 0")
        return max(self.p_above(-margin), self.p_below(margin))
