"""Bootstrap of the difference of two arms: of these models on other samples, or of methods over seeds and samples.

    found = artifact_difference(float_right, int8_right, groups=patient)
    found = method_difference(ptq_right, qat_right, seeding=Seeding.PAIRED)
    if isinstance(found, Difference): found.interval(0.95), found.p_value(), found.equivalence_p(0.01)

For plain right and wrong answers of two models without groups, `proportions` and `equivalence` are exact or nearly so
and need no draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError
from edgeq.statistics.crossed import DRAWS, Drawn, Seeding, cross, too_few_groups, too_few_seeds
from edgeq.statistics.difference import Difference, TooFewGroups, TooFewSeeds
from edgeq.statistics.units import draw_repeated, draw_weights, make_units

_MOST_UNITS = 4_000
"""Units that are drawn one by one; a variance with this many degrees of freedom is as good as known."""


class Measure(Enum):
    """What is compared. MEAN is of scores (right answers, 0 or 1), better when larger; the others of errors."""

    MEAN = "mean"
    MAE = "mean absolute error"
    RMSE = "root mean squared error"

    @property
    def larger_is_better(self) -> bool:
        """Whether a positive difference is an improvement."""
        return self is Measure.MEAN


def artifact_difference(
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    *,
    measure: Measure = Measure.MEAN,
    groups: NDArray[np.generic] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Difference | TooFewGroups:
    """Two models on one test set: would other samples, or other groups, say the same?

    With `groups`, whole groups are drawn: samples of one recording, patient or device resemble each other, and
    McNemar's test would take them for independent.

    Args:
        first: (n,) scores; or predicted − true, (n,) or (n, outputs), for MAE and RMSE.
        second: of the same shape, on the same samples.
        measure: what is compared.
        groups: (n,) of any type that sorts, or None.
        draws: number of draws.
        seed: the same seed gives the same result.

    Raises:
        DataError: shapes that do not fit, values that are not finite, no samples.
    """
    return _difference(first[None], second[None], None, measure, groups, draws, seed)


def method_difference(
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    *,
    seeding: Seeding,
    measure: Measure = Measure.MEAN,
    groups: NDArray[np.generic] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Difference | TooFewSeeds | TooFewGroups:
    """Two methods, each with several seeds, on one test set: would it happen again with other seeds and samples?

    The measure is taken for each seed and averaged over seeds. What few seeds cannot give: where they spread as widely
    as there is room to 100 % (97 ± 2 %), their distribution is skewed, and an interval from five values covers about
    91 % for 95 %, whatever the method. Look at the seeds' values, and train more.

    Args:
        first: (seeds, n) scores; or predicted − true, (seeds, n) or (seeds, n, outputs). (1, n) if first is fixed.
        second: (seeds, n) likewise. Columns of both are the same samples.
        seeding: how the seeds of the arms belong together.
        measure: what is compared.
        groups: (n,) of any type that sorts, or None.
        draws: number of draws.
        seed: the same seed gives the same result.

    Returns:
        The difference; TooFewSeeds below five seeds in an arm that counts as random; TooFewGroups below five groups.

    Raises:
        DataError: shapes that do not fit, values that are not finite, no samples.
    """
    if few := too_few_seeds(len(first), len(second), seeding):
        return few
    return _difference(first, second, seeding, measure, groups, draws, seed)


def _difference(
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    seeding: Seeding | None,
    measure: Measure,
    groups: NDArray[np.generic] | None,
    draws: int,
    seed: int,
) -> Difference | TooFewGroups:
    one, two = _per_sample(first, measure), _per_sample(second, measure)
    if one.shape[1] != two.shape[1] or (seeding is Seeding.PAIRED and len(one) != len(two)):
        raise DataError(
            f"Paired comparison: the arms are (seeds, samples) {one.shape} and {two.shape}.",
            hint="Measure both arms on the same samples, with the same seeds if they are paired.",
        )
    if seeding is Seeding.FIRST_FIXED and len(one) != 1:
        raise DataError(f"A fixed arm is one model; {len(one)} were given.")
    units = make_units(one.shape[1], groups)
    if few := too_few_groups(units):
        return few
    root, rng = measure is Measure.RMSE, np.random.default_rng(seed)
    items = _Items(first=units.sums(one), second=units.sums(two), sizes=units.sizes)
    observed = items.values(np.ones((1, units.count)), root=root)
    if measure is Measure.MEAN and _right_or_wrong(one) and _right_or_wrong(two):
        items = items.with_pseudo_units()
    parts = [part.values(weights, root=root) for part, weights in items.drawn(draws, rng)]
    return cross(
        Drawn(observed=observed[0][0], draws=np.concatenate([one for one, _ in parts])),
        Drawn(observed=observed[1][0], draws=np.concatenate([two for _, two in parts])),
        seeding=seeding,
        units=units.count,
        larger_is_better=measure.larger_is_better,
        rng=rng,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Items:
    """Sums over each unit's samples: `first` (S1, units), `second` (S2, units), and `sizes` (units,)."""

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    sizes: NDArray[np.float64]

    def values(self, weights: NDArray[np.float64], *, root: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The arms' measures under weights (draws, units): (draws, S1) and (draws, S2)."""
        total = (weights @ self.sizes)[:, None]
        first, second = weights @ self.first.T / total, weights @ self.second.T / total
        return (np.sqrt(first), np.sqrt(second)) if root else (first, second)

    def with_pseudo_units(self) -> _Items:
        """Two more units, one in favour of each arm.

        With few or no discordant samples a plain bootstrap is too sure, in the end certain. Bonett and Price (Journal
        of Educational and Behavioral Statistics 37(4), 2012, equation 4) add one discordant sample to either side;
        here it is one unit of average size, as lopsided as the most lopsided that was seen, and at least one answer
        of one seed.
        """
        net = self.second.mean(axis=0) - self.first.mean(axis=0)
        worst = max(float(np.abs(net).max()), 1.0 / max(len(self.first), len(self.second)))
        pseudo = np.array([worst, 0.0])
        return _Items(
            first=np.column_stack([self.first, np.tile(pseudo, (len(self.first), 1))]),
            second=np.column_stack([self.second, np.tile(pseudo[::-1], (len(self.second), 1))]),
            sizes=np.append(self.sizes, [self.sizes.mean()] * 2),
        )

    def in_blocks(self, rng: np.random.Generator) -> _Items:
        """At most `_MOST_UNITS` units: beyond, random blocks of them, whose bootstrap has the same variance."""
        if len(self.sizes) <= _MOST_UNITS:
            return self
        block = rng.permutation(len(self.sizes)) % _MOST_UNITS

        def add(rows: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.stack([np.bincount(block, weights=row, minlength=_MOST_UNITS) for row in rows])

        return _Items(first=add(self.first), second=add(self.second), sizes=add(self.sizes[None])[0])

    def drawn(self, draws: int, rng: np.random.Generator) -> Iterator[tuple[_Items, NDArray[np.float64]]]:
        """Items and weights (rows, items) until `draws` rows are drawn. Equal units are drawn together, if many are."""
        columns = np.vstack([self.first, self.second, self.sizes])
        unique, repeats = np.unique(columns, axis=1, return_counts=True)
        if unique.shape[1] * 4 > columns.shape[1]:
            blocks = self.in_blocks(rng)
            yield from ((blocks, weights) for weights in draw_weights(len(blocks.sizes), draws, rng))
            return
        split = len(self.first)
        merged = _Items(first=unique[:split], second=unique[split:-1], sizes=unique[-1])
        yield from ((merged, weights) for weights in draw_repeated(repeats, draws, rng))


def _per_sample(values: NDArray[np.generic], measure: Measure) -> NDArray[np.float64]:
    """(seeds, n) to be averaged: scores, absolute errors, or squared errors; over outputs, if there are several."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim < 2 or not np.isfinite(numbers).all():
        raise DataError(
            f"Comparison by {measure.value}: expected finite numbers of shape (seeds, samples, …), found "
            f"{values.dtype} {values.shape}{'' if np.isfinite(numbers).all() else ' with NaN or infinity'}."
        )
    if measure is Measure.MAE:
        numbers = np.abs(numbers)
    elif measure is Measure.RMSE:
        numbers = numbers**2
    return np.asarray(numbers.mean(axis=tuple(range(2, numbers.ndim))), dtype=np.float64)


def _right_or_wrong(scores: NDArray[np.float64]) -> bool:
    return bool(((scores == 0.0) | (scores == 1.0)).all())
