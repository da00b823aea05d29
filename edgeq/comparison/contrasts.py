"""The statistics of a comparison: each contrast asks two questions, and they are never mixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.record import ArtifactAnswer, Contrast, MethodAnswer
from edgeq.comparison.scores import Scores
from edgeq.records import Metric
from edgeq.statistics.auc import artifact_auc_difference, method_auc_difference
from edgeq.statistics.bootstrap import Measure, artifact_difference, method_difference
from edgeq.statistics.crossed import Seeding
from edgeq.statistics.difference import Difference, TooFewGroups
from edgeq.statistics.equivalence import conclude, equivalence_p
from edgeq.statistics.multiple import corrected_level, holm
from edgeq.statistics.power import samples_needed, smallest_difference
from edgeq.statistics.proportions import count_pairs, mcnemar_midp, paired_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRATIFIED = "bootstrap of samples within their classes"
MCNEMAR = "mid-p McNemar, Tango's score interval"
GROUPS = "bootstrap of whole groups"
SAMPLES = "bootstrap of samples"
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredArm:
    """An arm's runs by seed; `fixed` says that nothing in it is random, so that it has one run."""

    name: str
    runs: Mapping[int, Scores]
    fixed: bool

    @property
    def first(self) -> Scores:
        """The run with the lowest seed: the artifact that would be shipped."""
        return self.runs[min(self.runs)]


def artifacts(first: ScoredArm, second: ScoredArm) -> tuple[Scores, Scores]:
    """The two models that stand for their arms: of the lowest seed that both have, as runs of one seed share start,
    batches and calibration samples. An arm in which nothing is random has one model."""
    shared = first.runs.keys() & second.runs.keys()
    if first.fixed or second.fixed or not shared:
        return first.first, second.first
    return first.runs[min(shared)], second.runs[min(shared)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    """One contrast before correction."""

    pair: tuple[str, str, str]
    answer: ArtifactAnswer
    method: Difference | str
    seeds: int


def contrasts(
    arms: Mapping[str, ScoredArm],
    declared: Sequence[tuple[str, str, str]],
    exploratory: Sequence[tuple[str, str, str]],
    *,
    margin: float,
    level: float,
    groups: NDArray[np.int64] | None = None,
) -> tuple[Contrast, ...]:
    """All contrasts, the declared ones first and corrected for each other by Holm's method.

    Args:
        arms: by name; all on the same samples.
        declared: (first, second, question) that the comparison is about.
        exploratory: others, which are not corrected.
        margin: as a share of samples; for an error metric, of the first arm's error.
        level: of the declared family, for each of the two kinds of claim.
        groups: (n,) which samples belong together, or None.
    """
    family = [
        _ask(arms, pair, margin=margin, level=corrected_level(level, len(declared)), groups=groups) for pair in declared
    ]
    others = [_ask(arms, pair, margin=margin, level=level, groups=groups) for pair in exploratory]
    return (
        *_concluded(family, margin, level, arms, corrected=True),
        *_concluded(others, margin, level, arms, corrected=False),
    )


def _ask(
    arms: Mapping[str, ScoredArm],
    pair: tuple[str, str, str],
    *,
    margin: float,
    level: float,
    groups: NDArray[np.int64] | None,
) -> _Raw:
    first, second = arms[pair[0]], arms[pair[1]]
    return _Raw(
        pair=pair,
        answer=_artifact(*artifacts(first, second), margin, level, groups),
        method=_method(first, second, groups),
        seeds=min(len(a.runs) for a in (first, second) if not a.fixed) if not (first.fixed and second.fixed) else 0,
    )


def _artifact(
    first: Scores, second: Scores, margin: float, level: float, groups: NDArray[np.int64] | None
) -> ArtifactAnswer:
    classes, area = first.right is not None, first.area is not None
    counts = None
    if first.right is not None and second.right is not None and not area:
        counts = count_pairs(first.right, second.right)
    share = margin if classes else margin * first.mean
    n = len(first.values)
    if counts is not None and groups is None:
        difference, interval = counts.difference, paired_interval(counts, _CONFIDENCE)
        test, p, p_equivalence = MCNEMAR, mcnemar_midp(counts), equivalence_p(counts, margin)
    else:
        found = _bootstrap(first, second, groups)
        test = GROUPS if groups is not None else STRATIFIED if area else SAMPLES
        if isinstance(found, Difference):
            difference, interval = found.estimate, found.interval(_CONFIDENCE)
            p, p_equivalence = found.p_value(), _equivalence(found, share)
        else:
            most = 1.0 if classes else max(first.mean, second.mean)
            difference, interval = second.mean - first.mean, (-most, most)
            test, p, p_equivalence = f"none: {found.reason}", 1.0, 1.0
    claim = conclude(difference=0.0, p_difference=1.0, p_equivalence=1.0)
    independent = counts is not None and groups is None
    return ArtifactAnswer(
        n=n, difference=difference, interval=interval, confidence=_CONFIDENCE, test=test, p_value=p, p_holm=p,
        p_equivalence=p_equivalence, only_first=counts.only_first if counts else None,
        only_second=counts.only_second if counts else None, conclusion=claim.conclusion, within_margin=False,
        detectable=smallest_difference(counts, level) if counts and independent else None,
        samples_needed=samples_needed(counts, level) if counts and independent else None,
    )  # fmt: skip


def _bootstrap(first: Scores, second: Scores, groups: NDArray[np.int64] | None) -> Difference | TooFewGroups:
    if first.area is None:
        measure = Measure.MEAN if first.right is not None else Measure.RMSE
        return artifact_difference(first.per_sample, second.per_sample, measure=measure, groups=groups)
    return artifact_auc_difference(first.ranks, second.ranks, first.task.labels.astype(np.int64), groups=groups)


def _method(first: ScoredArm, second: ScoredArm, groups: NDArray[np.int64] | None) -> Difference | str:
    """The difference over seeds; a reason where there is no claim."""
    if first.fixed and second.fixed:
        return "there is one model of each"
    shared = sorted(first.runs.keys() & second.runs.keys())
    if second.fixed:  # the random arm is the first: the same with the sign turned
        found = _method(second, first, groups)
        return found if isinstance(found, str) else _turned(found)
    if first.fixed:
        one, two, seeding = [first.first], [second.runs[s] for s in sorted(second.runs)], Seeding.FIRST_FIXED
    else:
        one, two, seeding = [first.runs[s] for s in shared], [second.runs[s] for s in shared], Seeding.PAIRED
        if not shared:
            return "the arms share no seed"
    if one[0].area is not None:
        labels = one[0].task.labels.astype(np.int64)
        ranks, others = (np.stack([run.ranks for run in runs]) for runs in (one, two))
        areas = method_auc_difference(ranks, others, labels, seeding=seeding, groups=groups)
        return areas if isinstance(areas, Difference) else areas.reason
    measure = Measure.MEAN if one[0].task.metric is Metric.TOP1 else Measure.RMSE
    result = method_difference(_stacked(one), _stacked(two), seeding=seeding, measure=measure, groups=groups)
    return result if isinstance(result, Difference) else result.reason


def _turned(found: Difference) -> Difference:
    return replace(found, estimate=-found.estimate, distribution=-found.distribution[::-1])


def _stacked(runs: Sequence[Scores]) -> NDArray[np.float64]:
    return np.stack([run.per_sample for run in runs])


def _concluded(
    raw: Sequence[_Raw], margin: float, level: float, arms: Mapping[str, ScoredArm], *, corrected: bool
) -> list[Contrast]:
    adjust = holm if corrected else tuple
    p_values = adjust([r.answer.p_value for r in raw])
    equivalences = adjust([r.answer.p_equivalence for r in raw])
    shares = [margin if _larger(arms, r) else margin * arms[r.pair[0]].first.mean for r in raw]
    method_p = adjust([r.method.p_value() if isinstance(r.method, Difference) else 1.0 for r in raw])
    method_equivalences = adjust(
        [
            _equivalence(r.method, share) if isinstance(r.method, Difference) else 1.0
            for r, share in zip(raw, shares, strict=True)
        ]
    )
    result = []
    for i, r in enumerate(raw):
        larger = _larger(arms, r)
        claim = conclude(
            difference=r.answer.difference, p_difference=p_values[i], p_equivalence=equivalences[i], level=level,
            larger_is_better=larger,
        )  # fmt: skip
        answer = replace(r.answer, p_holm=p_values[i], conclusion=claim.conclusion, within_margin=claim.within_margin)
        result.append(
            Contrast(
                first=r.pair[0], second=r.pair[1], question=r.pair[2], declared=corrected, artifact=answer,
                method=_answer(r, method_p[i], method_equivalences[i], level),
            )
        )  # fmt: skip
    return result


def _larger(arms: Mapping[str, ScoredArm], raw: _Raw) -> bool:
    """Whether the metric is better when larger."""
    return arms[raw.pair[0]].first.task.metric is Metric.TOP1


def _equivalence(found: Difference | str, share: float) -> float:
    """1 where nothing was found, or no margin is left: the first arm makes no error at all."""
    return found.equivalence_p(share) if isinstance(found, Difference) and share > 0 else 1.0


def _answer(raw: _Raw, p_value: float, p_equivalence: float, level: float) -> MethodAnswer:
    found = raw.method
    if isinstance(found, str):
        return MethodAnswer(
            seeds=raw.seeds,
            difference=raw.answer.difference,
            interval=None,
            p_value=None,
            conclusion=None,
            reason=found,
        )
    claim = conclude(
        difference=found.estimate, p_difference=p_value, p_equivalence=p_equivalence, level=level,
        larger_is_better=found.larger_is_better,
    )  # fmt: skip
    return MethodAnswer(
        seeds=raw.seeds, difference=found.estimate, interval=found.interval(_CONFIDENCE), p_value=p_value,
        conclusion=claim.conclusion, reason=None,
    )  # fmt: skip
