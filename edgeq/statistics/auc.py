"""Area under the ROC curve: by mid-ranks, one class against the rest, and the difference of two arms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError
from edgeq.statistics.crossed import Drawn, Seeding, cross, too_few_groups, too_few_seeds
from edgeq.statistics.difference import Difference, TooFewGroups, TooFewSeeds
from edgeq.statistics.units import Units, draw_stratified, draw_weights, make_units

AUC_DRAWS = 2_000
"""Draws of a bootstrap of AUC, each of which ranks all scores again."""


def auc(scores: NDArray[np.generic], labels: NDArray[np.integer]) -> float:
    """AUC of one model.

    The chance that a sample of the class scores higher than one of the rest, equal scores counting half (the
    Mann–Whitney statistic on mid-ranks: Hanley and McNeil, Radiology 143, 1982; Bamber, 1975). With several classes it
    is the plain mean over classes that occur, each against the rest (macro average).

    Args:
        scores: (n,) score of class 1, or (n, classes); integers are ranked as they are.
        labels: (n,) class indices; 0 and 1 for (n,) scores.

    Raises:
        DataError: shapes that do not fit, NaN scores, a label that is no class index, fewer than two classes present.
    """
    runs = _runs(scores[None], labels)
    return float(_values(runs, labels, np.ones((1, len(labels))))[0, 0])


def artifact_auc_difference(
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    labels: NDArray[np.integer],
    *,
    groups: NDArray[np.generic] | None = None,
    draws: int = AUC_DRAWS,
    seed: int = 0,
) -> Difference | TooFewGroups:
    """Difference in AUC of two models on one test set, by paired stratified bootstrap.

    Samples are drawn within their class, so that every draw has all classes in their numbers; with `groups`, whole
    groups are drawn, and draws in which a class is missing are drawn again.

    Args:
        first: (n,) or (n, classes) scores.
        second: of the same shape, on the same samples.
        labels: (n,) class indices.
        groups: (n,) of any type that sorts, or None.
        draws: number of draws.
        seed: the same seed gives the same result.

    Raises:
        DataError: as `auc`; or groups of which hardly any draw has all classes.
    """
    return _difference(first[None], second[None], labels, None, groups, draws, seed)


def method_auc_difference(
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    labels: NDArray[np.integer],
    *,
    seeding: Seeding,
    groups: NDArray[np.generic] | None = None,
    draws: int = AUC_DRAWS,
    seed: int = 0,
) -> Difference | TooFewSeeds | TooFewGroups:
    """The same for two methods, crossed over seeds; arguments and result as `bootstrap.method_difference`.

    Args:
        first: (seeds, n) or (seeds, n, classes) scores; one seed if first is fixed.
        second: likewise.
        labels: (n,) class indices.
        seeding: how the seeds of the arms belong together.
        groups: (n,) of any type that sorts, or None.
        draws: number of draws.
        seed: the same seed gives the same result.

    Raises:
        DataError: as `artifact_auc_difference`.
    """
    if few := too_few_seeds(len(first), len(second), seeding):
        return few
    return _difference(first, second, labels, seeding, groups, draws, seed)


def _difference(
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    labels: NDArray[np.integer],
    seeding: Seeding | None,
    groups: NDArray[np.generic] | None,
    draws: int,
    seed: int,
) -> Difference | TooFewGroups:
    if (seeding is Seeding.PAIRED and len(first) != len(second)) or (
        seeding is Seeding.FIRST_FIXED and len(first) != 1
    ):
        raise DataError(f"AUC: {len(first)} and {len(second)} seeds do not fit seeds that are {seeding.value}.")
    one, two = _runs(first, labels), _runs(second, labels)
    units = make_units(len(labels), groups)
    if few := too_few_groups(units):
        return few
    rng = np.random.default_rng(seed)
    once = np.ones((1, len(labels)))
    parts = [(_values(one, labels, w), _values(two, labels, w)) for w in _weights(units, labels, draws, rng)]
    return cross(
        Drawn(observed=_values(one, labels, once)[0], draws=np.concatenate([a for a, _ in parts])),
        Drawn(observed=_values(two, labels, once)[0], draws=np.concatenate([b for _, b in parts])),
        seeding=seeding,
        units=units.count,
        larger_is_better=True,
        rng=rng,
    )


def _weights(
    units: Units, labels: NDArray[np.integer], draws: int, rng: np.random.Generator
) -> list[NDArray[np.float64]]:
    strata = labels.astype(np.int64)
    if not units.grouped:
        return list(draw_stratified(strata, draws, rng))
    classes = np.unique(strata)
    kept: list[NDArray[np.float64]] = []
    for _ in range(20):
        for drawn in draw_weights(units.count, draws, rng):
            weights = drawn[:, units.of_sample]
            complete = np.all([weights[:, strata == c].any(axis=1) for c in classes], axis=0)
            kept.append(weights[complete])
        if sum(map(len, kept)) >= draws:
            return [np.concatenate(kept)[:draws]]
    raise DataError(
        f"AUC by groups: hardly any draw of {units.count} groups has all {len(classes)} classes.",
        hint="Give more groups, or compare by accuracy.",
    )


def _runs(scores: NDArray[np.generic], labels: NDArray[np.integer]) -> NDArray[np.generic]:
    """Scores as (seeds, n, columns): one column for class 1, or one per class."""
    if scores.ndim not in (2, 3) or scores.shape[1:2] != labels.shape:
        raise DataError(f"AUC: scores of shape {scores.shape[1:]} for labels of shape {labels.shape}.")
    runs = scores[:, :, None] if scores.ndim == 2 else scores
    classes = max(2, runs.shape[2])
    if len(labels) == 0 or labels.min() < 0 or labels.max() >= classes:
        raise DataError(f"AUC: labels must be class indices from 0 to {classes - 1}, for at least one sample.")
    if len(np.unique(labels)) < 2:
        raise DataError("AUC: all samples are of one class.", hint="Give test samples of at least two classes.")
    if np.isnan(runs.astype(np.float64)).any():
        raise DataError("AUC: there are NaN scores.", hint="Check the model's outputs: training may have diverged.")
    return runs


def _values(
    runs: NDArray[np.generic], labels: NDArray[np.integer], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """AUC for each draw's weights (draws, n) and each seed: (draws, seeds)."""
    # Draws in single precision: their counts stay exact, and it is twice as fast.
    by_sample: NDArray[np.float32] | NDArray[np.float64] = np.ascontiguousarray(weights.T)
    if len(weights) > 1:
        by_sample = by_sample.astype(np.float32)
    columns = runs.shape[2]
    classes = [1] if columns == 1 else [int(c) for c in np.unique(labels)]
    out = np.zeros((len(weights), len(runs)))
    for s, run in enumerate(runs):
        for c in classes:
            out[:, s] += _one_against_rest(run[:, 0 if columns == 1 else c], labels == c, by_sample)
    return out / len(classes)


def _one_against_rest(
    scores: NDArray[np.generic], inside: NDArray[np.bool_], weights: NDArray[np.float32] | NDArray[np.float64]
) -> NDArray[np.float64]:
    """(draws,) from (n,) scores and (n, draws) weights: each sample of the class beats the rest below it, and half of
    the rest at its own score."""
    ours, rest = np.flatnonzero(inside), np.flatnonzero(~inside)
    rest = rest[np.argsort(scores[rest], kind="stable")]
    cumulated = np.concatenate([np.zeros_like(weights[:1]), np.cumsum(weights[rest], axis=0)])
    below = np.searchsorted(scores[rest], scores[ours], side="left")
    up_to = np.searchsorted(scores[rest], scores[ours], side="right")
    won = np.einsum("id,id->d", weights[ours], cumulated[below])
    if not np.array_equal(below, up_to):
        won = (won + np.einsum("id,id->d", weights[ours], cumulated[up_to])) / 2
    return np.asarray(won / (weights[ours].sum(axis=0) * cumulated[-1]), dtype=np.float64)
