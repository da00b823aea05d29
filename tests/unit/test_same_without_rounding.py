"""Without rounding, quantization-aware training and its control are the same training: batch norms above all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from keras_models import trained_somewhat

from edgeq.model.runtime import keras3, tensorflow
from edgeq.quantize.qat.insert import FakeQuantized, fake_quantized
from edgeq.quantize.qat.structure import training_form
from edgeq.records import Dataset, FloatModel, Split
from edgeq.training import TrainingOptions
from edgeq.training.batch_norm import reestimated
from edgeq.training.plan import plan_training
from edgeq.training.steps import Steps

pytestmark = pytest.mark.xdist_group("tensorflow")

SAMPLES = 40


def masked(keras: Any) -> Any:
    """Masks from an embedding and from a layer, kept by sums and joins, lost by a convolution."""
    layers = keras.layers
    words, signal = keras.Input((6,), dtype="int32", name="words"), keras.Input((6, 3), name="signal")
    x = layers.Embedding(9, 4, mask_zero=True)(words)
    x = layers.ReLU()(layers.BatchNormalization(name="first")(layers.Dense(4)(x)))
    y = layers.BatchNormalization(name="alone")(layers.Masking()(signal))
    y = layers.BatchNormalization(name="second")(layers.Dense(4)(y))
    x = layers.Add()([x, layers.Activation("hard_swish")(y)])
    x = layers.BatchNormalization(name="third")(layers.Dense(5)(layers.Concatenate()([x, y])))
    z = layers.BatchNormalization(name="unmasked")(layers.Conv1D(3, 3)(layers.ReLU()(x)))
    joined = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalAveragePooling1D()(z)])
    return keras.Model([words, signal], layers.Dense(3)(joined))


def settings(keras: Any) -> Any:
    """A norm of every setting, behind every kind of layer; frozen ones, and one of another axis."""
    layers = keras.layers
    image = keras.Input((8, 8, 3), name="image")
    x = layers.BatchNormalization(momentum=0.7, epsilon=0.05, name="first")(layers.Conv2D(4, 3)(image))
    x = layers.DepthwiseConv2D(3, trainable=False)(layers.ReLU()(x))
    x = layers.ReLU()(layers.BatchNormalization(renorm=True, name="renorm")(x))
    x = layers.BatchNormalization(trainable=False, name="frozen")(layers.Conv2D(4, 1)(x))
    x = layers.Conv2DTranspose(3, 3, strides=2)(x)
    x = layers.ReLU()(layers.BatchNormalization(synchronized=True, scale=False, name="up")(x))
    x = layers.SeparableConv2D(4, 3, strides=2)(x)
    x = layers.ReLU()(layers.BatchNormalization(center=False, name="apart")(x))
    x = layers.Flatten()(layers.BatchNormalization(axis=1, name="rows")(x))
    return keras.Model(image, layers.Dense(3)(layers.BatchNormalization(name="wide")(layers.Dense(5)(x))))


def shared(keras: Any) -> Any:
    """One norm behind two layers, a layer used twice with its norm, a layer of two norms, a norm used by itself."""
    layers = keras.layers
    image = keras.Input((6, 6, 3), name="image")
    norm, twice, alone = (layers.BatchNormalization(name=name) for name in ("norm", "twice", "alone"))
    conv, split = (layers.Conv2D(3, 3, padding="same", name=name) for name in ("conv", "split"))
    x = layers.ReLU()(norm(layers.Conv2D(3, 3)(alone(image))))
    x = layers.ReLU()(norm(layers.Conv2D(3, 3, padding="same")(x)))
    x = layers.ReLU()(twice(conv(layers.ReLU()(twice(conv(x))))))
    x = layers.ReLU()(layers.BatchNormalization(name="one")(split(alone(x))))
    x = layers.ReLU()(layers.BatchNormalization(name="other")(split(x)))
    y = layers.Conv2D(3, 1, name="read")(x)
    y = layers.Add()([layers.BatchNormalization(name=name)(y) for name in ("left", "right")])
    return keras.Model(image, layers.Dense(3)(layers.Flatten()(y)))


def joined(keras: Any) -> Any:
    """Inputs by name, a nested model, norms of sums and joins; dropout in branches of which one gets more rounding."""
    layers = keras.layers
    inside = keras.Input((6, 6, 3))
    block = keras.Model(inside, layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3)(inside)), name="block")
    image, vector = keras.Input((6, 6, 3), name="z"), keras.Input((4,), name="a")
    x = layers.ReLU()(block(image, training=False))
    a = layers.Dropout(0.5, name="early")(layers.ReLU()(layers.BatchNormalization(name="norm")(layers.Conv2D(3, 1)(x))))
    b = layers.Dropout(0.5, name="late")(x)
    for _ in range(3):
        a, b = layers.MaxPooling2D(1)(a), layers.Activation("hard_swish")(b)  # only the latter is rounded
    x = layers.BatchNormalization(name="sum")(layers.Add()([layers.Conv2D(4, 1)(a), b]))
    x = layers.BatchNormalization(name="join")(layers.Concatenate()([x, b]))
    x = layers.Flatten()(layers.ReLU()(layers.BatchNormalization(name="last")(layers.Conv2D(3, 1)(x))))
    y = layers.BatchNormalization(name="vector")(layers.Dense(3)(vector))
    return keras.Model({"z": image, "a": vector}, layers.Dense(3)(layers.Concatenate()([x, y])))


def unequal(keras: Any) -> Any:
    """Channels of very different size, which are equalized; regularizers; activations of all kinds."""
    layers = keras.layers
    signal = keras.Input((16, 3), name="signal")
    x = layers.Conv1D(4, 3, kernel_regularizer="l2", activity_regularizer="l2", name="loud")(signal)
    x = layers.ReLU()(layers.BatchNormalization(gamma_regularizer="l1", name="first")(x))
    x = layers.LeakyReLU()(layers.BatchNormalization(name="deep")(layers.DepthwiseConv1D(3)(x)))
    x = layers.ReLU(6.0)(layers.BatchNormalization(name="six")(layers.Conv1DTranspose(4, 3, strides=2)(x)))
    x = layers.Activation("hard_swish")(layers.BatchNormalization(name="swish")(layers.Conv1D(4, 3)(x)))
    handle = keras.Model(signal, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))
    kernel, bias = handle.get_layer("loud").get_weights()
    handle.get_layer("loud").set_weights([kernel * np.array([200.0, 1.0, 1.0, 0.01], np.float32), bias])
    return handle


def made(handle: Any) -> tuple[FloatModel, Dataset]:
    """With weights that are not those of the start, and samples; masks leave out some of them."""
    rng = np.random.default_rng(4)
    model, x = trained_somewhat(handle, rng), []
    for spec in model.inputs:
        shape = (SAMPLES, *(size or 0 for size in spec.shape))
        array = rng.integers(0, 9, shape) if spec.dtype == "int32" else rng.normal(0.3, 1.0, shape)
        if len(shape) < 4:
            array[:, -2:] = 0
        x.append(array.astype(spec.dtype))
    split = Split(x=tuple(x), y=np.arange(SAMPLES) % 3)
    return model, Dataset(source="data", sha256="", test=split, train=split, validation=split)


def without_rounding(form: FloatModel, x: tuple[np.ndarray, ...]) -> FakeQuantized:
    trained = fake_quantized(form, x)
    for kernel in trained.kernels:
        kernel.rounding = False
    for layer in trained.ranges:
        layer.clip.assign(0.0)
    return trained


def weights(handle: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Those of a model's layers by name, also of the layers within those that round; but for ranges and seeds."""
    for outer in handle.layers:
        inner = [part for part in (getattr(outer, "layer", None), getattr(outer, "norm", None)) if part is not None]
        for layer in inner or [outer]:
            for weight in layer.weights:
                if weight.name not in {"low", "high", "clip", "seed_generator_state"}:
                    yield f"{layer.name}/{weight.name}", np.asarray(weight)


@pytest.fixture
def untraced() -> Iterator[None]:
    """Three steps of a small model take less time than TensorFlow needs to make a graph of them."""
    tensorflow().config.run_functions_eagerly(True)
    yield
    tensorflow().config.run_functions_eagerly(False)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("build", [masked, settings, shared, joined, unequal])
def test_moments_and_weights_are_those_of_the_control(build: Callable[[Any], Any]) -> None:
    keras = keras3()
    keras.utils.set_random_seed(1)
    model, data = made(build(keras))
    assert data.train is not None
    options = TrainingOptions(epochs=1, learning_rate=0.02, batch_size=16, optimizer="sgd")
    plan = plan_training(model, data, options, 0)
    form = training_form(model, data.train.x)
    handles = without_rounding(form, data.train.x).model.handle, form.handle
    before = dict(weights(form.handle))
    losses = [Steps(handle, plan).train(plan.order(0)) for handle in handles]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    ours, theirs = (dict(weights(handle)) for handle in handles)
    assert ours.keys() == theirs.keys()
    moments = [name for name in ours if "moving" in name and not np.array_equal(before[name], theirs[name])]
    assert len(moments) >= 6, "three norms are trained"
    for name, value in theirs.items():
        assert np.allclose(ours[name], value, rtol=1e-4, atol=1e-6), name


@pytest.mark.parametrize("axis", [-1, 1])
def test_moments_taken_again_leave_out_what_a_mask_does(axis: int) -> None:
    keras = keras3()
    signal = keras.Input((6, 3))
    norm = keras.layers.BatchNormalization(axis=axis, momentum=0.0)
    model, data = made(keras.Model(signal, keras.layers.Flatten()(norm(keras.layers.Masking()(signal)))))
    assert data.train is not None
    (again,) = (v for v in reestimated(model, data).handle.layers if type(v).__name__ == "BatchNormalization")
    model.handle(data.train.x[0], training=True)
    for ours, keras_own in ((again.moving_mean, norm.moving_mean), (again.moving_variance, norm.moving_variance)):
        assert np.allclose(np.asarray(ours), np.asarray(keras_own), atol=1e-5)
