"""Fake quantization stands where the int8 model rounds, and the .tflite is the model that was trained."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_models import normal_samples, trained_somewhat

from edgeq.errors import VerifyError
from edgeq.model.export import export
from edgeq.model.keras.graph import read_graph
from edgeq.model.keras.probe import predict
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3, legacy_keras, tensorflow
from edgeq.quantize.agreement import measure_agreement
from edgeq.quantize.convert import convert
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.qat import continued_float
from edgeq.quantize.qat.bake import baked, kernel_steps
from edgeq.quantize.qat.checks import require_trained_scales
from edgeq.quantize.qat.clip import choose_clips
from edgeq.quantize.qat.grid import grid_of
from edgeq.quantize.qat.insert import FakeQuantized, fake_quantized
from edgeq.quantize.qat.placement import Kind, kind_of, place
from edgeq.quantize.qat.structure import training_form
from edgeq.records import Dataset, FloatModel, ModelFormat, Split
from edgeq.training import TrainingOptions
from edgeq.training.plan import plan_training
from edgeq.training.train import train

pytestmark = pytest.mark.xdist_group("tensorflow")


def record(model: Any) -> FloatModel:
    return trained_somewhat(model, np.random.default_rng(4))


def samples(model: FloatModel, n: int = 64) -> tuple[np.ndarray, ...]:
    return normal_samples(model, n, seed=1)


def converted(model: FloatModel) -> tuple[FakeQuantized, bytes]:
    """What `qat` does, without training."""
    form = training_form(model)
    trained = fake_quantized(form, samples(model))
    with tempfile.TemporaryDirectory() as folder:
        exported = export(replace(form, handle=baked(trained)), Path(folder, "saved"))
        return trained, convert(exported, samples(model), what="model")


def image_model(keras: Any) -> Any:
    """Fused ReLUs, a residual sum, a standalone batch norm, pooling, padding, a shared range with a prescribed one."""
    layers = keras.layers
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    x = layers.BatchNormalization(name="norm")(x)
    y = layers.BatchNormalization()(layers.SeparableConv2D(4, 3, padding="same", use_bias=False, name="sep")(x))
    x = layers.ReLU(6.0, name="six")(x + y)
    x = layers.AveragePooling2D(2, name="average")(layers.ZeroPadding2D(2)(x))
    gate = layers.Dense(4, activation="sigmoid", name="gate")(layers.GlobalAveragePooling2D()(x))
    x = layers.Multiply(name="scaled")([x, layers.Reshape((1, 1, 4))(gate)])
    x = layers.Conv2DTranspose(3, 3, strides=2, name="up")(x)
    joined = layers.Concatenate(name="joined")([layers.GlobalMaxPooling2D()(x), gate])
    return keras.Model(image, layers.Dense(3, activation="softmax", name="kind")(layers.Dropout(0.2)(joined)))


def signal_model(keras: Any) -> Any:
    """Conv1D, activations that are ops of their own, batch norm on features, a nested model, subtraction."""
    layers = keras.layers
    signal = keras.Input((16, 3), name="signal")
    block = keras.Sequential([keras.Input((16, 3)), layers.Conv1D(4, 3, padding="same"), layers.LeakyReLU(0.1)])
    x = layers.Conv1D(4, 3, activation="hard_swish", name="swish")(block(signal))
    x = layers.ReLU(1.0, name="limited")(layers.DepthwiseConv1D(3, name="deep")(x))
    x = layers.Flatten()(layers.MaxPooling1D(2)(x))
    x = layers.BatchNormalization(name="into_dense")(layers.Dense(6, activation="relu")(x))
    x = layers.Dense(5, activation="tanh", name="bounded")(x)
    x = layers.Subtract()([x, layers.Softmax(name="share")(layers.Dense(5, name="other")(x))])
    x = layers.BatchNormalization(name="alone")(x)
    return keras.Model(signal, layers.Dense(2, name="value")(layers.Dropout(0.1)(x)))


def left_over_model(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((6, 6, 2), name="image")
    x = layers.Rescaling(0.5, offset=-0.2)(image * 2.0)
    x = layers.LayerNormalization(name="unknown")(layers.Conv2D(4, 3, groups=2)(x))
    x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(4, 1)(x))
    x = layers.UpSampling2D(interpolation="bilinear")(x)
    x = layers.Maximum()([x, layers.Conv2D(4, 1, activation="relu")(x)])
    return keras.Model(image, layers.Dense(2)(layers.Permute((2, 1, 3))(x)))


@pytest.mark.parametrize("build", [image_model, signal_model, left_over_model])
def test_the_converter_keeps_every_trained_scale(build: Callable[[Any], Any]) -> None:
    keras3().utils.set_random_seed(5)
    model = record(build(keras3()))
    trained, content = converted(model)
    require_trained_scales(trained, content)
    found = measure_agreement(content, trained.model, samples(model, 200), classes=build is image_model)
    assert (found.share >= (0.99 if build is image_model else 0.85), found.samples) == (True, 200)
    assert ("LayerNormalization" in "".join(trained.notes)) == (build is left_over_model)


@pytest.mark.full
def test_the_zoo_keeps_every_trained_scale(zoo: Any) -> None:
    for name in zoo.ZOO:
        trained, content = converted(from_keras(zoo.zoo_keras(name), path=Path(f"{name}.keras")))
        require_trained_scales(trained, content)


def test_what_was_lost_is_named() -> None:
    keras = keras3()
    vector = keras.Input((6,), name="vector")
    hidden = keras.layers.Dense(5, activation="relu", name="hidden")(vector)
    trained, content = converted(record(keras.Model(vector, keras.layers.Dense(3, name="answer")(hidden))))
    require_trained_scales(trained, content)
    (moved,) = (layer for layer in trained.ranges if layer.name == "hidden_relu_range")
    moved.high.assign(2 * moved.high)
    kernel = trained.kernels[-1].layer.kernel
    kernel.assign(-1 * kernel)
    with pytest.raises(
        VerifyError, match=r"does not have what was trained: hidden_relu \(scale .*, the weights of answer"
    ):
        require_trained_scales(trained, content)


def test_where_activations_are_rounded() -> None:
    graph = read_graph(training_form(record(image_model(keras3()))).handle, what="model")
    kinds = {call.name: kind_of(graph, call) for call in graph.calls}
    assert [kinds[n] for n in ("stem", "stem_relu", "norm")] == [Kind.FUSED, Kind.OWN, Kind.OWN]
    assert [kinds[n] for n in ("sep_depthwise", "sep", "six")] == [Kind.OWN] * 3
    assert [kinds["average"], kinds["scaled"]] == [Kind.SAME_ROUNDED, Kind.OWN]
    assert [kinds[n] for n in ("gate_sigmoid", "joined", "kind_softmax")] == [Kind.FIXED, Kind.JOINED, Kind.FIXED]
    placement = place(graph)
    groups = [sorted(value.name for value in group) for group in placement.groups]
    assert ["gate_sigmoid", "up"] in groups, "one scale for all that is concatenated"
    assert ["average", "six"] in groups, "pooling keeps its input's scale"
    assert [value.name for value in placement.fixed] == ["gate_sigmoid"], (
        "the output's own rounding is left to the device"
    )


def test_the_training_form_computes_the_same() -> None:
    for build in (image_model, signal_model):
        model = record(build(keras3()))
        form = training_form(model)
        kinds = [type(layer).__name__ for layer in form.handle.layers]
        norms = [layer for layer in form.handle.layers if type(layer).__name__ == "BatchNormalization"]
        assert [norm.name for norm in norms] == (["alone"] if build is signal_model else [])
        assert not any(norm.trainable for norm in norms)
        assert "SeparableConv2D" not in kinds
        for a, b in zip(predict(model.handle, samples(model)), predict(form.handle, samples(model)), strict=True):
            assert np.allclose(a, b, atol=1e-4)


def test_rounding() -> None:
    keras, tf = keras3(), tensorflow()
    from edgeq.quantize.qat.layers import FakeQuant, FakeQuantKernel, RangeGroup

    group = RangeGroup()
    layers = [FakeQuant(group=group, momentum=0.9) for _ in range(2)]
    for layer, (low, high) in zip(layers, ((-1.0, 0.5), (0.3, 2.0)), strict=True):
        layer.build((None, 1))
        layer.set_range(low, high)
    grid = grid_of(-1.0, 2.0)
    x = tf.Variable(np.linspace(-3, 3, 601, dtype=np.float32)[:, None])
    with tf.GradientTape() as tape:
        y = layers[0](x)
    steps = y.numpy() / grid.scale + grid.zero_point
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    assert (np.rint(steps.min()), np.rint(steps.max())) == (-128, 127)
    assert y.numpy()[300] == 0.0
    inside = (x.numpy() >= grid.low) & (x.numpy() <= grid.high)
    assert np.array_equal(tape.gradient(y, x).numpy() > 0, inside)
    assert np.abs(y.numpy() - x.numpy())[inside].max() <= grid.scale * 0.501
    layers[0](x, training=True)
    assert [float(v) for v in group.range()] == pytest.approx([-1.2, 2.0], rel=1e-5), "0.9 · −1 + 0.1 · −3"
    layers[1].clip.assign(0.25)
    assert [float(v) for v in group.range()] == pytest.approx([-1.2, 0.75], rel=1e-5)
    layers[0].clip.assign(0.0)
    assert np.array_equal(layers[0](x).numpy(), x.numpy())

    for kind, shape in (("Conv2D", (6, 6, 3)), ("DepthwiseConv2D", (6, 6, 3)), ("Conv2DTranspose", (6, 6, 3))):
        make = getattr(keras.layers, kind)
        layer = make(3) if kind.startswith("Depthwise") else make(4, 3)
        layer.build((None, *shape))
        data = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
        fake = FakeQuantKernel(layer)
        found = np.asarray(fake(data))
        integers, scales = kernel_steps(fake)
        assert np.abs(integers).max() == 127
        rounded = integers * scales
        rounded = np.moveaxis(rounded, -1, -2) if kind.endswith("Transpose") else rounded.reshape(layer.kernel.shape)
        layer.kernel.assign(rounded)
        assert np.allclose(found, np.asarray(layer(data)), atol=1e-5), kind


def classes(n: int, outlier: float = 1.0) -> tuple[FloatModel, Dataset]:
    """A trained classifier of 8 features; the hidden unit 0 may be as many times as large, and read that much less."""
    keras = keras3()
    keras.utils.set_random_seed(2)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 8)).astype(np.float32)
    y = (x[:, :3] + 0.2 * rng.normal(size=(n, 3))).argmax(axis=1)
    vector = keras.Input((8,), name="vector")
    hidden = keras.layers.Dense(12, activation="hard_swish", name="hidden")(vector)
    model = keras.Model(vector, keras.layers.Dense(3, activation="softmax", name="answer")(hidden))
    cut = n * 3 // 4
    dataset = Dataset(
        source="data", sha256="", test=Split(x=(x[:5],)), train=Split(x=(x[:cut],), y=y[:cut]),
        validation=Split(x=(x[cut:],), y=y[cut:]),
    )  # fmt: skip
    made = from_keras(model, path=Path("model.keras"))
    train(model, plan_training(made, dataset, TrainingOptions(epochs=25, learning_rate=0.02), 0))
    first, second = model.get_layer("hidden"), model.get_layer("answer")
    factor = np.where(np.arange(12) == 0, outlier, 1.0).astype(np.float32)
    first.set_weights([w * factor for w in first.get_weights()])
    kernel, bias = second.get_weights()
    second.set_weights([kernel / factor[:, None], bias])
    return made, dataset


def test_outliers_are_left_out_where_that_pays() -> None:
    for outlier in (1.0, 500.0):
        model, dataset = classes(400, outlier)
        plan = plan_training(model, dataset, TrainingOptions(epochs=2, learning_rate=1e-3), 0)
        form = training_form(model)
        trained = fake_quantized(form, dataset.train.x)  # type: ignore[union-attr]

        def loss(trained: FakeQuantized = trained, plan: Any = plan) -> float:
            from edgeq.training.steps import Steps

            return Steps(trained.model.handle, plan).evaluate(on_training_samples=True)[0]

        before, notes, after = loss(), choose_clips(trained, form, plan), loss()
        if outlier == 1.0:
            assert (notes, before) == ((), after)
        else:
            assert "hidden" in notes[0]
            assert after < 0.5 * before


def test_continued_training_is_the_same_training_without_rounding() -> None:
    model, dataset = classes(200)
    options = QuantizeOptions(training=TrainingOptions(epochs=2, learning_rate=1e-3))
    control, history = continued_float(model, dataset, options)
    assert not any("FakeQuant" in type(layer).__name__ for layer in control.handle.layers)
    assert len(history.epochs) == 2
    form = training_form(model)
    trained = fake_quantized(form, dataset.train.x)  # type: ignore[union-attr]
    for layer in trained.ranges:
        layer.clip.assign(0.0)  # no rounding of activations; that of weights alone remains
    rounded = train(trained.model.handle, plan_training(model, dataset, options.training, 0))
    assert rounded.epochs[-1].loss == pytest.approx(history.epochs[-1].loss, rel=0.05)
    assert rounded.epochs[-1].loss != history.epochs[-1].loss


def test_tf_keras_models_are_trained_in_keras_3() -> None:
    keras = legacy_keras()
    vector = keras.Input((4,), name="vector")
    model = from_keras(
        keras.Model(vector, keras.layers.Dense(2)(keras.layers.LeakyReLU(alpha=0.2)(vector))),
        path=Path("old.keras"), format=ModelFormat.TF_KERAS,
    )  # fmt: skip
    assert isinstance(training_form(model).handle, keras3().Model)
