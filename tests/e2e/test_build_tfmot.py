"""`--method qat-tfmot` from a model file to a device that answers bit for bit, on handwritten digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_digits

import edgeq
from edgeq.cli.build import command
from edgeq.model.runtime import keras3, legacy_keras, quiet
from edgeq.report.files import read_report

pytestmark = pytest.mark.xdist_group("tensorflow")


def digits(folder: Path) -> tuple[Path, dict[str, Any]]:
    found = load_digits()
    x, y = (found.images / 16.0).astype(np.float32)[..., None], found.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(x))  # the writers follow one another
    x, y = x[order], y[order]
    data = {"x_train": x[:600], "y_train": y[:600], "x_test": x[1500:1600], "y_test": y[1500:1600]}
    path = folder / "digits.npz"
    np.savez(path, x_val=x[1000:1200], y_val=y[1000:1200], **data)
    return path, data


def trained_model(library: Any, data: dict[str, Any]) -> Any:
    layers = library.layers
    library.utils.set_random_seed(1)
    image = library.Input((8, 8, 1), name="image")
    x = layers.Conv2D(8, 3, use_bias=False, name="conv")(image)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm", momentum=0.8)(x))
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Dense(10, activation="softmax", name="digit")(layers.Flatten(name="flatten")(x))
    model = library.Model(image, x)
    model.compile(library.optimizers.Adam(2e-2), "sparse_categorical_crossentropy")
    with quiet():
        model.fit(data["x_train"], data["y_train"], epochs=5, batch_size=50, verbose=0)
    return model


@pytest.mark.parametrize(("library", "suffix"), [(keras3, ".keras"), (legacy_keras, ".keras"), (legacy_keras, ".h5")])
def test_build(tmp_path: Path, library: Any, suffix: str) -> None:
    data_path, data = digits(tmp_path)
    model_path, out = tmp_path / f"model{suffix}", tmp_path / "build"
    with quiet():
        trained_model(library(), data).save(model_path)
    arguments = [str(model_path), "--data", str(data_path), "--out", str(out), "--method", "qat-tfmot"]
    done = CliRunner().invoke(command, [*arguments, "--device", "emulated", "--traced-samples", "1"])
    assert done.exit_code == 0, done.output
    report = read_report(out)
    assert report.passed
    assert report.quantization.method == edgeq.Method.QAT_TFMOT.value
    assert report.quantization.full_integer
    assert report.drift is not None
    assert report.drift.primary.mismatches == 0
    accuracy = report.accuracy
    assert "gap" not in (accuracy.note or "")
    assert accuracy.float_host is not None and accuracy.device is not None
    assert accuracy.float_host.value > 0.9
    assert accuracy.device.value > accuracy.float_host.value - 0.05
