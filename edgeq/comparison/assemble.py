"""From runs to a comparison: scores, contrasts, evidence, findings, verdict. Both forms of `edgeq compare` end here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeq.comparison.arms import FLOAT, ORDER, TITLES, declared, exploratory
from edgeq.comparison.contrasts import ScoredArm, contrasts
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import find
from edgeq.comparison.made import Made
from edgeq.comparison.options import MARGIN, MARGIN_OF_ERRORS, CompareOptions
from edgeq.comparison.record import ComparedData, ComparedModel, CompareFinding, Comparison
from edgeq.comparison.scores import TIE_RULE, TIE_RULE_AUC, Scores, score
from edgeq.comparison.scoring import Scoring
from edgeq.comparison.summary import arm_record, flips
from edgeq.comparison.verdict import verdict
from edgeq.comparison.work import seen_rows
from edgeq.data.overlap import check_overlap
from edgeq.errors import DataError, InputError
from edgeq.quantize.calibration import calibration_source
from edgeq.records import Dataset, Metric, Split
from edgeq.stopwatch import Stopwatch
from edgeq.validation.accuracy import Task, choose_task, predict
from edgeq.version import version


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """What is to be compared: `runs` of all arms, which of these are `random` (one run per seed), and what is known
    beside them. `given` says that the user brought the models; `loss` is the one that the float model's file names;
    `known` are findings about files."""

    model: ComparedModel
    data: Dataset
    task: Task
    scoring: Scoring
    runs: Sequence[Made]
    random: frozenset[str]
    given: bool
    loss: str | None = None
    known: tuple[CompareFinding, ...] = ()


def assemble(material: Material, options: CompareOptions, clock: Stopwatch) -> Comparison:
    """The comparison.

    Raises:
        DataError: a model answered NaN.
    """
    data, task, runs, scoring = material.data, material.task, material.runs, material.scoring
    share = margin_share(options, task)
    arms = _scored(material)
    names = (*(n for n in ORDER if n in arms), *(n for n in arms if n not in ORDER))
    order = tuple(dict.fromkeys((*names, *(run.arm for run in runs))))
    with clock("statistics"):
        found = contrasts(
            arms, declared(names), exploratory(names), margin=share, level=options.level,
            groups=data.test.groups,
        )  # fmt: skip
    with clock("findings"):
        evidence = Evidence(
            metric=scoring.metric, margin=_margin(share, task, arms), level=options.level, given=material.given,
            data=_data(data, task, options), checks=check_overlap(data), arms=arms,
            runs={(run.arm, run.seed): run for run in runs if not run.failed}, seen=_seen(material),
            contrasts=found, groups=data.test.groups,
            layers=tuple(layer for name in order for run in runs if run.arm == name for layer in run.layers),
            calibration_classes=_calibration_classes(runs, task), failures=_failures(material),
            loss=material.loss,
        )  # fmt: skip
        findings = find(evidence, known=material.known)
    return Comparison(
        edgeq_version=version(),
        model=material.model,
        data=evidence.data,
        metric=scoring.metric,
        top_k=scoring.k,
        tie_rule=TIE_RULE_AUC if scoring.metric is Metric.AUC else TIE_RULE,
        margin=share,
        level=options.level,
        seeds=max((len(arm.runs) for arm in arms.values()), default=0),
        arms=tuple(
            arm_record(
                name, TITLES.get(name, name), [run for run in runs if run.arm == name], arms.get(name),
                random=name in material.random,
            )
            for name in order
        ),
        contrasts=found,
        layers=evidence.layers,
        weights=tuple(report for name in order for run in runs if run.arm == name for report in run.weights),
        flips=flips(arms, found),
        findings=findings,
        verdict=verdict(evidence, findings),
        timings=clock.timings,
    )  # fmt: skip


def _scored(material: Material) -> dict[str, ScoredArm]:
    scored: dict[str, dict[int, Scores]] = {}
    for run in material.runs:
        if not run.failed:
            scored.setdefault(run.arm, {})[run.seed] = score(material.task, run.test, material.scoring)
    return {name: ScoredArm(name=name, runs=found, fixed=name not in material.random) for name, found in scored.items()}


def margin_share(options: CompareOptions, task: Task) -> float:
    """The margin as asked for, else the default for this kind of metric.

    Raises:
        InputError: it is no share between 0 and 1.
    """
    if options.margin is not None and not 0.0 < options.margin < 1.0:
        raise InputError(f"The margin is {options.margin}; it must be between 0 and 1.", hint="0.01 is one point.")
    if options.margin is not None:
        return options.margin
    return MARGIN if task.metric is Metric.TOP1 else MARGIN_OF_ERRORS


def _failures(material: Material) -> dict[str, tuple[str, ...]]:
    """Reasons of failed runs by arm; what is wrong with given files is known already."""
    found: dict[str, tuple[str, ...]] = {}
    for run in material.runs if not material.given else ():
        if run.failed:
            found[run.arm] = (*found.get(run.arm, ()), run.failed)
    return found


def _margin(share: float, task: Task, arms: Mapping[str, ScoredArm]) -> float:
    if task.metric is Metric.TOP1:
        return share
    base = arms[FLOAT] if FLOAT in arms else next(iter(arms.values()))
    return share * base.first.mean


def _seen(material: Material) -> Mapping[str, Scores]:
    """The float arms on training samples, where these have labels."""
    data, train = material.data, material.data.train
    if train is None or train.y is None:
        return {}
    rows = seen_rows(data)
    labels = Split(x=tuple(a[rows] for a in train.x), y=train.y[rows])
    result: dict[str, Scores] = {}
    for run in material.runs:
        if run.seen and run.arm not in result:
            found = choose_task(labels.y, run.seen)
            if isinstance(found, Task) and found.metric is material.task.metric:
                result[run.arm] = score(
                    found, run.seen, replace(material.scoring, metric=_of_samples(material.scoring))
                )
    return result


def _of_samples(scoring: Scoring) -> Metric:
    """AUC is of a whole; whether a model knows its training samples is a matter of each."""
    return Metric.TOP1 if scoring.metric is Metric.AUC else scoring.metric


def _calibration_classes(runs: Sequence[Made], task: Task) -> NDArray[np.int64] | None:
    outputs = next((run.calibration for run in runs if run.calibration), ())
    if not outputs or task.metric is not Metric.TOP1:
        return None
    return predict(replace(task, labels=np.zeros(len(outputs[task.output]), np.int64)), outputs, None)


def _data(data: Dataset, task: Task, options: CompareOptions) -> ComparedData:
    calibration, size = None, 0
    try:
        calibration, split = calibration_source(data)
        size = min(options.calibration_samples, len(split))
    except DataError:
        pass  # test samples only: models that are there already need no others
    groups = data.test.groups
    return ComparedData(
        source=Path(data.source).name or data.source, sha256=data.sha256, test=len(data.test),
        train=len(data.train) if data.train else 0, validation=len(data.validation) if data.validation else 0,
        calibration=calibration, calibration_samples=size,
        groups=int(groups.max()) + 1 if groups is not None else None, classes=task.classes,
        class_names=data.class_names,
    )  # fmt: skip
