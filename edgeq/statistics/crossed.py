"""From draws over samples to a difference: seeds are crossed in, few seeds and few groups are allowed for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from edgeq.statistics.difference import MIN_GROUPS, MIN_SEEDS, Difference, TooFewGroups, TooFewSeeds
from edgeq.statistics.units import Units

DRAWS = 10_000
"""Draws of a bootstrap: the quantiles' Monte Carlo error is then small beside their own width."""


class Seeding(Enum):
    """How the seeds of two arms belong together."""

    PAIRED = "paired"
    """Seed k of both arms shares start, batches and order: the difference is taken within seeds."""
    INDEPENDENT = "independent"
    """The arms were trained on their own; they may have different numbers of seeds."""
    FIRST_FIXED = "first fixed"
    """First is one given model (the user's float model): the claim is about what is done to this one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """One arm: `observed` (seeds,) and `draws` (draws, seeds), its measure for each seed on redrawn samples.

    All arms of a comparison are measured on the same draws of samples.
    """

    observed: NDArray[np.float64]
    draws: NDArray[np.float64]


def too_few_seeds(first_seeds: int, second_seeds: int, seeding: Seeding) -> TooFewSeeds | None:
    """What forbids a claim about a method, if anything: too few seeds of an arm that counts as random."""
    found = second_seeds if seeding is Seeding.FIRST_FIXED else min(first_seeds, second_seeds)
    return TooFewSeeds(found=found) if found < MIN_SEEDS else None


def too_few_groups(units: Units) -> TooFewGroups | None:
    """What forbids a claim beyond these samples, if anything: too few groups."""
    return TooFewGroups(found=units.count) if units.grouped and units.count < MIN_GROUPS else None


def cross(
    first: Drawn,
    second: Drawn,
    *,
    seeding: Seeding | None,
    units: int,
    larger_is_better: bool,
    rng: np.random.Generator,
) -> Difference:
    """Draw seeds independently of samples, and give the draws the right spread.

    The bootstrap crossed over both factors (Owen, Annals of Applied Statistics 1, 2007, section 3) gives the
    distribution's shape. Its spread is wrong where a factor has few levels: a resampled variance is (S − 1)/S of the
    unbiased one, the normal quantile stands where t belongs, and what seeds and samples share is counted more than
    once. The variance is therefore taken apart by the two-way layout, without bias:

    - V_seeds of each arm (of the difference, if seeds are paired): the variance between the seeds' values over their
      number, with S − 1 degrees of freedom. It contains the part V_both by which single samples respond differently
      to different seeds.
    - V_samples: the variance over draws of samples with the seeds kept, less V_both = (mean over seeds of the
      variance over draws − variance of the seeds' mean) / (S − 1); with units − 1 degrees of freedom.

    The draws' distance from the estimate at quantile a is then stretched to √(Σ t²(a; df) · V) instead of z(a) times
    their own spread. That is Banerjee's interval (Sankhyā 22, 1960): for independent normal parts it covers at least
    as often as it says, whatever their true sizes. Satterthwaite's degrees of freedom do not: with five seeds they
    covered 92.4 % for 95 % where V_seeds is often underestimated and then outvoted by V_samples. For a single part it
    is the t expansion of the percentile interval (Hesterberg, The American Statistician 69, 2015, section 4.3).

    Percentiles of the result are the interval. BCa is no alternative: its acceleration is a jackknife over one factor,
    and with five seeds a jackknife over seeds is noise.

    Args:
        first: (S1,) and (draws, S1).
        second: (S2,) and (draws, S2); S2 = S1 if the seeds are paired.
        seeding: None if no arm counts as random: the models are what they are.
        units: samples or groups that were drawn.
        larger_is_better: passed on.
        rng: for the draws of seeds.
    """
    arms, fixed = _random_and_fixed(first, second, seeding)
    estimate = float(second.observed.mean() - first.observed.mean())
    over_samples = fixed + sum(arm.draws.mean(axis=1) for arm in arms)
    crossed = fixed + sum(_draw_seeds(arm.draws, rng) for arm in arms)
    shared = sum(_shared_variance(arm.draws) for arm in arms)
    over = float(np.var(over_samples)) * units / max(1, units - 1)
    parts = [_Part(variance=max(0.0, over - shared), df=units - 1)]
    parts += [_Part(variance=float(np.var(a.observed, ddof=1)) / len(a.observed), df=len(a.observed) - 1) for a in arms]
    variance = sum(part.variance for part in parts)
    return Difference(
        estimate=estimate,
        standard_error=variance**0.5,
        seed_share=1.0 - parts[0].variance / variance if variance > 0.0 else 0.0,
        distribution=_stretched(crossed, estimate, parts),
        units=units,
        seeds=min((len(arm.observed) for arm in arms), default=None),
        larger_is_better=larger_is_better,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One source of a difference's variance, and how well it is known."""

    variance: float
    df: int


def _random_and_fixed(first: Drawn, second: Drawn, seeding: Seeding | None) -> tuple[list[Drawn], NDArray[np.float64]]:
    """What is to be drawn over seeds (one row of values per seed, to be added up), and the rest of the difference."""
    nothing = np.zeros(len(second.draws))
    if seeding is Seeding.PAIRED:
        return [Drawn(observed=second.observed - first.observed, draws=second.draws - first.draws)], nothing
    if seeding is Seeding.INDEPENDENT:
        return [Drawn(observed=-first.observed, draws=-first.draws), second], nothing
    if seeding is Seeding.FIRST_FIXED:
        return [second], -first.draws.mean(axis=1)
    return [], second.draws.mean(axis=1) - first.draws.mean(axis=1)


def _draw_seeds(draws: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    seeds = rng.integers(0, draws.shape[1], draws.shape)
    return np.asarray(np.take_along_axis(draws, seeds, axis=1).mean(axis=1), dtype=np.float64)


def _shared_variance(draws: NDArray[np.float64]) -> float:
    seeds = int(draws.shape[1])
    excess = float(np.var(draws, axis=0).mean()) - float(np.var(draws.mean(axis=1)))
    return max(0.0, excess / (seeds - 1))


def _stretched(draws: NDArray[np.float64], centre: float, parts: list[_Part]) -> NDArray[np.float64]:
    from scipy.special import ndtri, stdtrit

    ordered = np.sort(draws - draws.mean())
    found = float(ordered.std())
    if found <= 1e-15 * max(1.0, abs(centre)):
        return np.full(len(draws), centre)
    # By symmetry the lower half's quantiles serve both; the middle, where both are 0, is moved aside.
    at = (np.arange(len(draws)) + 0.5) / len(draws)
    at = np.minimum(np.minimum(at, 1.0 - at), 0.5 - 1e-9)
    wanted = np.sqrt(sum(part.variance * stdtrit(max(1, part.df), at) ** 2 for part in parts))
    return np.sort(centre + ordered * wanted / (-ndtri(at) * found))
