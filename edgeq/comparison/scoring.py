"""What every model of a comparison is measured by."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeq.errors import InputError
from edgeq.records import Metric
from edgeq.validation.accuracy import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """A metric; `k` counts for top-k only: an answer is right if the label is among the k largest scores."""

    metric: Metric
    k: int = 1

    @property
    def title(self) -> str:
        """The metric's name: "top-5 accuracy"."""
        return f"top-{self.k} accuracy" if self.metric is Metric.TOP_K else self.metric.value


TOP1 = Scoring(metric=Metric.TOP1)


def parse_scoring(text: str) -> Scoring:
    """ "top1", "top5", "auc" as a scoring.

    Raises:
        InputError: it is none of these.
    """
    if text == "auc":
        return Scoring(metric=Metric.AUC)
    found = re.fullmatch(r"top([1-9][0-9]*)", text)
    if found is None:
        raise InputError(f"{text!r} is no metric.", hint="Choose auc, top1, or another top-k, such as top5.")
    k = int(found[1])
    return TOP1 if k == 1 else Scoring(metric=Metric.TOP_K, k=k)


def scoring_for(task: Task, asked: Scoring | None) -> Scoring:
    """What was asked for, if the labels allow it; top-1 accuracy of classes, the error of numbers if nothing was.

    Raises:
        InputError: AUC or top-k of labels that are no classes, or top-k of no more than k classes.
    """
    if task.metric is not Metric.TOP1:
        if asked is not None:
            raise InputError(
                f"{asked.title} is for classes, and the test labels are numbers.",
                hint="Leave --metric out: numbers are compared by their root mean squared error.",
            )
        return Scoring(metric=Metric.RMSE)
    scoring = asked or TOP1
    if scoring.metric is Metric.TOP_K and scoring.k >= task.classes:
        raise InputError(
            f"Of {task.classes} classes the right one is always among {scoring.k}: {scoring.title} says nothing.",
            hint=f"Take a smaller k, at most {task.classes - 1}." if task.classes > 2 else "Take --metric auc or top1.",
        )
    return scoring
