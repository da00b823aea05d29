"""Keras 3 to tf_keras: equal on data for every layer in the table, or refused by name."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_models import normal_samples

from edgeq.errors import UnsupportedError
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3, legacy_keras, quiet
from edgeq.records import FloatModel
from edgeq.reference.float_model import float_outputs
from edgeq.transfer import to_tf_keras
from edgeq.transfer.check import check_equal
from edgeq.transfer.rebuild import rebuild
from edgeq.transfer.rules import ACTIVATIONS, RULES
from edgeq.transfer.translate import refusals

pytestmark = pytest.mark.xdist_group("tensorflow")

IMAGE, SIGNAL, VECTOR = (6, 7, 4), (12, 4), (5,)

# Values of every attribute that the table calls the same or renamed, some of them far from the default.
VARIANTS: Mapping[str, tuple[tuple[int, ...], Mapping[str, list[Any]]]] = {
    "Activation": (VECTOR, {"activation": ["relu", "silu", "leaky_relu"]}),
    "ActivityRegularization": (VECTOR, {"l1": [0.1], "l2": [0.2]}),
    "Add": (VECTOR, {}),
    "AlphaDropout": (VECTOR, {"rate": [0.3], "seed": [4]}),
    "Average": (VECTOR, {}),
    "AveragePooling1D": (SIGNAL, {"pool_size": [2, 3], "strides": [None, 1], "padding": ["valid", "same"]}),
    "AveragePooling2D": (IMAGE, {"pool_size": [2, (3, 2)], "strides": [None, 1], "padding": ["valid", "same"]}),
    "BatchNormalization": (
        IMAGE,
        {"axis": [-1, 1], "momentum": [0.5], "epsilon": [1e-3, 0.3], "center": [True, False], "scale": [True, False]},
    ),
    "Concatenate": (IMAGE, {"axis": [-1, 1]}),
    "Conv1D": (
        SIGNAL,
        {
            "filters": [6], "kernel_size": [3], "strides": [1, 2], "padding": ["valid", "same", "causal"],
            "groups": [2], "activation": ["tanh"],
        },
    ),
    "Conv1DTranspose": (
        SIGNAL,
        {"filters": [3], "kernel_size": [3], "strides": [2], "padding": ["valid", "same"], "output_padding": [None, 1]},
    ),
    "Conv2D": (
        IMAGE,
        {
            "filters": [6], "kernel_size": [(3, 2)], "strides": [1, (2, 2)], "padding": ["valid", "same"],
            "groups": [1, 2], "use_bias": [False],
        },
    ),
    "Conv2DTranspose": (
        IMAGE,
        {"filters": [3], "kernel_size": [3], "strides": [2], "padding": ["valid", "same"], "output_padding": [None, 1]},
    ),
    "Cropping1D": (SIGNAL, {"cropping": [1, (2, 3)]}),
    "Cropping2D": (IMAGE, {"cropping": [1, ((0, 2), (1, 3))]}),
    "Dense": (SIGNAL, {"units": [3], "use_bias": [True, False], "activation": [None, "elu"]}),
    "DepthwiseConv1D": (
        SIGNAL,
        {"kernel_size": [3], "strides": [1, 2], "padding": ["valid", "same"], "depth_multiplier": [1, 2]},
    ),
    "DepthwiseConv2D": (
        IMAGE,
        {"kernel_size": [3], "dilation_rate": [1, 2], "padding": ["valid", "same"], "depth_multiplier": [1, 2]},
    ),
    "Dropout": (VECTOR, {"rate": [0.3], "noise_shape": [None, (1, 5)], "seed": [None, 4]}),
    "ELU": (VECTOR, {"alpha": [1.0, 0.2]}),
    "Flatten": (IMAGE, {}),
    "GaussianDropout": (VECTOR, {"rate": [0.3], "seed": [4]}),
    "GaussianNoise": (VECTOR, {"stddev": [0.3], "seed": [4]}),
    "GlobalAveragePooling1D": (SIGNAL, {"keepdims": [True, False]}),
    "GlobalAveragePooling2D": (IMAGE, {"keepdims": [True, False]}),
    "GlobalMaxPooling1D": (SIGNAL, {"keepdims": [True, False]}),
    "GlobalMaxPooling2D": (IMAGE, {"keepdims": [True, False]}),
    "Identity": (VECTOR, {}),
    "LayerNormalization": (SIGNAL, {"axis": [-1, 1], "epsilon": [1e-3, 0.3], "center": [True, False]}),
    "LeakyReLU": (VECTOR, {"negative_slope": [0.3, 0.05]}),
    "MaxPooling1D": (SIGNAL, {"pool_size": [2, 3], "strides": [None, 1], "padding": ["valid", "same"]}),
    "MaxPooling2D": (IMAGE, {"pool_size": [2, (3, 2)], "strides": [None, 1], "padding": ["valid", "same"]}),
    "Maximum": (VECTOR, {}),
    "Minimum": (VECTOR, {}),
    "Multiply": (VECTOR, {}),
    "PReLU": (IMAGE, {"shared_axes": [None, [1, 2]]}),
    "Permute": (IMAGE, {"dims": [(2, 3, 1)]}),
    "ReLU": (VECTOR, {"max_value": [None, 0.7], "negative_slope": [0.0, 0.2], "threshold": [0.0, 0.1]}),
    "RepeatVector": (VECTOR, {"n": [3]}),
    "Rescaling": (VECTOR, {"scale": [0.3], "offset": [0.0, -1.5]}),
    "Reshape": (IMAGE, {"target_shape": [(-1, 4), (7, 24)]}),
    "SeparableConv1D": (SIGNAL, {"filters": [3], "kernel_size": [3], "depth_multiplier": [1, 2]}),
    "SeparableConv2D": (IMAGE, {"filters": [3], "kernel_size": [3], "strides": [1, 2], "depth_multiplier": [1, 2]}),
    "Softmax": (SIGNAL, {"axis": [-1, 1]}),
    "SpatialDropout1D": (SIGNAL, {"rate": [0.3], "seed": [4]}),
    "SpatialDropout2D": (IMAGE, {"rate": [0.3], "seed": [4]}),
    "Subtract": (VECTOR, {}),
    "UpSampling1D": (SIGNAL, {"size": [2, 3]}),
    "UpSampling2D": (IMAGE, {"size": [2, (1, 3)], "interpolation": ["nearest", "bilinear"]}),
    "ZeroPadding1D": (SIGNAL, {"padding": [1, (0, 2)]}),
    "ZeroPadding2D": (IMAGE, {"padding": [1, ((0, 2), (1, 3))]}),
}  # fmt: skip
MERGES = {"Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"}


def record(keras_model: Any) -> FloatModel:
    return from_keras(keras_model, path=Path("model.keras"))


def randomized(keras_model: Any) -> FloatModel:
    """Weights that show every one of them in the outputs: variances are positive, nothing is 0 or 1."""
    rng = np.random.default_rng(1)
    keras_model.set_weights([rng.uniform(0.2, 1.0, w.shape) * _sign(w, rng) for w in keras_model.get_weights()])
    return record(keras_model)


def _sign(w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(w.shape) < 0.5, -1.0, 1.0) if w.ndim > 1 else np.ones(w.shape)


def samples(model: FloatModel, n: int = 20) -> tuple[np.ndarray, ...]:
    return normal_samples(model, n, seed=2)


def assert_transferred(model: FloatModel) -> FloatModel:
    made = to_tf_keras(model, samples(model))
    assert isinstance(made.handle, legacy_keras().Model)
    x = samples(model, 7)
    for a, b in zip(float_outputs(model, x), float_outputs(made, x), strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-4 * np.abs(a).max())
    return made


def test_every_layer_of_the_table_has_variants_of_every_attribute() -> None:
    assert set(VARIANTS) == set(RULES)
    for kind, rule in RULES.items():
        untested = (set(rule.same) | set(rule.renamed)) - set(VARIANTS[kind][1])
        # Tested with Conv2D and DepthwiseConv2D.
        assert untested <= {"dilation_rate", "strides", "padding", "use_bias", "scale"}, kind


@pytest.mark.parametrize("kind", sorted(VARIANTS))
def test_layers(kind: str) -> None:
    """All combinations of the attributes' values, side by side in one model."""
    keras = keras3()
    shape, attributes = VARIANTS[kind]
    x = keras.Input(shape, name="x")
    outputs = []
    for values in itertools.product(*attributes.values()):
        layer = getattr(keras.layers, kind)(**dict(zip(attributes, values, strict=True)))
        outputs.append(layer([x, keras.layers.Identity()(x)] if kind in MERGES else x))
    model = randomized(keras.Model(x, outputs))
    made = assert_transferred(model)
    rule = RULES[kind]
    for layer in model.handle.layers[1:]:
        before, after = layer.get_config(), made.handle.get_layer(layer.name).get_config()
        # What only acts in training does not show in the outputs; axis does, and tf_keras counts it from 0.
        for key in (rule.same | set(rule.renamed)) - {"axis"} if type(layer).__name__ == kind else ():
            assert _same(before[key], after[rule.renamed.get(key, key)]), key


def _same(a: Any, b: Any) -> bool:
    a, b = np.ravel(a), np.ravel(b)  # 3 or (3, 3), float or float32
    return np.array_equal(a, b) or (a.dtype.kind in "fi" and np.allclose(a, b.astype(float), rtol=1e-6, atol=0))


def test_activations() -> None:
    keras = keras3()
    x = keras.Input(VECTOR)
    assert_transferred(record(keras.Model(x, [keras.layers.Activation(name)(x) for name in ACTIVATIONS])))


def test_regularizers_constraints_and_trainable_are_taken_along() -> None:
    keras = keras3()
    dense = keras.layers.Dense(
        3, kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2), bias_constraint=keras.constraints.MaxNorm(1.5)
    )
    norm = keras.layers.BatchNormalization()
    norm.trainable = False
    made = assert_transferred(randomized(keras.Sequential([keras.Input(VECTOR), dense, norm])))
    _, copied, frozen = made.handle.layers
    assert copied.kernel_regularizer.get_config() == pytest.approx({"l1": 0.1, "l2": 0.2})
    assert copied.bias_constraint.max_value == 1.5
    assert (copied.trainable, frozen.trainable) == (True, False)


def test_graphs() -> None:
    """Several inputs and outputs, shared layers, nested models, x + y, and names that TensorFlow refuses."""
    keras = keras3()
    layers = keras.layers
    inner_in = keras.Input((4,))
    inner = keras.Model(inner_in, [layers.Dense(3, name="dense")(inner_in), layers.ReLU()(inner_in)], name="inner")
    chain = keras.Sequential([keras.Input((3,)), layers.Dense(3, name="dense"), layers.BatchNormalization()], name="c")
    first, second = keras.Input((4,), name="first one"), keras.Input((4,), name="_second")
    shared = layers.Dense(4, name="dense")
    a, b = inner(shared(first))
    c, d = inner(shared(second))
    total = chain(a) + chain(c, training=False)
    joined = layers.Concatenate()([b, d, total])
    model = randomized(keras.Model([first, second], {"z": total, "a": joined, "m": a}))
    made = assert_transferred(model)
    assert made.inputs == model.inputs
    assert [spec.shape for spec in made.outputs] == [spec.shape for spec in model.outputs] == [(11,), (3,), (3,)]
    assert len(made.handle.weights) == len(model.handle.weights)  # shared layers stay shared


def test_a_model_that_was_saved_and_loaded(tmp_path: Path, zoo: Any) -> None:
    from edgeq.model.load import load_float_model

    path = tmp_path / "demo.keras"
    with quiet():
        zoo.zoo_keras("demo").save(path)
    model = load_float_model(path)
    made = to_tf_keras(model, zoo.zoo_inputs("demo", 30))
    assert (made.sha256, made.path, made.parameters) == (model.sha256, path, model.parameters)


def test_what_tf_keras_lacks_is_refused_by_name() -> None:
    keras = keras3()
    layers = keras.layers

    class Twice(layers.ReLU):  # type: ignore[misc, name-defined]
        pass

    x = keras.Input((4, 4), name="x")
    y = layers.Activation("hard_sigmoid", name="gate")(x)
    y = layers.LayerNormalization(rms_scaling=True, name="norm")(y)
    y = layers.BatchNormalization(renorm=True, name="renormed")(y)
    y = layers.Dense(4, activation=layers.ReLU(6.0), name="dense")(y)
    y = layers.Dense(4, kernel_regularizer=keras.regularizers.OrthogonalRegularizer(), name="orthogonal")(y)
    y = layers.Dense(4, dtype="mixed_float16", name="half")(y)
    y = layers.LSTM(4, return_sequences=True, name="lstm")(Twice(name="own")(y))
    y = y * x + keras.ops.tile(y, [1, 1, 1])
    with pytest.raises(UnsupportedError) as caught:
        rebuild(record(keras.Model(x, y)))
    text = str(caught.value)
    for expected in (
        "layer 'gate' (Activation): tf_keras has no activation 'hard_sigmoid' that is the same.",
        "layer 'norm' (LayerNormalization): tf_keras has no rms_scaling=True, only False.",
        "layer 'renormed' (BatchNormalization): tf_keras has no renorm=True",
        "layer 'dense' (Dense): tf_keras has no activation 'ReLU'",
        "layer 'orthogonal' (Dense): tf_keras has no kernel_regularizer 'OrthogonalRegularizer'",
        "layer 'half' (Dense): it computes in float16",
        "layer 'lstm' (LSTM): tf_keras has no layer that is known to be the same.",
        "layer 'own' (Twice): tf_keras has no layer that is known to be the same.",
        "(Multiply): it is an operation, no layer",
        "(Tile): it is an operation, no layer",
        "--method qat",
    ):
        assert expected in text
    assert "'add" not in text  # x + y is no problem


def test_an_attribute_of_a_later_keras_is_refused() -> None:
    dense = keras3().layers.Dense(3, name="dense")
    known = dense.get_config()
    dense.get_config = lambda: {**known, "sparsity": 0.5}
    assert list(refusals(dense)) == ["its attribute sparsity=0.5 is not known to have an equal in tf_keras."]


def test_subclassed_models_inside_are_refused() -> None:
    keras = keras3()

    class Own(keras.Model):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return x + 1.0

    x = keras.Input((3,))
    with pytest.raises(UnsupportedError, match=r"layer 'own' \(Own\): it is a subclassed model"):
        rebuild(record(keras.Model(x, Own(name="own")(x))))


def test_other_answers_are_found_and_named() -> None:
    keras = keras3()
    x = keras.Input((4,))
    hidden = keras.layers.Dense(4, name="hidden")(x)
    model = randomized(keras.Model(x, keras.layers.Dense(2, name="out")(hidden)))
    rebuilt = rebuild(model)
    made = from_keras(rebuilt.model, path=model.path)
    check_equal(model, made, rebuilt, samples(model))
    kernel, bias = rebuilt.model.get_layer("hidden").get_weights()
    rebuilt.model.get_layer("hidden").set_weights([kernel, bias + 1e-3])
    with pytest.raises(UnsupportedError, match=r"layer 'hidden' \(Dense\) differs by up to 0\.001"):
        check_equal(model, made, rebuilt, samples(model))
    rebuilt.model.get_layer("hidden").set_weights([kernel, bias])
    swapped = from_keras(rebuild(randomized(keras.Sequential([x, keras.layers.Dense(2)]))).model, path=model.path)
    with pytest.raises(UnsupportedError, match=r"output 'out' differs by up to"):
        check_equal(model, swapped, rebuilt, samples(model))
