"""From runs to the records of a comparison: arms, and the samples that two arms predict differently."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.contrasts import ScoredArm, artifacts
from edgeq.comparison.made import Made
from edgeq.comparison.record import Arm, Contrast, Flip, Run
from edgeq.comparison.scores import Scores, figure, score

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_FLIPS = 2000
"""Flips that are listed per contrast; more make the report long and say nothing new."""


def arm_record(name: str, title: str, made: Sequence[Made], scored: ScoredArm | None, *, random: bool) -> Arm:
    """An arm with its runs; runs that failed give the reason."""
    done = [run for run in made if not run.failed]
    values = [scored.runs[run.seed].mean for run in done] if scored else []
    notes = done[0].notes if done else ()  # the other seeds' say the same with other figures
    failures = dict.fromkeys(run.failed for run in made if run.failed)
    return Arm(
        name=name, title=title, scheme=done[0].scheme if done else "other",
        evaluated_by=done[0].evaluated_by if done else "",
        runs=tuple(_run(run, scored.runs[run.seed], random) for run in done) if scored else (),
        mean=statistics.fmean(values) if values else None,
        spread=statistics.stdev(values) if len(values) > 1 else None,
        failed="\n".join(str(f) for f in failures) or None, notes=notes,
    )  # fmt: skip


def _run(made: Made, scored: Scores, random: bool) -> Run:
    differing = _turned_count(scored, made.trained)
    return Run(
        seed=made.seed if random else None,
        figure=figure(scored),
        sha256=hashlib.sha256(made.content).hexdigest() if made.content is not None else None,
        size_bytes=len(made.content) if made.content is not None else None,
        history=made.history,
        agreement=None if differing is None else 1 - differing / len(scored.values),
        host_flips=_turned_count(scored, made.host),
        seconds=made.seconds,
        reused=made.reused,
    )  # fmt: skip


def turned(scored: Scores, outputs: tuple[NDArray[np.float64], ...]) -> NDArray[np.int64]:
    """The samples on which other outputs of the same model predict another class than its own."""
    return np.flatnonzero(score(scored.task, outputs).predicted != scored.predicted)


def _turned_count(scored: Scores, outputs: tuple[NDArray[np.float64], ...]) -> int | None:
    return len(turned(scored, outputs)) if outputs and scored.predicted is not None else None


def flips(arms: Mapping[str, ScoredArm], contrasts: Sequence[Contrast]) -> tuple[Flip, ...]:
    """The samples that the first runs of two arms of a declared contrast predict differently, smallest margin first."""
    found: list[Flip] = []
    for contrast in contrasts:
        first, second = artifacts(arms[contrast.first], arms[contrast.second])
        if contrast.declared and first.predicted is not None:
            found += _flips(contrast, first, second)
    return tuple(found)


def _flips(contrast: Contrast, first: Scores, second: Scores) -> list[Flip]:
    assert first.predicted is not None and second.predicted is not None  # noqa: S101 (both are scored for one task)
    labels = first.task.labels
    found = [
        Flip(
            first=contrast.first, second=contrast.second, sample=int(i),
            margin=lead(first, int(i), int(second.predicted[i])),
            first_right=bool(first.predicted[i] == labels[i]), second_right=bool(second.predicted[i] == labels[i]),
        )
        for i in np.flatnonzero(first.predicted != second.predicted)
    ]  # fmt: skip
    return sorted(found, key=lambda f: (f.margin, f.sample))[:_MOST_FLIPS]


def lead(scores: Scores, sample: int, other: int) -> float:
    """By how much a sample's predicted class leads another one, in scores; of one binary score the distance to 1/2."""
    row = scores.values[sample]
    if scores.task.binary:
        return float(abs(row[0] - 0.5))
    return float(row.max() - row[other])
