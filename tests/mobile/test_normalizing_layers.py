"""Whether a model normalizes by itself: its graph is followed from every input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from projects import tiny_model

from edgeq.mobile.normalization import IDENTITY, find_normalization
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.keras.normalizing import normalizing_layers
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3, legacy_keras
from edgeq.records import Dataset, ModelFormat, Split

SPLIT = Split(x=(np.zeros((1, 4), np.float32),), y=None)
DATA = Dataset(source="", sha256="", train=SPLIT, calibration=SPLIT, test=SPLIT, class_names=())


def found_in(model: Any, kind: ModelFormat = ModelFormat.KERAS3) -> str | None:
    """The sentence about a model that normalizes; None of one that does not."""
    given = from_keras(model, path=Path("m.keras"), format=kind)
    normalization, words = find_normalization(None, DATA, given, parse_tflite(tiny_model(1)))
    assert normalization in (IDENTITY, None)
    return None if normalization is None else words


def scaled(keras: Any, name: str) -> Callable[[Any], Any]:
    layer: Callable[[Any], Any] = keras.layers.Rescaling(1 / 255, name=name)
    return layer


@pytest.mark.parametrize("nested", [False, True])
def test_behind_layers_that_change_no_values(nested: bool) -> None:
    """The layer need not be the model's first one, nor stand in the model itself."""
    keras = keras3()
    before = [keras.layers.Reshape((2, 2)), scaled(keras, "shrink")]
    first = [keras.Sequential([keras.Input((4,)), *before])] if nested else [keras.Input((4,)), *before]
    assert (
        found_in(keras.Sequential([*first, keras.layers.Dense(3)])) == "the model normalizes by itself (layer shrink)"
    )
    assert found_in(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), scaled(keras, "late")])) is None


def test_an_h5_may_be_keras_3_s() -> None:
    keras = keras3()
    model = keras.Sequential([keras.Input((4,)), scaled(keras, "shrink"), keras.layers.Dense(3)])
    assert found_in(model, ModelFormat.H5) == "the model normalizes by itself (layer shrink)"


def test_every_branch_of_every_input() -> None:
    """Layers in the order of their creation say nothing: here both come before the inputs' own."""
    keras = keras3()
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    both = [scaled(keras, "of_a")(a), scaled(keras, "of_b")(b)]
    assert found_in(keras.Model([a, b], keras.layers.Add()(both))) == (
        "the model normalizes by itself (layers of_b, of_a)"
    )
    one = keras.layers.Add()([scaled(keras, "alone")(a), b])
    assert found_in(keras.Model([a, b], one)) is None
    past = keras.layers.Add()([scaled(keras, "some")(a), a])
    assert found_in(keras.Model(a, past)) is None


def test_of_tf_keras() -> None:
    keras = legacy_keras()
    a = keras.Input((4,))
    inside = keras.layers.Dense(2)(keras.layers.Normalization(mean=1.0, variance=4.0, name="standard")(a))
    assert found_in(keras.Model(a, inside), ModelFormat.TF_KERAS) == ("the model normalizes by itself (layer standard)")
    assert found_in(keras.Model(a, keras.layers.Dense(2)(a)), ModelFormat.TF_KERAS) is None


def test_what_the_layer_multiplies_by() -> None:
    """The largest of the channels' factors; 1 before adapt()."""
    keras = keras3()
    layers = {
        2.0: keras.layers.Rescaling([0.5, -2.0, 1.0], name="channels"),
        0.25: keras.layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[16.0, 100.0, 400.0]),
        1.0: keras.layers.Normalization(),
    }
    for factor, layer in layers.items():
        model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(2)])
        found = normalizing_layers(from_keras(model, path=Path("m.keras"), format=ModelFormat.KERAS3))
        assert [f.factor for f in found] == [pytest.approx(factor)]
