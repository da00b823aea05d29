"""What a model's outputs on labelled samples are worth: right answers, or errors, sample by sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.record import Figure
from edgeq.comparison.scoring import Scoring, scoring_for
from edgeq.errors import DataError
from edgeq.records import Metric, Split
from edgeq.statistics.auc import artifact_auc_difference, auc
from edgeq.statistics.difference import Difference
from edgeq.statistics.proportions import wilson_interval
from edgeq.statistics.topk import top_k
from edgeq.validation.accuracy import NoTask, Task, choose_task, predict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeq.comparison.evaluate import Outputs

TIE_RULE = "equal scores: the lowest class index wins"
TIE_RULE_AUC = "equal scores: each counts half"
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """One run on one split.

    For classes: `predicted` (n,) class indices, `right` (n,) bool, `tied` (n,) bool (the largest score is not unique),
    and `values` (n, classes) real scores. For targets: `errors` (n, outputs), predicted − true, and `values` the same
    shape. `scoring` is what they are measured by: of top-k, `right` and `tied` are about the k largest scores; `area`
    is the AUC, where that was asked for.
    """

    task: Task
    scoring: Scoring
    values: NDArray[np.float64]
    predicted: NDArray[np.int64] | None = None
    right: NDArray[np.bool_] | None = None
    tied: NDArray[np.bool_] | None = None
    errors: NDArray[np.float64] | None = None
    area: float | None = None

    @property
    def ranks(self) -> NDArray[np.float64]:
        """What AUC ranks: (n,) scores of class 1, or (n, classes)."""
        return self.values[:, 0] if self.task.binary else self.values

    @property
    def mean(self) -> float:
        """The figure: accuracy, AUC, or root mean squared error."""
        if self.area is not None:
            return self.area
        if self.right is not None:
            return float(self.right.mean())
        return math.sqrt(float((self._errors**2).mean()))

    @property
    def _errors(self) -> NDArray[np.float64]:
        assert self.errors is not None  # noqa: S101 (a Scores has the one or the other)
        return self.errors

    @property
    def per_sample(self) -> NDArray[np.float64]:
        """(n,) 1 and 0 for right and wrong, or (n, outputs) errors: what bootstraps take."""
        return self._errors if self.right is None else self.right.astype(np.float64)


def task_of(split: Split, outputs: Outputs, source: str) -> Task:
    """What the labels of `split` measure.

    Raises:
        DataError: no labels, labels that do not fit, or one class only.
    """
    task = choose_task(split.y, outputs)
    if isinstance(task, NoTask):
        raise DataError(
            f"Arms cannot be compared on {source}: {task.reason}.", hint="Add y_test, the labels of x_test."
        )
    if task.metric is not Metric.TOP1 and (task.labels == task.labels[:1]).all():
        raise DataError(
            f"All {len(task.labels)} test targets of {source} are the same: an error on them says nothing.",
            hint="Give test samples with different targets.",
        )
    if task.metric is Metric.TOP1 and len(np.unique(task.labels)) < 2:
        raise DataError(
            f"All {len(task.labels)} test samples of {source} have the same label: an accuracy on them says nothing.",
            hint="Give test samples of all classes.",
        )
    return task


def score(task: Task, outputs: Outputs, scoring: Scoring | None = None) -> Scores:
    """The answers of one run.

    Args:
        task: from `task_of`, with the labels of the same samples.
        outputs: real values, one array per model output.
        scoring: what they are measured by; None: accuracy of classes, the error of numbers.

    Raises:
        DataError: another number of samples than labels, or values that are not finite.
    """
    values = np.asarray(outputs[task.output], np.float64).reshape(len(outputs[task.output]), -1)
    if not np.isfinite(values).all():
        raise DataError("A model answered NaN or infinity.", hint="Its training diverged: lower --learning-rate.")
    scoring = scoring_for(task, None) if scoring is None else scoring
    if task.metric is not Metric.TOP1:
        return Scores(task=task, scoring=scoring, values=values, errors=values - task.labels.astype(np.float64))
    predicted = predict(task, outputs, None)
    right, area = predicted == task.labels, None
    if task.binary:
        tied = values[:, 0] == 0.5
    else:
        ordered = -np.sort(-values, axis=1)
        tied = ordered[:, scoring.k - 1] == ordered[:, scoring.k]
    if scoring.metric is Metric.TOP_K:
        right = top_k(values, task.labels.astype(np.int64), scoring.k).correct
    elif scoring.metric is Metric.AUC:
        area = auc(values[:, 0] if task.binary else values, task.labels.astype(np.int64))
    return Scores(task=task, scoring=scoring, values=values, predicted=predicted, right=right, tied=tied, area=area)


def figure(scores: Scores) -> Figure:
    """The metric with its 95 % interval: Wilson's for accuracy; for RMSE the square root of the mean squared error's
    normal interval; for AUC a stratified bootstrap's."""
    if scores.area is not None:
        return _area_figure(scores)
    if scores.right is not None and scores.tied is not None:
        correct, n = int(np.count_nonzero(scores.right)), len(scores.right)
        return Figure(
            metric=scores.scoring.metric, value=correct / n, n=n, correct=correct, ci95=wilson_interval(correct, n),
            ties=int(np.count_nonzero(scores.tied)),
        )  # fmt: skip
    squares = (scores.per_sample**2).mean(axis=1)
    mean, n = float(squares.mean()), len(squares)
    half = _Z95 * float(squares.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    low, high = math.sqrt(max(0.0, mean - half)), math.sqrt(mean + half)
    return Figure(metric=Metric.RMSE, value=math.sqrt(mean), n=n, correct=None, ci95=(low, high), ties=None)


def _area_figure(scores: Scores) -> Figure:
    """The interval is that of the difference from scores that are all the same, whose AUC is a half in every draw."""
    value, nothing = scores.mean, np.zeros_like(scores.ranks)
    found = artifact_auc_difference(nothing, scores.ranks, scores.task.labels.astype(np.int64))
    low, high = found.interval(0.95) if isinstance(found, Difference) else (-0.5, 0.5)
    return Figure(
        metric=Metric.AUC, value=value, n=len(scores.values), correct=None,
        ci95=(max(0.0, 0.5 + low), min(1.0, 0.5 + high)), ties=None,
    )  # fmt: skip
