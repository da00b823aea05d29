"""Sequential models, the commonest kind: from every file format to a device, and what users do with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgeq
from edgeq.model.runtime import keras3, legacy_keras, quiet
from edgeq.records import Metric

pytestmark = pytest.mark.xdist_group("tensorflow")

RNG = np.random.default_rng(0)


def image_model(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.InputLayer(shape=(8, 8, 1)) if hasattr(keras, "ops") else layers.InputLayer(input_shape=(8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def time_series_model(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 2)),
            layers.Conv1D(4, 5, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3),
        ]
    )


def autoencoder(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential([keras.Input((16,)), layers.Dense(8, activation="relu"), layers.Dense(16)])


def built(folder: Path, model: Any, suffix: str, x_shape: tuple[int, ...], targets: bool = False) -> Any:
    path, data = folder / f"model{suffix}", folder / "data.npz"
    with quiet():
        model.save(path)
    x = RNG.random((30, *x_shape)).astype(np.float32)
    y = x if targets else RNG.integers(0, 3, 30)
    np.savez(data, x_train=x, y_train=y, x_test=x[:10], y_test=y[:10])
    return edgeq.build(
        edgeq.BuildOptions(model=path, data=str(data), out=folder / "build", device="native", traced_samples=1)
    )


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("library", [keras3, legacy_keras])
def test_image_classifier(tmp_path: Path, library: Any, suffix: str) -> None:
    report = built(tmp_path, image_model(library()), suffix, (8, 8, 1))
    assert report.passed
    assert report.drift.primary.mismatches == 0
    assert report.accuracy.float_host.n == report.accuracy.device.n == 10


def test_time_series(tmp_path: Path) -> None:
    report = built(tmp_path, time_series_model(keras3()), ".keras", (32, 2))
    assert report.passed
    assert report.drift.primary.mismatches == 0


def test_autoencoder_is_measured_by_its_error(tmp_path: Path) -> None:
    report = built(tmp_path, autoencoder(keras3()), ".keras", (16,), targets=True)
    assert report.passed
    assert report.drift.primary.mismatches == 0
    assert report.accuracy.device.metric is Metric.MSE


def test_without_an_input_layer_it_is_known_once_it_was_called(tmp_path: Path) -> None:
    keras = keras3()
    model = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(3)])
    with quiet():
        model(np.zeros((1, 5), np.float32))
    report = built(tmp_path, model, ".keras", (5,), targets=False)
    assert report.drift.primary.mismatches == 0
