"""Accuracy on labelled samples, with confidence intervals, and the paired difference of two runs.

Three arms are measured on the same samples: the float model on the host, the int8 model on the host, the device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError
from edgeq.model.graph import Tensor
from edgeq.records import Accuracy, AccuracyDifference, Metric
from edgeq.statistics.proportions import Z95, count_pairs, mcnemar_midp, paired_interval, wilson_interval
from edgeq.validation.drift import dequantize


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """What the labels let us measure.

    `output` is the index of the model's output that the labels belong to. For TOP1, `labels` are (n,) int64 class
    indices below `classes`; `binary` says that the output is one number, the probability of class 1. For MSE and MAE
    they are (n, …) float64 targets of the output's shape.
    """

    metric: Metric
    output: int
    labels: NDArray[np.generic]
    classes: int = 0
    binary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoTask:
    """Why no accuracy can be measured, as a sentence for the report."""

    reason: str


def choose_task(
    labels: NDArray[np.generic] | None, outputs: tuple[NDArray[np.generic], ...], *, errors: Metric = Metric.MSE
) -> Task | NoTask:
    """Find what the labels say about which output.

    Args:
        labels: (n,) or (n, 1) class indices; (n, classes) one-hot rows; (n, …) float targets of an output's shape;
            or None. With several outputs, the first one that the labels fit is taken.
        outputs: one array per output, shape (n, *output shape); only the shapes matter.
        errors: MSE or MAE, for labels that are numbers.

    Returns:
        TOP1 for class indices and one-hot rows; `errors` for other numbers of an output's shape; else the reason.
    """
    if labels is None:
        return NoTask(reason="no accuracy: the data have no labels")
    if any(len(labels) != len(o) for o in outputs):
        return NoTask(reason=f"no accuracy: {len(labels)} labels for {len(outputs[0])} samples")
    if len(labels) == 0:
        return NoTask(reason="no accuracy: there are no samples")
    flat = labels.reshape(len(labels), -1)
    widths = [math.prod(o.shape[1:]) for o in outputs]
    if flat.shape[1] == 1 and _are_indices(flat):
        index = flat[:, 0].astype(np.int64)
        top = int(index.max())
        for i, width in enumerate(widths):
            if width > max(top, 1) and outputs[i].shape[-1] == width:
                return Task(metric=Metric.TOP1, output=i, labels=index, classes=width)
        if top <= 1 and 1 in widths:
            return Task(metric=Metric.TOP1, output=widths.index(1), labels=index, classes=2, binary=True)
    for i, width in enumerate(widths):
        if flat.shape[1] == width > 1 and _is_one_hot(flat):
            return Task(metric=Metric.TOP1, output=i, labels=np.argmax(flat, axis=1), classes=width)
    for i, width in enumerate(widths):
        if flat.shape[1] == width and labels.dtype.kind in "iuf" and np.isfinite(flat.astype(np.float64)).all():
            return Task(metric=errors, output=i, labels=flat.astype(np.float64))
    shapes = ", ".join(str(o.shape[1:]) for o in outputs)
    return NoTask(
        reason=f"no accuracy: labels are {labels.dtype} of shape {labels.shape[1:]} per sample, which is neither class "
        f"indices, one-hot rows nor targets for outputs of shape {shapes}"
    )


def measure_accuracy(
    task: Task, outputs: tuple[NDArray[np.generic], ...], tensors: tuple[Tensor, ...] | None
) -> Accuracy:
    """The accuracy of one arm.

    Args:
        task: from `choose_task`, with the labels.
        outputs: one array per output, shape (n, *output shape); integers are compared as they are.
        tensors: the outputs' tensors, which give integers their real value; None for a float model.

    Raises:
        DataError: another number of samples than labels.
    """
    if task.metric is Metric.TOP1:
        right = _right(task, outputs, tensors)
        correct = int(np.count_nonzero(right))
        return Accuracy(
            value=correct / len(right),
            n=len(right),
            correct=correct,
            ci95=wilson_interval(correct, len(right)),
            ties=_ties(task, outputs, tensors),
        )
    errors = _errors(task, outputs, tensors)
    mean, half = _normal_interval(errors)
    return Accuracy(
        value=mean, n=len(errors), correct=None, ci95=(max(0.0, mean - half), mean + half), ties=None,
        metric=task.metric,
    )  # fmt: skip


def compare_accuracy(
    task: Task,
    before: tuple[NDArray[np.generic], ...],
    after: tuple[NDArray[np.generic], ...],
    *,
    names: tuple[str, str] = ("float", "int8"),
    tensors_before: tuple[Tensor, ...] | None = None,
    tensors_after: tuple[Tensor, ...] | None = None,
) -> AccuracyDifference:
    """The difference after − before on the same samples, which is far sharper than two separate intervals.

    Top-1: Tango's score interval and McNemar's mid-p test (`edgeq.statistics.proportions`). Errors: normal interval and
    z-test on the differences per sample. Arms with the very same integer outputs are no sample of two models: their
    interval is 0 to 0.
    """
    if task.metric is Metric.TOP1:
        old, new = _right(task, before, tensors_before), _right(task, after, tensors_after)
        counts = count_pairs(old, new)
        same = tensors_before is not None and tensors_after is not None and _same(before, after)
        return AccuracyDifference(
            before=names[0],
            after=names[1],
            metric=task.metric,
            value=counts.difference,
            ci95=(0.0, 0.0) if same else paired_interval(counts),
            p_value=mcnemar_midp(counts),
            n=counts.n,
            only_before=counts.only_first,
            only_after=counts.only_second,
        )
    change = _errors(task, after, tensors_after) - _errors(task, before, tensors_before)
    mean, half = _normal_interval(change)
    z = abs(mean) / (half / Z95) if half > 0.0 else math.inf if mean else 0.0
    return AccuracyDifference(
        before=names[0],
        after=names[1],
        metric=task.metric,
        value=mean,
        ci95=(mean - half, mean + half),
        p_value=math.erfc(z / math.sqrt(2.0)),
        n=len(change),
        only_before=None,
        only_after=None,
    )


def predict(
    task: Task, outputs: tuple[NDArray[np.generic], ...], tensors: tuple[Tensor, ...] | None
) -> NDArray[np.int64]:
    """Class indices, shape (n,). Ties go to the lowest index; a binary output means class 1 above 0.5."""
    values = _values(task, outputs)
    if task.binary:
        return np.asarray(_real(task, values, tensors)[:, 0] > 0.5, dtype=np.int64)
    return np.asarray(np.argmax(values, axis=1), dtype=np.int64)


def confusion_matrix(task: Task, predictions: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    """Counts with one row per true class and one column per predicted class."""
    flat = np.bincount(task.labels.astype(np.int64) * task.classes + predictions, minlength=task.classes**2)
    return tuple(tuple(row) for row in flat.reshape(task.classes, task.classes).tolist())


def _same(before: tuple[NDArray[np.generic], ...], after: tuple[NDArray[np.generic], ...]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def _are_indices(flat: NDArray[np.generic]) -> bool:
    if flat.dtype.kind not in "iubf":
        return False
    values = flat.astype(np.float64)
    return bool(np.isfinite(values).all() and (values >= 0).all() and (values == np.floor(values)).all())


def _is_one_hot(flat: NDArray[np.generic]) -> bool:
    ones, zeros = (flat == np.ones((), flat.dtype)), (flat == np.zeros((), flat.dtype))
    return bool((ones | zeros).all() and (ones.sum(axis=1) == 1).all())


def _values(task: Task, outputs: tuple[NDArray[np.generic], ...]) -> NDArray[np.generic]:
    values = outputs[task.output]
    if len(values) != len(task.labels):
        raise DataError(
            f"Accuracy: {len(values)} answers for {len(task.labels)} labels.",
            hint="Measure every arm on the same samples.",
        )
    return values.reshape(len(values), -1)


def _real(task: Task, values: NDArray[np.generic], tensors: tuple[Tensor, ...] | None) -> NDArray[np.float64]:
    return values.astype(np.float64) if tensors is None else dequantize(values, tensors[task.output])


def _right(
    task: Task, outputs: tuple[NDArray[np.generic], ...], tensors: tuple[Tensor, ...] | None
) -> NDArray[np.bool_]:
    return np.asarray(predict(task, outputs, tensors) == task.labels, dtype=np.bool_)


def _ties(task: Task, outputs: tuple[NDArray[np.generic], ...], tensors: tuple[Tensor, ...] | None) -> int:
    values = _values(task, outputs)
    if task.binary:
        return int(np.count_nonzero(_real(task, values, tensors)[:, 0] == 0.5))
    numbers = values.astype(np.float64) if values.dtype.kind == "f" else values.astype(np.int64)
    return int(np.count_nonzero((numbers == numbers.max(axis=1, keepdims=True)).sum(axis=1) > 1))


def _errors(
    task: Task, outputs: tuple[NDArray[np.generic], ...], tensors: tuple[Tensor, ...] | None
) -> NDArray[np.float64]:
    """Per sample, the mean over its values of what is squared for MSE and taken without its sign for MAE."""
    apart = _real(task, _values(task, outputs), tensors) - task.labels.astype(np.float64)
    sizes = np.abs(apart) if task.metric is Metric.MAE else apart**2
    return np.asarray(sizes.mean(axis=1), dtype=np.float64)


def _normal_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval by the central limit theorem (0 for a single value)."""
    mean = float(values.mean())
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return mean, Z95 * spread / math.sqrt(len(values))
