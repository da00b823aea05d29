"""`edgeq.build` from every kind of float model: the device equals TFLM, and accuracy is there for all three."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zoo as models
from numpy.typing import NDArray

import edgeq
from edgeq.model.runtime import legacy_keras, tensorflow
from edgeq.records import Metric, RangeEstimator
from edgeq.report.files import read_report
from edgeq.report.record import Report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("tensorflow")]

_TEST = 24


def _keras3(folder: Path) -> Path:
    path = folder / "model.keras"
    models.zoo_keras("demo").save(path)
    return path


def _keras3_h5(folder: Path) -> Path:
    path = folder / "model.h5"
    models.zoo_keras("demo").save(path)
    return path


def _legacy(folder: Path) -> Any:
    keras = legacy_keras()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((8, 8, 1), name="image"),
            layers.Conv2D(6, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _tf_keras(folder: Path) -> Path:
    path = folder / "model.keras"
    _legacy(folder).save(path)
    return path


def _tf_keras_h5(folder: Path) -> Path:
    path = folder / "model.h5"
    _legacy(folder).save(path)
    return path


def _saved_model(folder: Path) -> Path:
    path = folder / "model"
    models.zoo_keras("demo").export(path, verbose=False)
    return path


def _plain_saved_model(folder: Path) -> Path:
    """No Keras at all: a tf.Module with a function of its own."""
    tf = tensorflow()
    weights = np.random.default_rng(1).normal(0, 0.4, (64, 10)).astype(np.float32)

    class Linear(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.weights = tf.Variable(weights)

        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 1), tf.float32, name="image")])  # type: ignore[untyped-decorator]
        def __call__(self, image: Any) -> Any:
            return {"digit": tf.nn.softmax(tf.reshape(image, (-1, 64)) @ self.weights)}

    module = Linear()
    path = folder / "model"
    tf.saved_model.save(module, str(path), signatures=module.__call__)
    return path


_KINDS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "Keras 3 .keras": (_keras3, "Keras 3 .keras"),
    "Keras 3 .h5": (_keras3_h5, "legacy .h5"),
    "tf_keras .keras": (_tf_keras, "tf_keras .keras"),
    "tf_keras .h5": (_tf_keras_h5, "legacy .h5"),
    "exported SavedModel": (_saved_model, "SavedModel"),
    "plain SavedModel": (_plain_saved_model, "SavedModel"),
}


def _build(model: Path, folder: Path, data: dict[str, NDArray[np.generic]], **more: Any) -> Report:
    np.savez(folder / "data.npz", **data)
    options = edgeq.BuildOptions(
        model=model,
        data=str(folder / "data.npz"),
        out=folder / "build",
        calibration_samples=20,
        traced_samples=0,
        **more,
    )
    report = edgeq.build(options)
    assert report.passed, [check for check in report.checks if not check.passed]
    assert report.drift is not None and report.drift.primary.mismatches == 0
    assert report.quantization.full_integer and report.quantization.method == "ptq"
    assert read_report(folder / "build").accuracy == report.accuracy
    return report


@pytest.mark.parametrize("kind", _KINDS)
def test_classifiers(kind: str, tmp_path: Path) -> None:
    make, format = _KINDS[kind]
    (train,), (test,) = models.zoo_inputs("demo", 40, seed=1), models.zoo_inputs("demo", _TEST, seed=2)
    labels = np.arange(40) % 10
    data = {"x_train": train, "y_train": labels, "x_test": test, "y_test": labels[:_TEST]}
    report = _build(make(tmp_path), tmp_path, data)
    assert report.model.format == format
    accuracy = report.accuracy
    for found in (accuracy.float_host, accuracy.int8_host, accuracy.device):
        assert found is not None and found.n == _TEST
        assert found.ci95[0] <= found.value <= found.ci95[1]
    assert accuracy.device == accuracy.int8_host
    assert sum(map(sum, accuracy.confusion)) == _TEST


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    name = "two_in_two_out"
    model = tmp_path / "model.keras"
    models.zoo_keras(name).save(model)
    # By the inputs' names, in the other order than the model has them.
    train = dict(zip(("picture", "extra"), models.zoo_inputs(name, 40, seed=1), strict=True))
    test = dict(zip(("picture", "extra"), models.zoo_inputs(name, _TEST, seed=2), strict=True))
    data = {f"x_train_{k}": train[k] for k in sorted(train)} | {f"x_test_{k}": test[k] for k in sorted(test)}
    ptq = {"ranges": RangeEstimator.MSE, "equalize": True, "bias_correction": True}
    report = _build(model, tmp_path, data, **ptq)
    assert report.quantization.recipe == "MSE ranges, equalized, biases corrected"
    assert "equalized 2 layers" in (report.accuracy.note or "")
    assert [i.shape for i in report.model.inputs] == [(1, 12, 12, 2), (1, 6)]
    assert [o.shape for o in report.model.outputs] == [(1, 4), (1, 2)]
    assert report.drift is not None and report.drift.primary.outputs == _TEST * 6


def test_a_model_that_is_no_classifier_has_an_error_instead(tmp_path: Path) -> None:
    model = tmp_path / "model.keras"
    models.zoo_keras("autoencoder").save(model)
    (train,), (test,) = models.zoo_inputs("autoencoder", 30, seed=1), models.zoo_inputs("autoencoder", 8, seed=2)
    report = _build(model, tmp_path, {"x_train": train, "y_train": train, "x_test": test, "y_test": test})
    assert report.accuracy.device is not None and report.accuracy.device.metric is Metric.MSE
    assert report.accuracy.device.value > 0
