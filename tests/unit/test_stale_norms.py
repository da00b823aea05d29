"""Training starts from fresh batch-norm statistics where the model's own are stale, else from these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.model.keras.probe import predict
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.qat import continued_float, qat
from edgeq.quantize.qat.stale import with_fresh_statistics
from edgeq.records import Dataset, FloatModel, Split
from edgeq.training import TrainingOptions
from edgeq.training.batch_norm import reestimated
from edgeq.training.plan import TrainingPlan, plan_training

pytestmark = pytest.mark.xdist_group("tensorflow")

X = np.random.default_rng(2).normal(2.0, 3.0, size=(256, 6)).astype(np.float32)
OPTIONS = TrainingOptions(epochs=1, learning_rate=1e-6, batch_size=32)


@pytest.fixture(scope="module")
def good() -> Any:
    """A network with statistics of the training samples."""
    keras = keras3()
    keras.utils.set_random_seed(1)
    vector, layers = keras.Input((6,)), keras.layers
    x = layers.ReLU()(layers.BatchNormalization(name="first")(layers.Dense(12)(vector)))
    x = layers.ReLU()(layers.BatchNormalization(name="second")(layers.Dense(12)(x)))
    handle = keras.Model(vector, layers.Dense(3, kernel_initializer="orthogonal")(x))
    samples = Dataset(source="data", sha256="", test=Split(x=(X,)), train=Split(x=(X[:160],)))
    return reestimated(from_keras(handle, path=Path("model.keras")), samples).handle


def data(good: Any) -> Dataset:
    """What the network itself says is right."""
    y = predict(good, (X,))[0].astype(np.float32)
    first, second = (Split(x=(X[part],), y=y[part]) for part in (slice(160), slice(160, 256)))
    return Dataset(source="data", sha256="", test=second, train=first, validation=second)


def stale(good: Any, *names: str) -> FloatModel:
    """The model with the statistics that these norms had before any training."""
    handle = keras3().models.clone_model(good)
    handle.set_weights(good.get_weights())
    for name in names:
        norm = handle.get_layer(name)
        norm.moving_mean.assign(0.0 * norm.moving_mean)
        norm.moving_variance.assign(1.0 + 0.0 * norm.moving_variance)
    return from_keras(handle, path=Path("model.keras"))


def plan_of(model: FloatModel, good: Any) -> TrainingPlan:
    return plan_training(model, data(good), OPTIONS, 0)


def test_stale_statistics_are_taken_anew(good: Any) -> None:
    model = stale(good, "first", "second")
    before = model.handle.get_weights()
    fresh, note = with_fresh_statistics(model, plan_of(model, good))
    assert note is not None
    assert note.startswith("Batch-norm statistics were stale")
    assert all(map(np.array_equal, before, model.handle.get_weights())), "the user's model stays as it was"
    values = predict(keras3().Model(good.inputs, good.layers[1].output), (X[:160],))[0]
    norm = fresh.handle.get_layer("first")
    assert np.allclose(norm.moving_mean, values.mean(axis=0), rtol=1e-3, atol=1e-3)
    assert np.allclose(norm.moving_variance, values.var(axis=0), rtol=0.1)
    (aim,), (now,), (was,) = (predict(h, (X[160:],)) for h in (good, fresh.handle, model.handle))
    assert np.abs(now - aim).mean() < 0.1 * np.abs(was - aim).mean()


def test_good_statistics_and_frozen_ones_stay(good: Any) -> None:
    model = stale(good)
    assert with_fresh_statistics(model, plan_of(model, good)) == (model, None)
    model = stale(good, "first")
    model.handle.get_layer("first").trainable = False
    model.handle.get_layer("second").trainable = False
    assert with_fresh_statistics(model, plan_of(model, good)) == (model, None)
    model.handle.get_layer("second").trainable = True
    fresh, _ = with_fresh_statistics(model, plan_of(model, good))
    assert np.array_equal(*(m.handle.get_layer("first").moving_mean for m in (fresh, model)))


class _EnoughError(Exception):
    """What was to be seen was seen."""


def test_qat_and_its_control_start_there(good: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = stale(good, "first", "second")
    seen: list[tuple[np.ndarray, TrainingPlan]] = []

    def watched(handle: Any, plan: TrainingPlan, **_: Any) -> None:
        seen.append((predict(handle, (X[160:],))[0], plan))
        raise _EnoughError

    monkeypatch.setattr("edgeq.training.train.train", watched)
    for method in (qat, continued_float):
        with pytest.raises(_EnoughError):
            method(model, data(good), QuantizeOptions(training=OPTIONS))
    aim, before = (predict(handle, (X[160:],))[0] for handle in (good, model.handle))
    for outputs, plan in seen:
        assert np.abs(outputs - aim).mean() < 0.25 * np.abs(before - aim).mean()
        assert any(note.startswith("Batch-norm statistics were stale") for note in plan.notes)
