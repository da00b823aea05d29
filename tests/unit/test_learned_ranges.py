"""Activation ranges that are trained with the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3, tensorflow
from edgeq.quantize import QuantizeOptions, quantize
from edgeq.quantize.qat.insert import fake_quantized, range_of
from edgeq.quantize.qat.structure import training_form
from edgeq.records import Dataset, FloatModel, Method, Split
from edgeq.training import RangesInTraining, TrainingOptions

pytestmark = pytest.mark.xdist_group("tensorflow")

LEARNED = RangesInTraining.LEARNED


def layer_of(kind: str, low: float, high: float) -> Any:
    keras3()
    from edgeq.quantize.qat import layers

    layer = getattr(layers, kind)(group=layers.RangeGroup(), momentum=0.9)
    layer.build((None, 16))
    layer.set_range(low, high)
    return layer


def uniform(seed: int) -> Any:
    return tensorflow().constant(np.random.default_rng(seed).uniform(-1.0, 1.0, (64, 16)).astype(np.float32))


@pytest.mark.parametrize("training", [False, True])
def test_it_rounds_as_any_other(training: bool) -> None:
    x = 3.0 * uniform(0)
    plain, learned = layer_of("FakeQuant", -0.7, 2.3), layer_of("LearnedFakeQuant", -0.7, 2.3)
    np.testing.assert_array_equal(np.asarray(learned(x, training=training)), np.asarray(plain(x, training=False)))
    assert (float(learned.low), float(learned.high)) == pytest.approx((-0.7, 2.3))


@pytest.mark.parametrize("start", [0.2, 8.0])
def test_it_finds_the_range_of_the_values(start: float) -> None:
    """Too narrow a range cuts values off, too wide a one has coarse steps: both cost, and the gradient knows."""
    tf, layer = tensorflow(), layer_of("LearnedFakeQuant", -start, start)
    optimizer = keras3().optimizers.Adam(2e-3)

    @tf.function  # type: ignore[untyped-decorator]
    def step(x: Any) -> None:
        with tf.GradientTape() as tape:
            error = tf.reduce_sum(tf.square(layer(x, training=True) - x))
        handles = [v.value for v in layer.trainable_variables]
        optimizer.apply_gradients(zip(tape.gradient(error, handles), layer.trainable_variables, strict=True))

    for number in range(400):
        step(uniform(number))
    low, high = range_of(layer)
    assert -1.3 < low < -0.8
    assert 0.8 < high < 1.3


def classes() -> tuple[FloatModel, Dataset]:
    """Three classes by the largest of three inputs."""
    keras = keras3()
    keras.utils.set_random_seed(3)
    x = np.random.default_rng(3).normal(size=(300, 3)).astype(np.float32)
    y = x.argmax(axis=1)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(12, activation="relu", name="hidden"), layers.Dense(3, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=15, verbose=0)
    split = Split(x=(x,), y=y)
    data = Dataset(
        test=split, train=split, validation=split, calibration=None, class_names=(), source="memory", sha256="0" * 64
    )
    return from_keras(model, path=Path("model.keras")), data


def test_the_tflite_has_the_learned_ranges() -> None:
    model, data = classes()
    options = QuantizeOptions(
        method=Method.QAT, training=TrainingOptions(epochs=3, learning_rate=1e-3, ranges_in_training=LEARNED)
    )
    made = quantize(model, data, options)  # checks that every trained scale is in the .tflite
    assert made.agreement is not None and made.agreement.share >= 0.995
    assert any("trained with the weights" in note for note in made.notes)
    assert made.history is not None and all(epoch.range_change for epoch in made.history.epochs)
    start = fake_quantized(training_form(model), (data.test.x[0],), LEARNED)
    scales = {round(grid.scale, 9) for _, grid in start.grids()}
    assert not scales & {round(t.quantization.scale, 9) for t in made.graph.tensors if t.quantization}
