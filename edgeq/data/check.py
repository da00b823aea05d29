"""Checks data against the model's inputs, before anything slow starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgeq.data.arrays import nearest_name
from edgeq.errors import DataError
from edgeq.records import Dataset, Split, ValueSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_LABELS = "There are no test labels: drift can be measured, accuracy cannot."
"""The warning that a report need not repeat."""

_SHRINKS = 0.05
"""A layer that multiplies by less wants values of some dozens at least."""

NO_DATA = "No data were given: the samples are random and have no labels."
"""The remark on a .tflite that came alone."""


def check_dataset(
    dataset: Dataset,
    inputs: Sequence[ValueSpec] | None,
    classes: int | None = None,
    ranges: Sequence[tuple[float, float]] | None = None,
    *,
    probability: bool = False,
    scaling: tuple[str, float] | None = None,
) -> tuple[str, ...]:
    """Refuse data that cannot be right; warn about data that look wrong.

    Args:
        dataset: what was read.
        inputs: the model's inputs; None checks the data by themselves.
        classes: number of the model's classes if it is a classifier; None leaves labels unchecked.
        ranges: what each input of an int8 model can hold, smallest and largest real value.
        probability: the model's only output is one number that a sigmoid makes: the probability of class 1.
        scaling: a layer by which the model itself scales its only input: its name, and what it multiplies it by.

    Returns:
        Warnings, one sentence or two each.

    Raises:
        DataError: empty or constant data, NaN or infinite values, a shape other than the model's, x and y of different
            length, or labels that are no classes of the model.
    """
    splits = list(named_splits(dataset))
    for name, split in splits:
        _check_arrays(name, split, dataset.source, inputs)
        if split.y is not None:
            _check_labels(name, split, dataset.source, classes)
            if probability:
                _check_binary(name, split.y, dataset.source)
    if dataset.class_names and classes is not None and len(dataset.class_names) != classes:
        raise DataError(
            f"{dataset.source} has {len(dataset.class_names)} classes, the model {classes}.",
            hint="The classes must be those that the model was trained on, in the same order.",
        )
    return tuple(_warnings(dataset, splits, ranges, scaling, classifier=classes is not None))


def named_splits(dataset: Dataset) -> Iterator[tuple[str, Split]]:
    """The splits that are there, with the names that the arrays have."""
    for name, split in (
        ("train", dataset.train),
        ("val", dataset.validation),
        ("calib", dataset.calibration),
        ("test", dataset.test),
    ):
        if split is not None:
            yield name, split


def _check_arrays(name: str, split: Split, source: str, inputs: Sequence[ValueSpec] | None) -> None:
    if inputs is not None and len(split.x) != len(inputs):
        wanted = ", ".join(spec.name for spec in inputs)
        raise DataError(
            f"{source} has {len(split.x)} array(s) for x_{name}; the model has {len(inputs)} input(s): {wanted}.",
            hint=f"Name them x_{name}_0, x_{name}_1, … in this order, or x_{name}_<input>.",
        )
    for i, x in enumerate(split.x):
        label = f"x_{name}" if len(split.x) == 1 else f"x_{name}_{split.names[i] if split.names else i}"
        if len(x) == 0 or x.size == 0:
            raise DataError(
                f"{label} in {source} is empty (shape {x.shape}).",
                hint="Was everything filtered out before it was saved?",
            )
        if len(x) != len(split.x[0]):
            raise DataError(f"{label} in {source} has {len(x)} samples, x_{name}_0 has {len(split.x[0])}.")
        if inputs is not None and x.shape[1:] != tuple(inputs[i].shape):
            raise DataError(
                f"{label} in {source} has samples of shape {x.shape[1:]}; the model's input {inputs[i].name!r} takes "
                f"{tuple(inputs[i].shape)}.",
                hint=_shape_hint(x.shape[1:], inputs[i].shape),
            )
        _check_values(label, x, source)
    if split.y is not None and len(split.y) != len(split):
        raise DataError(
            f"{source} has {len(split)} samples in x_{name}, but {len(split.y)} labels in y_{name}.",
            hint="Each sample has one label, in the same order: was one of the two cut or filtered alone?",
        )
    if split.groups is not None and len(split.groups) != len(split):
        raise DataError(
            f"{source} has {len(split)} samples in x_{name}, but {len(split.groups)} values in group_{name}."
        )


def _check_values(label: str, x: NDArray[np.generic], source: str) -> None:
    if np.issubdtype(x.dtype, np.floating):
        finite = np.isfinite(x)
        if not finite.all():
            first = int(np.argwhere(~finite)[0][0])
            count = int(x.size - finite.sum())
            raise DataError(
                f"{label} in {source} holds {count} NaN or infinite value(s), the first in sample {first}.",
                hint="Remove these samples, or repair their values.",
            )
    if len(x) > 1 and (x[1:] == x[:1]).all():
        raise DataError(f"{label} in {source}: all {len(x)} samples are the same.", hint="Was the array ever filled?")


def _check_labels(name: str, split: Split, source: str, classes: int | None) -> None:
    y = split.y
    if y is None:
        return
    if np.issubdtype(y.dtype, np.floating) and not np.isfinite(y).all():
        raise DataError(f"y_{name} in {source} holds NaN or infinite values.")
    if classes is None or classes < 2:
        return
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer):
        if y.ndim == 2 and y.shape[1] == classes:
            return  # targets of another kind, one per output: several labels, or probabilities
        raise DataError(
            f"y_{name} in {source} has shape {y.shape} and type {y.dtype}; the model has {classes} classes.",
            hint="Labels are class indices, shape (samples,), or one-hot rows.",
        )
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= classes:
        raise DataError(
            f"y_{name} in {source} has labels from {low} to {high}; the model has classes 0 to {classes - 1}.",
            hint=_label_hint(low, high, classes),
        )


def _label_hint(low: int, high: int, classes: int) -> str:
    if low == 1 and high == classes:
        return "Labels count from 0."
    if low < 0:
        return "Labels count from 0. Leave out samples without a label, which -1 often stands for."
    return "Is this the model of these data? Labels are the numbers of its outputs."


def _check_binary(name: str, y: NDArray[np.generic], source: str) -> None:
    """Two classes of other numbers than 0 and 1 would be taken for the targets of a regression."""
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer):
        return
    values = np.unique(y).tolist()
    if len(values) == 2 and values != [0, 1]:
        low, high = values
        raise DataError(
            f"y_{name} in {source} has the labels {low} and {high}; the model's output is one sigmoid, the probability "
            "of class 1, whose labels are 0 and 1.",
            hint=f"Map them, as in training: y_{name} = (y_{name} == {high}).astype(int) makes {low} class 0 and "
            f"{high} class 1.",
        )


def _shape_hint(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> str:
    if (*found, 1) == wanted:
        return "Add a channel dimension: x[..., None]."
    if found == (*wanted, 1):
        return "Remove the last dimension: x[..., 0]."
    if len(found) == 3 and (found[1], found[2], found[0]) == wanted:
        return "Move the channels to the end: np.moveaxis(x, 1, -1)."
    if None not in wanted and sorted(found) == sorted(size or 0 for size in wanted):
        order = [found.index(size or 0) + 1 for size in wanted]
        if len(set(order)) == len(order):
            axes = ", ".join(map(str, (0, *order)))
            return f"The axes are in another order: np.transpose(x, ({axes}))."
    if int(np.prod(found)) == int(np.prod([size or 0 for size in wanted])):
        sizes = ", ".join(str(size) for size in wanted)
        return f"The number of values fits: x.reshape(-1, {sizes}), if their order is right."
    return "Prepare the data exactly as in training."


def _ignored(dataset: Dataset) -> Iterator[str]:
    for name in dataset.ignored:
        near = nearest_name(name)
        yield f"The array {name} is not used: it means nothing here." + (f" Did you mean {near}?" if near else "")


def _warnings(
    dataset: Dataset,
    splits: Sequence[tuple[str, Split]],
    ranges: Sequence[tuple[float, float]] | None,
    scaling: tuple[str, float] | None,
    *,
    classifier: bool,
) -> Iterator[str]:
    basis = dataset.calibration or dataset.train or dataset.validation
    for i, x in enumerate(dataset.test.x):
        low, high = float(x.min()), float(x.max())
        if basis is not None:
            largest = max(abs(float(basis.x[i].min())), abs(float(basis.x[i].max())))
            here = max(abs(low), abs(high))
            if min(here, largest) * 4 < max(here, largest):
                yield (
                    f"The test samples reach {here:g}, those that the model is calibrated with {largest:g}: "
                    "they seem to be scaled differently."
                )
        shrinks = scaling is not None and scaling[1] < _SHRINKS
        if scaling is not None and shrinks and max(-low, high) <= 1.0:
            yield (
                f"The samples reach {max(-low, high):g}, and the model's layer {scaling[0]!r} multiplies by "
                f"{scaling[1]:.3g}: they seem to be scaled twice. Give them as they were in training"
                + (": --data 'FOLDER?scale=0..255'." if dataset.pixels is not None else ".")
            )
        if low >= 0 and 128 < high <= 255 and np.array_equal(x, np.round(x)) and not shrinks:
            yield (
                "The samples are whole numbers up to 255, as raw pixels are. Right only if the model was trained on "
                "them like that; most take 0 to 1 or −1 to 1."
            )
        if ranges is not None:
            yield from _range_warnings(x, ranges[i])
    yield from _ignored(dataset)
    yield from _label_warnings(dataset, classifier)
    repeated = _repeated(dataset)
    if repeated:
        yield (
            f"{repeated} of {len(dataset.test)} test samples are among the training or calibration samples too: "
            "accuracy will look better than it is."
        )
    if dataset.test.y is None:
        yield NO_LABELS
    if splits and len(dataset.test) < 100:
        yield f"{len(dataset.test)} test samples are few: the confidence interval of the accuracy will be wide."


def _range_warnings(x: NDArray[np.generic], held: tuple[float, float]) -> Iterator[str]:
    low, high = held
    step = (high - low) / 255.0
    values = x.astype(np.float32)
    outside = float(np.mean((values < low - step) | (values > high + step)))
    if outside > 0.01:
        yield (
            f"{outside:.1%} of the values are outside {low:.4g} to {high:.4g}, all that the int8 input "
            "holds: they will be clipped. The data seem to be scaled differently from those it was quantized with."
        )
    spread = float(x.max()) - float(x.min())
    if spread < 0.1 * (high - low):
        yield (
            f"The values use {spread / (high - low):.1%} of the range {low:.4g} to {high:.4g} that the model's int8 "
            "input holds: they seem to be scaled differently from those it was quantized with."
        )


def _label_warnings(dataset: Dataset, classifier: bool) -> Iterator[str]:
    y = dataset.test.y
    if y is None or y.ndim != 1 or not np.issubdtype(y.dtype, np.integer):
        return
    present = set(np.unique(y).tolist())
    if len(present) == 1 and len(y) > 1:
        yield f"All test samples have the label {present.pop()}."
    elif dataset.train is not None and dataset.train.y is not None and dataset.train.y.ndim == 1:
        trained = set(np.unique(dataset.train.y).tolist())
        missing = sorted(trained - present)
        # Whole numbers with gaps are hardly classes: prices, ages, the targets of a regression.
        if missing and (classifier or trained == set(range(len(trained)))):
            yield f"No test sample has the label {', '.join(str(label) for label in missing[:10])}."


def _repeated(dataset: Dataset) -> int:
    """How many test samples also are training or calibration samples, bit by bit."""
    seen: set[int] = set()
    for split in (dataset.train, dataset.calibration):
        if split is not None:
            seen.update(_fingerprints(split))
    return sum(fingerprint in seen for fingerprint in _fingerprints(dataset.test)) if seen else 0


def _fingerprints(split: Split) -> Iterator[int]:
    for i in range(len(split)):
        yield hash(tuple(np.ascontiguousarray(x[i]).tobytes() for x in split.x))
