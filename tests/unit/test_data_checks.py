"""What is wrong with data, what looks wrong, and what is said of them."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from test_data import INPUTS, RNG, X, Y

from edgeq.data import check_dataset, render_data_summary, summarize_dataset
from edgeq.errors import DataError
from edgeq.records import Dataset, Normalization, Split


def _dataset(x: np.ndarray, y: np.ndarray | None = None, train: np.ndarray | None = None) -> Dataset:
    return Dataset(
        source="data.npz", sha256="", test=Split(x=(x,), y=y), train=None if train is None else Split(x=(train,))
    )


def _with(index: tuple[int, ...], value: float) -> np.ndarray:
    changed = X.copy()
    changed[index] = value
    return changed


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (_with((7, 0, 0, 0), np.nan), Y, "1 NaN or infinite value.*first in sample 7"),
        (_with((9, 1, 1, 0), np.inf), Y, "first in sample 9"),
        (X[:0], Y[:0], "is empty"),
        (X[..., 0], Y, r"takes \(4, 4, 1\)\.\nAdd a channel dimension"),
        (X[..., None], Y, r"\nRemove the last dimension"),
        (X.reshape(60, 16), Y, r"x\.reshape\(-1, 4, 4, 1\)"),
        (np.moveaxis(X, -1, 1), Y, r"\nMove the channels to the end"),
        (RNG.random((60, 5, 5, 1)), Y, "exactly as in training"),
        (X, Y[:50], r"60 samples in x_test, but 50 labels in y_test\.\nEach sample has one label"),
        (np.ones_like(X), Y, "all 60 samples are the same"),
        (X, Y + 1, r"from 1 to 3; the model has classes 0 to 2\.\nLabels count from 0"),
        (X, Y - 1, r"from -1 to 1.*\n.*Leave out samples without a label"),
        (X, Y + 5, r"from 5 to 7.*\nIs this the model of these data"),
        (X, RNG.random((60, 5)), "the model has 3 classes"),
    ],
)
def test_data_that_cannot_be_right(x: np.ndarray, y: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_dataset(_dataset(x, y), INPUTS, 3)


def test_axes_in_another_order() -> None:
    """A reshape would fit, too, and mix up every sample without a word."""
    series = RNG.random((60, 2, 64)).astype(np.float32)
    with pytest.raises(DataError, match=r"np\.transpose\(x, \(0, 2, 1\)\)"):
        check_dataset(_dataset(series, Y), (replace(INPUTS[0], shape=(64, 2)),), 3)


def test_good_data_raise_no_warning() -> None:
    big = RNG.random((150, 4, 4, 1)).astype(np.float32)
    assert check_dataset(_dataset(big, np.arange(150) % 3, RNG.random((50, 4, 4, 1))), INPUTS, 3, [(0.0, 1.0)]) == ()


@pytest.mark.parametrize(
    ("data", "ranges", "message"),
    [
        (_dataset(X, Y, X[:10] * 255), None, "scaled differently"),
        (_dataset(np.round(X * 255), Y), None, "raw pixels"),
        (_dataset(X, Y, X[:10]), None, "10 of 60 test samples are among"),
        (_dataset(X), None, "accuracy cannot"),
        (_dataset(X, Y), None, "60 test samples are few"),
        (_dataset(X, Y * 0), None, "All test samples have the label 0"),
        (_dataset(X * 4, Y), [(0.0, 1.0)], "they will be clipped"),
        (_dataset(X * 0.01, Y), [(0.0, 1.0)], "of the range 0 to 1"),
    ],
)
def test_data_that_look_wrong(data: Dataset, ranges: Any, message: str) -> None:
    assert any(message in warning for warning in check_dataset(data, INPUTS, 3, ranges))


def test_a_model_that_scales_its_inputs_itself() -> None:
    """Its layer makes bytes small: samples that are small already were scaled twice, and bytes are right."""
    shrinking, bytes_ = ("rescaling", 1 / 255), np.round(X * 255)
    folder = replace(_dataset(X, Y), pixels=Normalization(mean=(0.0,), std=(255.0,)))
    for data, hint in (
        (_dataset(X, Y), "in training."),
        (_dataset(X * 2 - 1, Y), "in training."),
        (folder, "scale=0..255"),
    ):
        twice = [w for w in check_dataset(data, INPUTS, 3, scaling=shrinking) if "scaled twice" in w]
        assert len(twice) == 1 and "'rescaling' multiplies by 0.00392" in twice[0] and hint in twice[0]
    for data, scaling in (
        (_dataset(bytes_, Y), shrinking),
        (_dataset(X, Y), ("to_signed", 2.0)),
        (_dataset(X, Y), None),
    ):
        assert not any("twice" in w or "raw pixels" in w for w in check_dataset(data, INPUTS, 3, scaling=scaling))


def test_class_names_must_match_the_model() -> None:
    data = Dataset(source="photos", sha256="", test=Split(x=(X,), y=Y), class_names=("a", "b", "c", "d"))
    with pytest.raises(DataError, match="has 4 classes, the model 3"):
        check_dataset(data, INPUTS, 3)


def test_summary_as_json_and_on_the_console() -> None:
    from rich.console import Console

    data = _dataset(X, Y, X[:10])
    summary = summarize_dataset(data, check_dataset(data, INPUTS, 3))
    assert json.loads(json.dumps(asdict(summary)))["splits"][1]["class_counts"] == [20, 20, 20]
    console = Console(file=io.StringIO(), width=140)
    console.print(render_data_summary(summary))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert [array.name for array in summary.splits[0].arrays] == [""]
    for expected in ("data.npz", "train", "4×4×1", "float32", "3 classes, 20 to 20 samples each", "Warning: 10 of 60"):
        assert expected in text


def test_targets_of_a_regression_are_no_classes() -> None:
    ages = RNG.permutation(np.arange(20, 320))[:120]
    x = RNG.random((60, 4, 4, 1)).astype(np.float32)
    data = replace(_dataset(X, ages[:60]), train=Split(x=(x,), y=ages[60:]))
    assert not [w for w in check_dataset(data, None) if "label" in w]
    labels = {split.name: split.labels for split in summarize_dataset(data).splits}
    assert labels["test"] == f"whole numbers from {min(ages[:60])} to {max(ages[:60])}"
    data = replace(_dataset(X, Y % 2), train=Split(x=(x,), y=Y))
    assert "No test sample has the label 2." in check_dataset(data, None)
