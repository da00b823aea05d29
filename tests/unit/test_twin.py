"""The converter's float model, and ranges that its calibrator read too late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.ptq import ptq
from edgeq.quantize.twin import activations, float_values, twin_of
from edgeq.records import Dataset, Split

pytestmark = pytest.mark.xdist_group("tensorflow")


def norm_behind_relu(scale: float) -> Any:
    """A convolution with a ReLU, then a batch norm that multiplies by `scale`: MUL and ADD in the .tflite."""
    keras = keras3()
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 8, 2))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    x = keras.layers.BatchNormalization(name="norm", epsilon=0.0)(x)
    x = keras.layers.Conv2D(3, 1, name="last")(x)
    model = keras.Model(inputs, x)
    norm = model.get_layer("norm")
    norm.set_weights([np.full(4, scale), np.full(4, 0.5), np.full(4, 0.3), np.ones(4)])
    return model


def samples() -> np.ndarray:
    return np.random.default_rng(5).uniform(0, 1, (60, 8, 8, 2)).astype(np.float32)


def test_ranges_are_those_of_the_values() -> None:
    x = (samples(),)
    twin = twin_of(from_keras(norm_behind_relu(12.0), path=Path("norm.keras")), x)
    wanted = [i for i in activations(twin.graph) if i in twin.ranges]
    assert {op.name for op in twin.graph.ops} >= {"MUL", "ADD"}
    for _, arrays in float_values(twin, x, wanted):
        for i, values in zip(wanted, arrays, strict=True):
            assert twin.ranges[i] == pytest.approx((values.min(), values.max()), rel=1e-4, abs=1e-6), i
    assert twin.note is not None and "overwritten" in twin.note


def test_ptq_gives_a_convolution_the_steps_of_its_own_values() -> None:
    model = from_keras(norm_behind_relu(12.0), path=Path("norm.keras"))
    data = Dataset(source="random", sha256="", train=Split(x=(samples(),)), test=Split(x=(samples(),)))
    made = ptq(model, data, QuantizeOptions(calibration_samples=60))
    graph = parse_tflite(made.content)
    first = next(op for op in graph.ops if op.name == "CONV_2D").outputs[0]
    handle: Any = model.handle
    (largest,) = [float(np.max(keras3().Model(handle.input, handle.get_layer("conv").output)(samples())))]
    found = graph.tensors[first].quantization
    assert found is not None
    assert found.scales[0] * 255 == pytest.approx(largest, rel=0.01)
    assert any("overwritten" in note for note in made.notes)


def test_models_without_such_ops_are_left_to_the_converter(zoo: Any) -> None:
    x = zoo.zoo_inputs("ds_cnn", 20)
    assert twin_of(from_keras(zoo.zoo_keras("ds_cnn"), path=Path("ds_cnn.keras")), x).note is None
