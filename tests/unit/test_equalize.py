"""Cross-layer equalization: the same function, whatever was scaled before; and where it has to stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.model.keras.graph import read_graph
from edgeq.model.keras.probe import gap, predict, random_inputs
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3
from edgeq.quantize.channels import find_groups
from edgeq.quantize.equalize import equalize
from edgeq.records import FloatModel

pytestmark = pytest.mark.xdist_group("tensorflow")


def float_model(build: Callable[[Any], Any], seed: int = 0) -> FloatModel:
    """A model whose biases are not zero."""
    keras = keras3()
    keras.utils.set_random_seed(seed)
    handle = build(keras.layers)
    rng = np.random.default_rng(seed)
    for layer in handle.layers:
        for weight in layer.weights:
            if weight.path.endswith("bias"):
                weight.assign(rng.normal(0.0, 0.2, weight.shape))
    return from_keras(handle, path=Path("made.keras"))


def groups(model: FloatModel) -> list[tuple[int, list[str], list[str]]]:
    found = find_groups(read_graph(model.handle, what="made.keras"))
    return [(g.channels, [c.name for c in g.makers], [c.name for c in g.readers]) for g in found]


def chain(layers: Any) -> Any:
    image = keras3().Input((8, 8, 3), name="image")
    x = layers.Conv2D(6, 3, activation="relu", name="first")(image)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(x)
    x = layers.LeakyReLU(negative_slope=0.1)(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2DTranspose(5, 2, strides=2, name="up")(x)
    x = layers.ReLU()(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Dropout(0.1)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(7, name="hidden")(x)
    return keras3().Model(image, layers.Dense(4, activation="softmax", name="class")(x))


def residual(layers: Any) -> Any:
    signal = keras3().Input((16, 2), name="signal")
    x = layers.Conv1D(8, 3, padding="same", activation="relu", name="stem")(signal)
    y = layers.Conv1D(8, 3, padding="same", use_bias=False, name="branch")(x)
    x = layers.ReLU()(x + y)
    x = layers.GlobalAveragePooling1D()(x)
    return keras3().Model(signal, layers.Dense(4, name="score")(x))


def test_groups_of_a_chain() -> None:
    assert groups(float_model(chain)) == [
        (6, ["first"], ["depthwise"]),
        (12, ["depthwise"], ["up"]),
        (5, ["up"], ["hidden"]),  # through the flattened map: feature j belongs to channel j mod 5
        (7, ["hidden"], ["class"]),
    ]


def test_a_residual_sum_is_one_group() -> None:
    assert groups(float_model(residual)) == [(8, ["stem", "branch"], ["branch", "score"])]


@pytest.mark.parametrize("build", [chain, residual])
def test_the_function_stays_the_same_and_scaling_is_undone(build: Callable[[Any], Any]) -> None:
    """The channels of every group are scaled at random; equalizing gives the weights that it gives without that."""
    model, scaled = float_model(build), float_model(build)
    rng = np.random.default_rng(5)
    for group in find_groups(read_graph(scaled.handle, what="made.keras")):
        factors = np.exp(rng.normal(0.0, 2.0, group.channels)).astype(np.float32)
        for call in group.makers:
            layer = call.operation
            kernel, *bias = layer.get_weights()
            if "depthwise" in layer.name:
                kernel = kernel * factors.reshape(kernel.shape[-2:])
            else:
                kernel = kernel * (factors[:, None] if layer.name == "up" else factors)
            layer.set_weights([kernel, *(b * factors for b in bias)])
        for call in group.readers:
            layer = call.operation
            kernel, *bias = layer.get_weights()
            axis = {"up": 3}.get(layer.name, kernel.ndim - 2)
            tiled = np.tile(factors, kernel.shape[axis] // len(factors))
            kernel = kernel / tiled.reshape([-1 if i == axis else 1 for i in range(kernel.ndim)])
            layer.set_weights([kernel, *bias])
    x = random_inputs(model)
    expected = predict(model.handle, x)
    assert gap(expected[0], predict(scaled.handle, x)[0]) < 1e-4
    plain, undone = equalize(model), equalize(scaled)
    assert gap(expected[0], predict(plain.model.handle, x)[0]) < 1e-4
    assert gap(expected[0], predict(undone.model.handle, x)[0]) < 1e-4
    assert undone.largest > 30 > plain.largest
    for a, b in zip(plain.model.handle.get_weights(), undone.model.handle.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-2, atol=1e-5)


def test_the_model_that_was_given_keeps_its_weights() -> None:
    model = float_model(chain)
    before = [w.copy() for w in model.handle.get_weights()]
    equalize(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.handle.get_weights(), strict=True))


def test_dead_channels_are_left_alone() -> None:
    model = float_model(chain)
    first = model.handle.get_layer("first")
    kernel, bias = first.get_weights()
    kernel[..., 2] = 0.0
    first.set_weights([kernel, bias])
    equalized = equalize(model).model.handle.get_layer("first").get_weights()
    assert np.array_equal(equalized[0][..., 2], kernel[..., 2])
    assert equalized[1][2] == bias[2]


@pytest.mark.parametrize(
    "between", ["relu6", "hard_silu", "sigmoid", "concatenate", "multiply", "shared", "output", "grouped", "norm"]
)
def test_where_no_exact_rescaling_exists_nothing_is_touched(between: str) -> None:
    def build(layers: Any) -> Any:
        image = keras3().Input((6, 6, 4), name="image")
        x = layers.Conv2D(4, 1, name="made")(image)
        outputs = []
        if between in {"relu6", "hard_silu", "sigmoid"}:
            x = layers.Activation(between)(x)
        elif between == "concatenate":
            x = layers.Concatenate()([x, image])
        elif between == "multiply":
            x = layers.Multiply()([x, image])
        elif between == "shared":
            twice = layers.Conv2D(4, 1, name="shared")
            x = twice(twice(x))
        elif between == "output":
            outputs.append(x)
        elif between == "norm":
            x = layers.BatchNormalization()(layers.MaxPooling2D(1)(x))
        x = layers.Conv2D(4, 1, groups=2 if between == "grouped" else 1, activation="tanh", name="read")(x)
        return keras3().Model(image, [*outputs, layers.GlobalAveragePooling2D()(x)])

    model = float_model(build)
    assert groups(model) == []
    equalized = equalize(model)
    assert equalized.layers == ()
    assert equalized.largest == 1.0
