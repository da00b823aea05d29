"""Batch norms stay in training, quantization-aware or not, and are folded in the int8 model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.model.export import export
from edgeq.model.keras.probe import predict
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3, tensorflow
from edgeq.quantize.agreement import measure_agreement
from edgeq.quantize.convert import convert
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.qat import continued_float, qat
from edgeq.quantize.qat.bake import baked, kernel_steps
from edgeq.quantize.qat.checks import require_trained_scales
from edgeq.quantize.qat.insert import FakeQuantized, fake_quantized
from edgeq.quantize.qat.placement import place
from edgeq.quantize.qat.structure import training_form
from edgeq.records import Dataset, FloatModel, Split
from edgeq.training import TrainingOptions

pytestmark = pytest.mark.xdist_group("tensorflow")

KEPT = ["bn_first", "bn_deep", "bn_apart", "bn_up", "bn_wide"]


def samples(n: int = 96) -> tuple[np.ndarray, ...]:
    return (np.random.default_rng(3).normal(size=(n, 6, 6, 2)).astype(np.float32),)


@pytest.fixture
def model() -> FloatModel:
    """A batch norm behind every kind of layer that one is folded into, and one that must not be trained."""
    keras = keras3()
    keras.utils.set_random_seed(1)
    layers = keras.layers
    image = keras.Input((6, 6, 2), name="image")
    x = layers.BatchNormalization(scale=False, name="bn_first")(
        layers.Conv2D(4, 3, padding="same", name="first")(image)
    )
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False, name="deep")(layers.ReLU()(x))
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.8, name="bn_deep")(x))
    x = layers.BatchNormalization(name="bn_apart")(layers.SeparableConv2D(6, 3, padding="same", name="apart")(x))
    x = layers.BatchNormalization(center=False, name="bn_up")(layers.Conv2DTranspose(3, 2, strides=2, name="up")(x))
    x = layers.BatchNormalization(trainable=False, name="still")(layers.Conv2D(4, 1, name="kept")(x))
    x = layers.BatchNormalization(name="bn_wide")(layers.Dense(8, name="wide")(layers.Flatten()(x)))
    handle = keras.Model(image, layers.Dense(3, activation="softmax", name="kind")(layers.ReLU()(x)))
    rng = np.random.default_rng(2)
    for weight in handle.weights:
        if weight.name in {"bias", "beta", "moving_mean"}:
            weight.assign(rng.normal(0.0, 0.3, weight.shape))
        elif weight.name in {"gamma", "moving_variance"}:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape) * (weight.name == "moving_variance" or -1.0))
    return from_keras(handle, path=Path("model.keras"))


def norms(handle: Any) -> list[Any]:
    return [layer for layer in handle.layers if type(layer).__name__ == "BatchNormalization"]


def test_batch_norms_are_put_back(model: FloatModel) -> None:
    x = samples()
    form = training_form(model, x)
    assert [norm.name for norm in norms(form.handle)] == KEPT
    assert [norm.momentum for norm in norms(form.handle)][:2] == [0.99, 0.8]
    assert not norms(training_form(model).handle)
    (before,), (after,) = predict(model.handle, x), predict(form.handle, x)
    assert np.abs(before - after).max() < 1e-4
    in_training = np.asarray(form.handle(x[0], training=True))
    assert np.abs(in_training - after).max() < 1e-3, "the moments are those of these samples"
    assert sum(np.abs(np.asarray(norm.moving_mean)).sum() for norm in norms(form.handle)) > 1.0


def readers(model: FloatModel) -> np.ndarray:
    """The root mean square of the weights of "deep" that read each channel of "first"."""
    kernel = model.handle.get_layer("deep").get_weights()[0]
    return np.sqrt(np.square(kernel).mean(axis=(0, 1, 3)))


def test_steps_mean_about_as_much_for_each_channel(model: FloatModel) -> None:
    """A channel that is made 300 times as large, and read by weights as much smaller, would be turned over at once."""
    plain = training_form(model, samples())
    own = readers(model)
    assert np.allclose(readers(plain), own, rtol=1e-5), "those of the user's that are about alike are left alone"
    norm, reader = model.handle.get_layer("bn_first"), model.handle.get_layer("deep")
    assert norm.gamma is None
    first = model.handle.get_layer("first")
    factors = np.array([300.0, 1.0, 1.0, 1.0], np.float32)
    norm.beta.assign(norm.beta * factors)
    norm.moving_mean.assign(norm.moving_mean * factors)
    first.set_weights([w * factors for w in first.get_weights()])
    reader.set_weights([reader.get_weights()[0] / factors[:, None]])
    hostile = training_form(model, samples())
    usual = np.quantile([own[0] / 300.0, *own[1:]], 0.75)
    assert np.allclose(readers(hostile), [usual / 10.0, *own[1:]], rtol=1e-4)
    gammas = [m.handle.get_layer("bn_first").get_weights()[0] for m in (plain, hostile)]
    assert np.allclose(gammas[1] / gammas[0], [own[0] / (usual / 10.0), 1.0, 1.0, 1.0], rtol=1e-2)
    (a,), (b,) = predict(plain.handle, samples()), predict(hostile.handle, samples())
    assert np.abs(a - b).max() < 1e-3


def test_a_channel_read_by_the_smallest_weights_is_read(model: FloatModel) -> None:
    """Made a billion times as large: it computes what the others do, and steps would destroy it."""
    own, deep = readers(model), model.handle.get_layer("deep")
    factors = np.array([1e9, 1.0, 1.0, 1.0], np.float32)
    first, norm = model.handle.get_layer("first"), model.handle.get_layer("bn_first")
    first.set_weights([w * factors for w in first.get_weights()])
    norm.beta.assign(norm.beta * factors)
    norm.moving_mean.assign(norm.moving_mean * factors)
    deep.set_weights([deep.get_weights()[0] / factors[:, None]])
    usual = np.quantile([own[0] / 1e9, *own[1:]], 0.75)
    assert np.allclose(readers(training_form(model, samples())), [usual / 10.0, *own[1:]], rtol=1e-4)


def test_the_model_that_rounds_has_the_weights_of_the_form(model: FloatModel) -> None:
    form = training_form(model, samples())
    trained = fake_quantized(form, samples())
    for kernel in trained.kernels:
        assert np.array_equal(kernel.layer.get_weights()[0], form.handle.get_layer(kernel.layer.name).get_weights()[0])
    found = np.abs(trained.kernels[0].folded()[0]).reshape(-1, 4).max(axis=0)
    assert np.ptp(found) > 0.0


def trained_a_little(model: FloatModel) -> FakeQuantized:
    """Fake-quantized, after steps that move everything."""
    tf, x = tensorflow(), samples()
    trained = fake_quantized(training_form(model, x), x)
    variables = [v.value for v in trained.model.handle.trainable_variables]
    for start in range(0, 96, 32):
        with tf.GradientTape() as tape:
            y = trained.model.handle(x[0][start : start + 32], training=True)
            loss = tf.reduce_mean(tf.square(y - tf.one_hot(np.arange(32) % 3, 3)))
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            assert gradient is not None
            assert np.isfinite(gradient.numpy()).all()
            variable.assign_sub(0.1 * gradient)
    return trained


def test_gradients_reach_kernels_and_norms(model: FloatModel) -> None:
    start = fake_quantized(training_form(model, samples()), samples())
    trained = trained_a_little(model)
    assert sum(kernel.norm is not None for kernel in trained.kernels) == len(KEPT)
    for before, after in zip(start.kernels, trained.kernels, strict=True):
        if before.norm is None:
            continue
        weights = zip(before.layer.weights + before.norm.weights, after.layer.weights + after.norm.weights, strict=True)
        assert all(not np.array_equal(a, b) for a, b in weights), before.name


def test_the_int8_model_has_the_folded_norms(model: FloatModel) -> None:
    trained = trained_a_little(model)
    gamma = trained.kernels[0].norm.gamma
    gamma.assign(np.asarray(gamma) * np.array([1.0, -1.0, 1.0, 0.0], np.float32))
    with tempfile.TemporaryDirectory() as folder:
        handle = baked(trained)
        assert not norms(handle)
        content = convert(export(replace(trained.model, handle=handle), Path(folder, "saved")), samples(), what="model")
    require_trained_scales(trained, content)
    assert measure_agreement(content, trained.model, samples(200), classes=True).share >= 0.98


def test_rounding_before_the_norm_is_rounding_of_the_folded_kernel(model: FloatModel) -> None:
    from edgeq.quantize.qat.layers import rounded_kernel

    for fake in trained_a_little(model).kernels:
        kind = type(fake.layer).__name__
        rounded = fake.folded()[0]
        fake.rounding = False
        exact = fake.folded()[0]
        fake.rounding = True
        again = np.asarray(rounded_kernel(exact.astype(np.float32), kind))
        scales = kernel_steps(fake)[1]
        different = np.abs(again - rounded) > 1e-3 * scales.min()
        assert different.mean() <= 0.01, f"{fake.name}: only ties may round otherwise"


def test_a_norm_is_no_tensor_and_what_follows_has_a_range(model: FloatModel) -> None:
    from edgeq.model.keras.graph import read_graph

    def rounded(form: FloatModel) -> list[tuple[int, ...]]:
        values = [value for group in place(read_graph(form.handle, what="model")).groups for value in group]
        return [tuple(d or 0 for d in value.shape) for value in values]

    assert rounded(training_form(model, samples())) == rounded(training_form(model))


class _EnoughError(Exception):
    """What was to be seen was seen."""


@pytest.mark.parametrize(("batch_size", "kept"), [(32, KEPT), (4, [])])
def test_the_control_trains_what_qat_trains(
    model: FloatModel, batch_size: int, kept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    split = Split(x=samples(), y=np.arange(96) % 3)
    data = Dataset(source="data", sha256="", test=split, train=split, validation=split)
    options = QuantizeOptions(training=TrainingOptions(epochs=1, learning_rate=0.01, batch_size=batch_size))
    seen: list[Any] = []

    def watched(handle: Any, *_: Any, **__: Any) -> Any:
        seen.append(handle)
        raise _EnoughError

    monkeypatch.setattr("edgeq.training.train.train", watched)
    monkeypatch.setattr("edgeq.quantize.qat.clip.choose_clips", lambda *_: ())
    for method in (qat, continued_float):
        with pytest.raises(_EnoughError):
            method(model, data, options)
    rounded, control = seen
    assert [norm.name for norm in norms(control)] == kept
    ours, theirs = ({v.name + str(v.numpy().tolist()) for v in m.trainable_variables} for m in seen)
    assert ours == theirs
    x = samples()[0][:8]
    assert np.abs(np.asarray(rounded(x)) - np.asarray(control(x))).max() < 0.1


def test_the_trained_control_is_folded(model: FloatModel) -> None:
    split = Split(x=samples(), y=np.arange(96) % 3)
    data = Dataset(source="data", sha256="", test=split, train=split, validation=split)
    control, history = continued_float(model, data, QuantizeOptions(training=TrainingOptions(epochs=1)))
    assert len(history.epochs) == 1
    assert not norms(control.handle)


def _called_in_training(keras: Any, x: Any) -> Any:
    return keras.layers.BatchNormalization()(x, training=True)


def _read_twice(keras: Any, x: Any) -> Any:
    return keras.layers.Add()([keras.layers.BatchNormalization()(x), x])


@pytest.mark.parametrize("behind", [_called_in_training, _read_twice])
def test_other_norms_are_no_part_of_the_layer(behind: Callable[[Any, Any], Any]) -> None:
    keras = keras3()
    vector = keras.Input((4,), name="vector")
    dense = keras.layers.Dense(4, name="dense")(vector)
    handle = keras.Model(vector, keras.layers.Dense(2, name="answer")(keras.layers.ReLU()(behind(keras, dense))))
    x = (np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32),)
    form = training_form(from_keras(handle, path=Path("model.keras")), x)
    assert all(kernel.norm is None for kernel in fake_quantized(form, x).kernels)
