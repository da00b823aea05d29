"""Named arrays to a `Dataset`: which array is what, labels to class indices, and the hash."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError
from edgeq.records import Dataset, Split, ValueSpec

_NAME = re.compile(r"(x|y)_(train|test|val|calib)(?:_(.+))?")
_GROUPS, _CLASSES = "group_test", "class_names"
NAMES_HINT = (
    "The arrays are x_train, y_train, x_test, y_test and optionally x_val, y_val, x_calib; for a model with several "
    "inputs x_test_0, x_test_1, … or x_test_<name of the input>. group_test says which test samples belong together."
)


def dataset_from_arrays(arrays: Mapping[str, Any], source: str, inputs: Sequence[ValueSpec] | None = None) -> Dataset:
    """The data set of named arrays.

    Args:
        arrays: by name, see `NAMES_HINT`; `class_names` and `group_test` (one value per test sample) too. Other names
            that do not start with x_ or y_ are left alone, and named in `Dataset.ignored`.
        source: what the user named, for messages.
        inputs: the model's inputs, to put arrays that are named after them into their order; None sorts by name.

    Raises:
        DataError: x_test is missing, an unknown name, or values that are no numbers.
    """
    parts: dict[str, dict[str, NDArray[np.generic]]] = {}
    labels: dict[str, NDArray[np.generic]] = {}
    for name, value in arrays.items():
        match = _NAME.fullmatch(name)
        if match is None:
            if name.startswith(("x_", "y_")):
                near = nearest_name(name)
                meant = f" Did you mean {near}?" if near else ""
                raise DataError(f"{source} has an array {name!r}, which means nothing here.{meant}", hint=NAMES_HINT)
            continue
        kind, split, suffix = match.groups()
        array = _numbers(name, value, source)
        if kind == "x":
            parts.setdefault(split, {})[suffix or ""] = array
        elif suffix is None and split != "calib":
            labels[split] = _labels(array)
        else:
            raise DataError(f"{source} has an array {name!r}, which means nothing here.", hint=NAMES_HINT)
    if "test" not in parts:
        raise DataError(f"{source} has no x_test (found: {', '.join(sorted(arrays)) or 'nothing'}).", hint=NAMES_HINT)
    for split in labels:
        if split not in parts:
            raise DataError(f"{source} has y_{split}, but no x_{split}.", hint=NAMES_HINT)
    groups = {"test": _groups(arrays[_GROUPS], source)} if _GROUPS in arrays else {}
    splits = {}
    for split, named in parts.items():
        order = _order(split, named, source, inputs)
        splits[split] = Split(
            x=tuple(named[suffix] for suffix in order),
            y=labels.get(split),
            groups=groups.get(split),
            names=order if order != ("",) else (),
        )
    names = arrays.get(_CLASSES)
    class_names = () if names is None else tuple(str(name) for name in np.asarray(names).ravel().tolist())
    ignored = tuple(name for name in arrays if not _NAME.fullmatch(name) and name not in (_GROUPS, _CLASSES))
    return replace(make_dataset(source, splits, class_names), ignored=ignored)


def nearest_name(name: str) -> str | None:
    """The array that an unknown name was perhaps meant for."""
    known = (*(f"{kind}_{split}" for kind in "xy" for split in ("train", "test", "val")), "x_calib", _GROUPS, _CLASSES)
    return next(iter(difflib.get_close_matches(name.lower(), known, n=1)), None)


def make_dataset(source: str, splits: Mapping[str, Split], class_names: Sequence[str] = ()) -> Dataset:
    """A `Dataset` of splits by name (test, train, val, calib), with its hash."""
    digest = hashlib.sha256()
    for name in sorted(splits):
        split = splits[name]
        for i, array in enumerate((*split.x, *(a for a in (split.y, split.groups) if a is not None))):
            digest.update(f"{name} {i} {array.dtype.str} {array.shape}\0".encode())
            digest.update(np.ascontiguousarray(array).data)
    digest.update("\0".join(class_names).encode())
    return Dataset(
        source=source,
        sha256=digest.hexdigest(),
        test=splits["test"],
        train=splits.get("train"),
        validation=splits.get("val"),
        calibration=splits.get("calib"),
        class_names=tuple(class_names),
    )


def _order(split: str, named: Iterable[str], source: str, inputs: Sequence[ValueSpec] | None) -> tuple[str, ...]:
    """The suffixes of one split's arrays in the order of the model's inputs."""
    if set(named) == {""}:
        return ("",)
    if "" in named:
        raise DataError(f"{source} has both x_{split} and x_{split}_….", hint=NAMES_HINT)
    if all(re.fullmatch(r"0|[1-9]\d{0,3}", suffix) for suffix in named):
        order = sorted(named, key=int)
        if order != [str(i) for i in range(len(order))]:
            raise DataError(f"{source}: x_{split}_… must count from 0 without gaps; found {', '.join(order)}.")
        return tuple(order)
    if inputs is None:
        return tuple(sorted(named))
    wanted = [spec.name for spec in inputs]
    if sorted(wanted) != sorted(named):
        raise DataError(
            f"{source} has x_{split}_… for {', '.join(sorted(named))}; the model's inputs are {', '.join(wanted)}.",
            hint=NAMES_HINT,
        )
    return tuple(wanted)


def _groups(value: Any, source: str) -> NDArray[np.int64]:
    """Names or numbers of groups as numbers from 0."""
    array = np.asarray(value)
    if array.ndim != 1 or array.dtype.kind not in "iubSU":
        raise DataError(
            f"{_GROUPS} in {source} has shape {array.shape} and type {array.dtype}.",
            hint="Give one whole number or name per test sample, the same for samples that belong together.",
        )
    return np.asarray(np.unique(array, return_inverse=True)[1], dtype=np.int64)


def _numbers(name: str, value: Any, source: str) -> NDArray[np.generic]:
    """A C-contiguous array of float32 or an integer type."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as exc:
        raise DataError(f"{name} in {source} is no array: {exc}") from exc
    if array.ndim == 0:
        raise DataError(f"{name} in {source} is a single value; an array with one row per sample is needed.")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    if np.issubdtype(array.dtype, np.floating):
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
    elif not np.issubdtype(array.dtype, np.integer):
        raise DataError(
            f"{name} in {source} holds {array.dtype}, no numbers.", hint="Convert it to float32 or an integer type."
        )
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return np.ascontiguousarray(array)


def _labels(y: NDArray[np.generic]) -> NDArray[np.generic]:
    """Class indices (int64) where the values are that: whole numbers, (n, 1) columns of them, or one-hot rows."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 1 and np.issubdtype(y.dtype, np.integer):
        return y.astype(np.int64)
    if y.ndim == 1 and y.size and np.isfinite(y.astype(np.float64)).all() and np.array_equal(y, np.floor(y)):
        return y.astype(np.int64)
    if y.ndim == 2 and len(y):
        ones = y == 1
        if np.array_equal(ones.sum(axis=1), np.ones(len(y))) and np.array_equal(y != 0, ones):
            indices: NDArray[np.int64] = ones.argmax(axis=1).astype(np.int64)
            return indices
    return y
