"""Scores that a user's own code computed for the test samples, from an .npy file, as an arm beside models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.findings.files import scores_of_other_samples, scores_unscaled
from edgeq.comparison.made import SCORES_FILE, Made
from edgeq.comparison.record import CompareFinding
from edgeq.errors import DataError
from edgeq.records import Metric
from edgeq.validation.accuracy import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeq.comparison.evaluate import Outputs


def read_scores(path: Path) -> NDArray[np.float64]:
    """Numbers, (n, outputs), from an .npy file.

    Raises:
        DataError: it cannot be read, holds no numbers, or NaN.
    """
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as exc:
        raise DataError(f"{path} cannot be read: {exc}", hint="Write it with numpy.save; plain numbers only.") from exc
    if not isinstance(values, np.ndarray) or values.ndim < 1 or values.dtype.kind not in "fiu" or values.size == 0:
        raise DataError(f"{path} holds no array of scores.", hint="One row per test sample, one column per output.")
    scores = values.reshape(len(values), -1).astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(bad):
        raise DataError(
            f"{path} has NaN or infinity in {len(bad)} of {len(scores)} rows, the first one in row {bad[0]}.",
            hint="Compute the scores again; every test sample needs finite ones.",
        )
    return scores


def scores_run(
    name: str, path: Path, scores: NDArray[np.float64], task: Task, like: Outputs
) -> tuple[list[Made], list[CompareFinding]]:
    """The arm, and what can be seen in the numbers themselves.

    Args:
        name: the arm's name.
        path: the file, for messages.
        scores: (n, columns).
        task: what the labels say about the models' outputs.
        like: the outputs of a model on the same samples; scores take the shape of the one that has labels.

    Raises:
        DataError: another number of columns than the labels need.
    """
    samples = len(task.labels)
    if len(scores) != samples:
        failed = f"{len(scores)} rows of scores for {samples} test samples"
        return [Made(arm=name, seed=0, failed=failed)], [scores_of_other_samples(name, len(scores), samples)]
    expected = like[task.output]
    columns = int(np.prod(expected.shape[1:]))
    if scores.shape[1] != columns:
        raise DataError(
            f"{path} has {_columns(scores.shape[1])} per sample, and the labels of the test samples need "
            f"{_columns(columns)}: {_what(task)}.",
            hint=_hint(task, scores),
        )
    # Only the output that the labels belong to is looked at.
    outputs = tuple(scores.reshape(expected.shape) if i == task.output else like[i] for i in range(len(like)))
    run = Made(arm=name, seed=0, scheme="other", evaluated_by=SCORES_FILE, test=outputs)
    return [run], [*scores_unscaled(name, scores, expected.reshape(scores.shape))]


def _columns(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"


def _what(task: Task) -> str:
    if task.metric is not Metric.TOP1:
        return "the predicted targets"
    return "the probability of class 1" if task.binary else "one score per class"


def _hint(task: Task, scores: NDArray[np.float64]) -> str:
    if task.metric is Metric.TOP1 and scores.shape[1] == 1 and np.array_equal(scores, np.round(scores)):
        return "These look like predicted classes: save the model's outputs before argmax."
    if task.binary and scores.shape[1] == 2:
        return "Of two probabilities save the second one: scores[:, 1]."
    return "Save what the model gives for the test samples, one row each, in their order."
