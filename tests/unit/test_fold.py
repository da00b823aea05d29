"""Batch norm folded away: what is left computes the same, and what cannot be folded stays or is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.errors import UnsupportedError
from edgeq.model.keras.graph import build_model, read_graph
from edgeq.model.keras.legacy import to_keras3
from edgeq.model.keras.probe import predict, random_inputs
from edgeq.model.load import from_keras, load_float_model
from edgeq.model.runtime import keras3, legacy_keras, quiet, tensorflow
from edgeq.quantize.fold import fold_batch_norm
from edgeq.records import FloatModel, ModelFormat
from edgeq.reference.float_model import float_outputs

pytestmark = pytest.mark.xdist_group("tensorflow")


def settled(model: Any) -> Any:
    """Biases and batch-norm parameters away from 0 and 1."""
    rng = np.random.default_rng(4)
    for layer in model.layers:
        if hasattr(layer, "layers"):
            settled(layer)
            continue
        for weight in layer.weights:
            name = weight.name.split("/")[-1].split(":")[0]
            if name in {"bias", "beta", "moving_mean"}:
                weight.assign(rng.normal(0.0, 0.5, weight.shape))
            elif name in {"gamma", "moving_variance"}:
                weight.assign(rng.uniform(0.3, 2.0, weight.shape))
    return model


def record(model: Any, format: ModelFormat = ModelFormat.KERAS3) -> FloatModel:
    return from_keras(settled(model), path=Path("model.keras"), format=format)


def kinds(model: FloatModel) -> list[str]:
    return [type(layer).__name__ for layer in model.handle.layers if type(layer).__name__ != "InputLayer"]


def assert_equal(before: FloatModel, after: FloatModel) -> None:
    x = tuple(a.astype(np.float32) for a in random_inputs(before, 6))
    assert (before.inputs, before.outputs) == (after.inputs, after.outputs)
    for a, b in zip(float_outputs(before, x), float_outputs(after, x), strict=True):
        assert np.abs(a - b).max() <= 1e-4 * np.abs(a).max()


@pytest.mark.parametrize("name", ["demo", "mobilenet_v2", "autoencoder", "conv1d", "squeeze_excite", "two_in_two_out"])
def test_architectures_of_the_zoo(zoo: Any, name: str) -> None:
    model = from_keras(zoo.zoo_keras(name), path=Path(f"{name}.keras"))
    folded = fold_batch_norm(model)
    assert "BatchNormalization" not in kinds(folded)
    assert_equal(model, folded)


def chains(layers: Any) -> dict[str, tuple[tuple[int, ...], list[Any], list[str]]]:
    norm = layers.BatchNormalization
    return {
        "conv1d": ((12, 3), [layers.Conv1D(4, 3), norm()], ["Conv1D"]),
        "conv2d grouped": ((6, 6, 4), [layers.Conv2D(6, 3, groups=2), norm(center=False)], ["Conv2D"]),
        "depthwise": ((6, 6, 2), [layers.DepthwiseConv2D(3, depth_multiplier=2), norm()], ["DepthwiseConv2D"]),
        "depthwise 1d": ((9, 2), [layers.DepthwiseConv1D(3, depth_multiplier=2), norm()], ["DepthwiseConv1D"]),
        "transpose": ((4, 4, 3), [layers.Conv2DTranspose(5, 3, strides=2), norm()], ["Conv2DTranspose"]),
        "separable": (
            (8, 8, 3),
            [layers.SeparableConv2D(5, 3, strides=2, padding="same", depth_multiplier=2), norm()],
            ["DepthwiseConv2D", "Conv2D"],
        ),
        "separable 1d": (
            (12, 3),
            [layers.SeparableConv1D(5, 3, dilation_rate=2, activation="relu"), norm()],
            ["DepthwiseConv1D", "Conv1D", "BatchNormalization"],
        ),
        "dense on frames": ((5, 3), [layers.Dense(4), norm(scale=False), layers.ReLU()], ["Dense", "ReLU"]),
        "activation between": (
            (6, 6, 1),
            [layers.Conv2D(4, 3, activation="relu"), norm()],
            ["Conv2D", "BatchNormalization"],
        ),
        "other axis": ((6, 6, 4), [layers.Conv2D(4, 3), norm(axis=1)], ["Conv2D", "BatchNormalization"]),
        "alone": ((6, 6, 2), [norm(), layers.Conv2D(4, 3)], ["BatchNormalization", "Conv2D"]),
    }


def test_layers() -> None:
    keras = keras3()
    for name, (shape, layers, left) in chains(keras.layers).items():
        model = record(keras.Sequential([keras.Input(shape), *layers]))
        folded = fold_batch_norm(model)
        assert kinds(folded) == left, name
        assert_equal(model, folded)


def test_what_a_layer_also_feeds_is_kept() -> None:
    keras = keras3()
    image = keras.Input((6, 6, 2))
    x = keras.layers.Conv2D(4, 3, padding="same", name="both")(image)
    y = keras.layers.BatchNormalization()(x)
    twice = record(keras.Model(image, keras.layers.Add()([x, y])))
    assert kinds(fold_batch_norm(twice)) == ["Conv2D", "BatchNormalization", "Add"]
    returned = record(keras.Model(image, [x, y]))
    assert kinds(fold_batch_norm(returned)) == ["Conv2D", "BatchNormalization"]


def test_shared_layers_are_folded_only_where_one_norm_follows_everywhere() -> None:
    keras = keras3()
    layers = keras.layers
    left, right = keras.Input((6, 6, 2), name="left"), keras.Input((6, 6, 2), name="right")
    conv, norm, other = layers.Conv2D(4, 3), layers.BatchNormalization(), layers.BatchNormalization()
    same = record(keras.Model([left, right], layers.Add()([norm(conv(left)), norm(conv(right))])))
    folded = fold_batch_norm(same)
    assert kinds(folded) == ["Conv2D", "Add"]
    assert_equal(same, folded)
    several = record(keras.Model([left, right], layers.Add()([norm(conv(left)), other(conv(right))])))
    kept = fold_batch_norm(several)
    assert sorted(kinds(kept)) == ["Add", "BatchNormalization", "BatchNormalization", "Conv2D"]
    assert_equal(several, kept)


def test_nested_models_are_taken_apart() -> None:
    keras = keras3()
    layers = keras.layers
    block = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same", name="conv"), layers.BatchNormalization()]
    )
    inner = keras.Input((8, 8, 3))
    wrapped = keras.Model(inner, layers.ReLU()(block(inner) + inner), name="residual")
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(3, 3, padding="same", name="conv")(wrapped(image))
    x = wrapped(layers.BatchNormalization()(x)) * 2.0
    model = record(keras.Model({"image": image}, {"class": layers.Dense(2)(layers.Flatten()(x))}))
    folded = fold_batch_norm(model)
    assert "BatchNormalization" not in kinds(folded)
    assert kinds(folded).count("Conv2D") == 2
    assert_equal(model, folded)


def test_the_original_is_left_alone() -> None:
    keras = keras3()
    model = record(
        keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization()])
    )
    before = [w.copy() for w in model.handle.get_weights()]
    folded = fold_batch_norm(model)
    for weight in folded.handle.weights:
        weight.assign(weight * 0.0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.handle.get_weights(), strict=True))


def test_models_without_a_graph_are_refused(tmp_path: Path) -> None:
    keras, tf = keras3(), tensorflow()

    class Own(keras.Model):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return tf.abs(x)

    own = FloatModel(
        path=Path("own.keras"), format=ModelFormat.KERAS3, sha256="", inputs=(), outputs=(), parameters=0, handle=Own()
    )
    with pytest.raises(UnsupportedError, match=r"own\.keras is no functional or sequential"):
        fold_batch_norm(own)
    vector = keras.Input((4,))
    with quiet():
        keras.Model(vector, keras.layers.Dense(2)(vector)).export(tmp_path / "saved", verbose=False)
    with pytest.raises(UnsupportedError, match="is a SavedModel"):
        fold_batch_norm(load_float_model(tmp_path / "saved"))


def test_a_layer_that_cannot_be_copied_is_named() -> None:
    keras = keras3()

    class Odd(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, factor: np.ndarray, **options: Any) -> None:
            super().__init__(**options)
            self.w = self.add_weight(shape=(), name="w")
            self.factor = factor

        def call(self, x: Any) -> Any:
            return x * self.w * self.factor

    vector = keras.Input((4,))
    model = record(keras.Model(vector, Odd(np.ones(4), name="my_odd")(vector)))
    with pytest.raises(UnsupportedError, match=r"Layer 'my_odd' \(Odd\) cannot be copied"):
        fold_batch_norm(model)


def legacy_model(keras: Any) -> Any:
    layers = keras.layers
    image, extra = keras.Input((8, 8, 2), name="image"), keras.Input((3,), name="extra")
    x = layers.Conv2D(4, 3, padding="same", use_bias=False)(image)
    x = layers.LeakyReLU(alpha=0.2)(layers.BatchNormalization()(x))
    block = keras.Sequential(
        [layers.InputLayer((8, 8, 4)), layers.DepthwiseConv2D(3, padding="same"), layers.ReLU(6.0)]
    )
    x = block(x) + x
    x = layers.SeparableConv2D(4, 3, kernel_regularizer="l2")(x)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.Dense(4, activation="tanh")(extra)])
    return keras.Model([image, extra], layers.Dense(3, activation="softmax")(layers.Dropout(0.2)(x)))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_tf_keras_models_are_taken_over(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"old{suffix}"
    with quiet():
        settled(legacy_model(legacy_keras())).save(path)
    model = load_float_model(path)
    folded = fold_batch_norm(model)
    assert isinstance(folded.handle, keras3().Model)
    assert "BatchNormalization" not in kinds(folded)
    assert_equal(model, folded)


def test_what_keras_3_computes_differently_is_named() -> None:
    keras = legacy_keras()
    layers = keras.layers
    vector = keras.Input((4,))
    gate = layers.Activation("hard_sigmoid", name="gate")(layers.Dense(4)(vector))
    model = record(keras.Model(vector, layers.Dense(2)(gate)), ModelFormat.TF_KERAS)
    with pytest.raises(UnsupportedError, match=r"Keras 3 computes layer 'gate' of model\.keras differently"):
        to_keras3(model)
    shifted = record(keras.Model(vector, layers.Dense(2)(tensorflow().math.erf(vector))), ModelFormat.TF_KERAS)
    with pytest.raises(UnsupportedError, match=r"\(TFOpLambda\) of model\.keras .*math\.erf is called outside"):
        to_keras3(shifted)


def test_edits_of_a_graph() -> None:
    keras = keras3()
    layers = keras.layers
    vector = keras.Input((4,), name="vector")
    x = layers.Dense(4, name="first")(vector)
    model = keras.Model(vector, [x, layers.ReLU(name="positive")(x)])
    graph = read_graph(model, what="model")
    (first,) = graph.uses(model.get_layer("first"))
    assert graph.producer(graph.inputs[0]) is None
    assert graph.only_consumer(first.output) is None, "it is an output too"
    halved = build_model(graph.inserted(first.output, layers.Rescaling(0.5, name="half")))
    doubled = build_model(graph.inserted(graph.inputs[0], layers.Rescaling(2.0, name="double")))
    data = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    before = predict(model, (data,))
    assert all(np.allclose(a / 2, b) for a, b in zip(before, predict(halved, (data,)), strict=True))
    assert np.allclose(predict(model, (2 * data,))[1], predict(doubled, (data,))[1], atol=1e-6)
    only = build_model(graph.returning([first.output]))
    assert [layer.name for layer in only.layers] == ["vector", "first"]
