"""What quantization does to each layer: measured where the damage was planted, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.errors import UnsupportedError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3
from edgeq.quantize import quantize
from edgeq.quantize.align import align
from edgeq.quantize.sensitivity import Sensitivity, measure_sensitivity
from edgeq.quantize.twin import Twin, quantize_twin, twin_of
from edgeq.records import Dataset, FloatModel, Split

pytestmark = pytest.mark.xdist_group("tensorflow")

SAMPLES = 40


@pytest.fixture(scope="module")
def demo(zoo: Any) -> tuple[FloatModel, Twin]:
    model = from_keras(zoo.zoo_keras("demo"), path=Path("demo.keras"))
    return model, twin_of(model, zoo.zoo_inputs("demo", 60))


def measured(twin: Twin, content: bytes, x: tuple[np.ndarray, ...], labels: np.ndarray | None = None) -> Sensitivity:
    return measure_sensitivity(content, parse_tflite(content), twin, x, labels)


def test_the_twin_is_what_the_converter_quantizes(zoo: Any, demo: tuple[FloatModel, Twin]) -> None:
    model, twin = demo
    x = zoo.zoo_inputs("demo", 60)
    whole = quantize(model, Dataset(source="zoo", sha256="", test=Split(x=x), calibration=Split(x=x))).graph
    from_twin = parse_tflite(quantize_twin(twin))
    assert [op.name for op in from_twin.ops] == [op.name for op in whole.ops]
    for a, b in zip(from_twin.tensors, whole.tensors, strict=True):
        assert (a.name, a.shape, a.dtype, a.quantization) == (b.name, b.shape, b.dtype, b.quantization)
        assert (a.data is None) == (b.data is None)
        assert a.data is None or b.data is None or np.array_equal(a.data, b.data)


def test_other_ranges_reach_the_int8_model(demo: tuple[FloatModel, Twin]) -> None:
    _, twin = demo
    first = twin.graph.ops[0].outputs[0]
    graph = parse_tflite(quantize_twin(twin, {first: (0.0, 2.55)}))
    quantization = graph.tensors[graph.ops[0].outputs[0]].quantization
    assert quantization is not None
    assert quantization.scale == pytest.approx(0.01)
    assert quantization.zero_point == -128


def test_a_healthy_model(zoo: Any, demo: tuple[FloatModel, Twin]) -> None:
    _, twin = demo
    x = zoo.zoo_inputs("demo", SAMPLES, 9)
    found = measured(twin, quantize_twin(twin), x)
    assert [layer.label.split()[1] for layer in found.layers] == [op.name for op in twin.graph.ops]
    assert found.unmatched == ()
    assert all(15 < layer.sqnr_db < 60 for layer in found.layers)
    assert all(layer.accuracy is None for layer in found.layers)
    assert len(found.ranges) == 8  # the input and every layer but the pooling, which takes its range over, and softmax
    assert all(use.clipped < 0.02 and use.unused < 0.3 for use in found.ranges)


def test_clipped_and_unused_ranges_are_seen_where_they_are(zoo: Any, demo: tuple[FloatModel, Twin]) -> None:
    _, twin = demo
    narrow, wide = twin.graph.ops[0].outputs[0], twin.graph.ops[1].outputs[0]
    ranges = {narrow: (0.0, twin.ranges[narrow][1] / 4), wide: (0.0, 4 * twin.ranges[wide][1])}
    found = measured(twin, quantize_twin(twin, ranges), zoo.zoo_inputs("demo", SAMPLES, 9))
    by_name = {use.name: use for use in found.ranges}
    assert by_name[twin.graph.tensors[narrow].name].clipped > 0.05
    assert by_name[twin.graph.tensors[wide].name].unused == pytest.approx(0.75, abs=0.05)
    assert found.layers[0].sqnr_db < 15


def test_one_layer_alone(zoo: Any, demo: tuple[FloatModel, Twin]) -> None:
    """Labels are the float model's own answers, so that it scores 1; one layer is quantized far too coarsely."""
    _, twin = demo
    x = zoo.zoo_inputs("demo", SAMPLES, 9)
    from edgeq.records import Reference
    from edgeq.reference import run_reference

    labels = run_reference(twin.content, x, Reference.LITERT_DEFAULT).outputs[0].argmax(axis=1)
    coarse = twin.graph.ops[5].outputs[0]
    content = quantize_twin(twin, {coarse: (0.0, 200 * twin.ranges[coarse][1])})
    found = measured(twin, content, x, labels)
    assert found.float_accuracy == 1.0
    accuracies = {layer.index: layer.accuracy for layer in found.layers if layer.accuracy is not None}
    assert set(accuracies) == {0, 1, 2, 3, 5, 6, 7, 8}  # pooling has nothing to lose
    assert accuracies[5] < 0.9
    assert min(value for index, value in accuracies.items() if index != 5) > accuracies[5]


def test_channels_of_unequal_range() -> None:
    keras = keras3()
    vector = keras.Input((6,), name="vector")
    hidden = keras.layers.Dense(8, name="hidden")
    outputs = keras.layers.Dense(3, name="score")(hidden(vector))
    keras_model = keras.Model(vector, outputs)
    rng = np.random.default_rng(1)
    kernel = np.where(rng.random((6, 8)) < 0.5, -1.0, 1.0).astype(np.float32)
    kernel[:, :4] *= 100
    hidden.set_weights([kernel, np.zeros(8, np.float32)])
    model = from_keras(keras_model, path=Path("unequal.keras"))
    x = (rng.normal(size=(30, 6)).astype(np.float32),)
    twin = twin_of(model, x)
    found = measured(twin, quantize_twin(twin), x)
    assert found.layers[0].weight_ratio == pytest.approx(100, rel=0.02)
    assert found.layers[0].output_ratio is not None and found.layers[0].output_ratio > 50


def test_a_file_with_other_names_is_aligned_by_its_ops(zoo: Any, demo: tuple[FloatModel, Twin]) -> None:
    model, twin = demo
    keras = keras3()
    renamed = keras.models.clone_model(model.handle, clone_function=_renamed)
    renamed.set_weights(model.handle.get_weights())
    other = twin_of(from_keras(renamed, path=Path("renamed.keras")), zoo.zoo_inputs("demo", 60))
    content = quantize_twin(other)
    assert not {t.name for t in other.graph.tensors[1:15]} & {t.name for t in twin.graph.tensors[1:15]}
    pairs = align(parse_tflite(content), twin)
    assert [twin.graph.tensors[i].shape for i in pairs.values()] == [t.shape for t in _activations(content)]
    found = measured(twin, content, zoo.zoo_inputs("demo", 10, 9))
    assert all(layer.sqnr_db > 15 for layer in found.layers)


def test_another_model_is_refused(zoo: Any, demo: tuple[FloatModel, Twin]) -> None:
    _, twin = demo
    with pytest.raises(UnsupportedError, match=r"was not made from demo\.keras"):
        measured(twin, zoo.zoo_tflite("resnet8"), zoo.zoo_inputs("resnet8", 2))


def _renamed(layer: Any) -> Any:
    config = layer.get_config()
    config["name"] = "other_" + config["name"]
    return type(layer).from_config(config)


def _activations(content: bytes) -> list[Any]:
    graph = parse_tflite(content)
    return [graph.tensors[i] for i in (*graph.inputs, *(i for op in graph.ops for i in op.outputs))]
