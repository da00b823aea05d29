"""tfmot: refusals before training, trained scales in the .tflite, and the float control that is trained alike."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.errors import UnsupportedError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3, legacy_keras, quiet, tensorflow, tfmot_keras
from edgeq.quantize import MethodResult, QuantizeOptions
from edgeq.quantize.agreement import measure_agreement
from edgeq.quantize.qat_tfmot import continued_float_tfmot, qat_tfmot
from edgeq.quantize.qat_tfmot.method import convert_wrapped, require_convertible
from edgeq.quantize.qat_tfmot.ranges import missing_ranges, range_widths, start_ranges, trained_ranges
from edgeq.quantize.qat_tfmot.supported import require_supported
from edgeq.quantize.qat_tfmot.wrap import copied, wrapped
from edgeq.records import Dataset, FloatModel, ModelFormat, Split
from edgeq.reference.float_model import float_outputs
from edgeq.training import TrainingOptions
from edgeq.validation.agreement import describe, has_gap

pytestmark = pytest.mark.xdist_group("tensorflow")

RNG = np.random.default_rng(0)
PICTURES = RNG.normal(size=(240, 6, 6, 2)).astype(np.float32)
VECTORS = RNG.normal(size=(240, 3)).astype(np.float32)
LABELS = (PICTURES.mean(axis=(1, 2, 3)) > 0).astype(np.int64) + (VECTORS[:, 0] > 0)
OPTIONS = QuantizeOptions(training=TrainingOptions(epochs=3, learning_rate=1e-2))


def dataset() -> Dataset:
    def part(rows: slice) -> Split:
        return Split(x=(VECTORS[rows], PICTURES[rows]), y=LABELS[rows])

    return Dataset(
        source="data", sha256="", train=part(slice(160)), validation=part(slice(160, 200)), test=part(slice(200, None))
    )


def two_inputs(library: Any) -> Any:
    """Inputs whose order is not that of their names, a layer that is used twice, and every kind of range."""
    layers = library.layers
    vector, picture = library.Input((3,), name="z_vector"), library.Input((6, 6, 2), name="a_picture")
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(picture)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm", momentum=0.5)(x))
    y = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=1, name="depthwise")(x)
    x = layers.Add(name="sum")([x, y])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    shared = layers.Dense(4, activation="relu", name="shared")
    x = layers.Add(name="both")([shared(x), shared(layers.Dense(4, name="widen")(vector))])
    return library.Model([vector, picture], layers.Dense(3, activation="softmax", name="out")(x))


def record(handle: Any) -> FloatModel:
    is_keras3 = isinstance(handle, keras3().Model)
    return from_keras(
        handle, path=Path("model.keras"), format=ModelFormat.KERAS3 if is_keras3 else ModelFormat.TF_KERAS
    )


@pytest.fixture(scope="module")
def model() -> FloatModel:
    keras3().utils.set_random_seed(0)
    return record(two_inputs(keras3()))


@pytest.fixture(scope="module")
def result(model: FloatModel) -> MethodResult:
    return qat_tfmot(model, dataset(), OPTIONS)


def trained(result: MethodResult) -> FloatModel:
    assert result.trained is not None
    return result.trained


def test_the_tflite_has_the_models_order_and_the_trained_ranges(model: FloatModel, result: MethodResult) -> None:
    graph = parse_tflite(result.content)
    assert [t.shape for t in graph.input_tensors] == [(1, 3), (1, 6, 6, 2)]
    ranges = trained_ranges(trained(result).handle)
    # Two inputs; relu, depthwise, sum, pool, shared, widen, both, out; weights of conv, depthwise and three Dense.
    assert len(ranges) == 15
    # The converter gives the weights of a Dense that is used twice new scales, one per channel.
    assert missing_ranges(graph, ranges) == ("shared",)
    assert [r.where for r in ranges if r.scales.size == 4] == ["conv"]
    other = tuple(replace(r, scales=r.scales * 1.001) if r.where in {"pool", "conv"} else r for r in ranges)
    assert missing_ranges(graph, other) == ("pool", "conv", "shared")
    assert result.history is not None
    assert len(result.history.epochs) == 3
    assert all(epoch.range_change is not None and epoch.range_change < 1 for epoch in result.history.epochs)
    assert range_widths(trained(result).handle).shape == (8,)


def test_its_predictions_are_those_of_the_fake_quantized_model(result: MethodResult) -> None:
    x = dataset().test.x
    agreement = measure_agreement(result.content, trained(result), x, classes=True)
    assert agreement.samples == 40
    assert agreement.same >= 38  # the layer that is used twice has other weights than it was trained with
    assert agreement.largest_difference < 0.05
    gaps = [note for note in result.notes if "gap" in note]
    assert gaps[0] == "Conversion gap: the .tflite does not have the trained range of shared."


def test_the_start_is_a_model_that_works() -> None:
    """If training only harms, the start is kept: it must convert, and be near the float model."""
    keras3().utils.set_random_seed(0)
    handle = two_inputs(legacy_keras())
    fake = wrapped(record(handle))
    before = {v.name: v.numpy() for v in fake.handle.variables}
    x = dataset().test.x
    start_ranges(fake.handle, x)
    changed = {v.name for v in fake.handle.variables if (v.numpy() != before[v.name]).any()}
    assert len(changed) == 2 * (2 + 5)  # smallest and largest of two inputs and five weights
    assert all("quantize_layer" in name or "kernel" in name for name in changed)
    (expected,), (found,) = float_outputs(record(handle), x), float_outputs(fake, x)
    assert np.abs(found - expected).max() < 0.05
    content = convert_wrapped(fake)
    agreement = measure_agreement(content, fake, x, classes=True)
    assert agreement.largest_difference < 0.03


def test_what_was_wrapped_before_leaves_no_trace() -> None:
    """The same bytes whatever the process has done: layers' names stand in the .tflite."""
    keras = legacy_keras()
    keras.utils.set_random_seed(0)
    image = keras.Input((4,), name="image")
    given = record(keras.Model(image, keras.layers.Dense(2, name="out")(image)))
    made = []
    for _ in range(2):
        fake = wrapped(given)
        start_ranges(fake.handle, (VECTORS[:, [0, 1, 2, 0]],))
        made.append(convert_wrapped(fake))
    assert made[0] == made[1]


def test_a_gap_becomes_a_note(result: MethodResult) -> None:
    other = trained(result).handle
    weights = other.get_layer("quant_out").get_weights()
    other.get_layer("quant_out").set_weights([-w if w.shape == (4, 3) else w for w in weights])
    try:
        agreement = measure_agreement(result.content, trained(result), dataset().test.x, classes=True)
    finally:
        other.get_layer("quant_out").set_weights(weights)
    assert has_gap(agreement)
    assert describe(agreement).startswith("Conversion gap: the int8 model answers as the fake-quantized one for ")
    assert f"for {agreement.apart} the answers differ by more than rounding" in describe(agreement)


def test_the_given_model_stays_as_it_was(model: FloatModel, result: MethodResult) -> None:
    keras3().utils.set_random_seed(0)
    fresh = record(two_inputs(keras3()))
    x = dataset().test.x
    np.testing.assert_array_equal(float_outputs(model, x)[0], float_outputs(fresh, x)[0])
    assert trained(result).outputs == model.outputs
    assert isinstance(trained(result).handle, legacy_keras().Model)


def test_the_control_is_trained_alike(model: FloatModel, result: MethodResult) -> None:
    control, history = continued_float_tfmot(model, dataset(), OPTIONS)
    assert result.history is not None
    same = ("optimizer", "loss", "batch_size", "training_samples", "validation_samples", "validation_seen")
    assert [getattr(history, name) for name in same] == [getattr(result.history, name) for name in same]
    assert [e.learning_rate for e in history.epochs] == [e.learning_rate for e in result.history.epochs]
    assert isinstance(control.handle, legacy_keras().Model)
    assert history.epochs[-1].loss < history.start.loss


@pytest.mark.parametrize("frozen", [False, True])
def test_batch_norm_is_in_the_same_mode_with_and_without_tfmot(frozen: bool) -> None:
    """One step in training mode: the batch's statistics are used, and move the layer's own, unless it is frozen."""
    keras3().utils.set_random_seed(0)
    handle = two_inputs(legacy_keras())
    handle.get_layer("norm").trainable = not frozen
    plain, fake = copied(record(handle)).handle, wrapped(record(handle)).handle
    x = [VECTORS[:64], PICTURES[:64]]
    with quiet():
        for _ in range(2):  # the weights' ranges are known after the first
            plain(x, training=True)
            fake(x, training=True)
    norm, wrapped_norm = plain.get_layer("norm"), fake.get_layer("quant_norm").layer
    moved = np.abs(norm.moving_variance.numpy() - 1.0).max()
    assert moved == 0 if frozen else moved > 0.05
    # tfmot's differ by what 8 bits do to the convolution before it.
    np.testing.assert_allclose(wrapped_norm.moving_variance.numpy(), norm.moving_variance.numpy(), rtol=0.05)
    np.testing.assert_allclose(wrapped_norm.moving_mean.numpy(), norm.moving_mean.numpy(), atol=0.05)


def test_importing_tfmot_leaves_keras_alone() -> None:
    assert tfmot_keras().quantize_model
    assert "TF_USE_LEGACY_KERAS" not in os.environ
    assert tensorflow().keras.layers.Dense is keras3().layers.Dense


def test_refusals_name_every_layer() -> None:
    keras = legacy_keras()
    layers = keras.layers
    signal, picture = keras.Input((8, 2), name="signal"), keras.Input((6, 6, 2), name="picture")
    a = layers.Conv1D(2, 3, padding="same", name="conv1d")(signal)
    a = layers.SeparableConv1D(2, 3, name="separable")(a)
    a = layers.LSTM(3, name="lstm")(layers.Rescaling(0.1, name="rescaling")(a))
    b = layers.BatchNormalization(name="standalone")(picture)
    b = layers.PReLU(name="prelu")(layers.Conv2D(2, 3, padding="same", activation="elu", name="elu")(b))
    b = layers.BatchNormalization(name="late")(layers.Conv2D(2, 1, activation="relu", name="early_relu")(b))
    c = layers.Conv2D(2, 1, name="used_twice")(b)
    b = layers.Multiply(name="gate")([layers.BatchNormalization(name="one_user")(c), c])
    b = layers.Add(name="three")([b, c, picture])
    b = layers.ReLU(4.0, name="relu4")(b + c)
    b = layers.Activation("hard_sigmoid", name="sigmoid")(layers.Flatten()(b))
    b = layers.BatchNormalization(name="dense_norm")(layers.Dense(3, name="dense")(b))
    nested = keras.Sequential([keras.Input((3,)), layers.Dense(3)], name="nested")
    model = record(keras.Model([signal, picture], layers.Concatenate(name="joined")([a, nested(b)])))
    with pytest.raises(UnsupportedError) as caught:
        require_supported(model)
    # Keras numbers operators over the whole process.
    refused = {re.sub(r"(?<=add)_\d+$", "", line.split("'")[1]) for line in caught.value.message.splitlines()[1:]}
    assert refused == {
        "conv1d", "separable", "lstm", "rescaling", "standalone", "prelu", "elu", "late", "gate", "one_user", "three",
        "relu4", "sigmoid", "dense_norm", "nested", "tf.__operators__.add",
    }  # fmt: skip
    assert "--method qat" in str(caught.value)


def test_what_is_not_refused_becomes_full_integer() -> None:
    """Every kind of layer that `require_supported` lets pass, side by side."""
    keras = legacy_keras()
    layers = keras.layers
    x = keras.Input((6, 6, 2), name="x")
    y = layers.Conv2D(2, 1, name="y")(x)
    outputs = [
        layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(2, 3)(y))),
        layers.LeakyReLU(0.1)(layers.BatchNormalization(scale=False)(layers.Conv2D(2, 3, use_bias=False)(y))),
        layers.Activation("relu")(layers.BatchNormalization()(layers.SeparableConv2D(2, 3)(y))),
        layers.BatchNormalization()(layers.DepthwiseConv2D(3, depth_multiplier=2)(y)),
        layers.Conv2DTranspose(2, 3)(y),
        layers.Concatenate()([y, layers.ReLU()(layers.Add()([x, y]))]),
        layers.Permute((2, 1, 3))(layers.Cropping2D()(layers.ZeroPadding2D(2)(y))),
        layers.UpSampling2D()(layers.Dropout(0.1)(layers.SpatialDropout2D(0.1)(y))),
        layers.AveragePooling2D()(layers.MaxPooling2D()(y)),
        layers.GlobalAveragePooling2D()(layers.ActivityRegularization()(y)),
        layers.GlobalMaxPooling2D()(y),
        layers.Softmax()(layers.Dense(3)(layers.Flatten()(y))),
        *(layers.Conv2D(2, 1, activation=name)(y) for name in ("relu", "sigmoid", "softmax", "tanh")),
        *(layers.Activation(name)(layers.Reshape((36, 2))(y)) for name in ("linear", "relu", "sigmoid", "softmax")),
        *(layers.Activation(name)(layers.Conv2D(2, 1)(y)) for name in ("tanh", "swish", "relu6")),
    ]
    model = record(keras.Model(x, outputs))
    require_supported(model)
    fake = wrapped(model)
    start_ranges(fake.handle, (PICTURES[:64],))
    require_convertible(fake)


def test_floats_in_what_tfmot_makes_are_found_before_training() -> None:
    """A batch norm after Dense is what tfmot takes and the converter does not; `require_supported` knows it."""
    keras = legacy_keras()
    dense = [keras.layers.Dense(3, name="dense"), keras.layers.BatchNormalization(name="dense_norm")]
    model = record(keras.Sequential([keras.Input((3,)), *dense]))
    fake = wrapped(model)
    start_ranges(fake.handle, (VECTORS[:64],))
    with pytest.raises(UnsupportedError, match=r"stays float in parts\.(?s:.*)dense_norm"):
        require_convertible(fake)


def test_saved_models_cannot_be_trained(model: FloatModel) -> None:
    saved = replace(model, format=ModelFormat.SAVED_MODEL)
    with pytest.raises(UnsupportedError, match=r"model\.keras is a SavedModel"):
        qat_tfmot(saved, dataset(), OPTIONS)
