"""Bias correction: the mean error of each layer shrinks, and nothing but biases changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.load import from_keras
from edgeq.model.quantization import dequantize_output, quantize_input
from edgeq.model.runtime import keras3
from edgeq.model.verify import verify_int8
from edgeq.quantize.bias_correction import correct_biases
from edgeq.quantize.twin import quantize_twin, twin_of
from edgeq.records import Reference
from edgeq.reference import run_reference
from edgeq.reference.float_model import float_outputs

pytestmark = pytest.mark.xdist_group("tensorflow")


def real_outputs(content: bytes, x: tuple[np.ndarray, ...], output: int) -> np.ndarray:
    graph = parse_tflite(content)
    inputs = [quantize_input(a, t) for a, t in zip(x, graph.input_tensors, strict=True)]
    values = run_reference(content, inputs, Reference.TFLM).outputs[output]
    return dequantize_output(values, graph.output_tensors[output])


def test_mean_errors_are_taken_out(zoo: Any) -> None:
    model = from_keras(zoo.zoo_keras("two_in_two_out"), path=Path("two.keras"))
    x = zoo.zoo_inputs("two_in_two_out", 60)
    twin = twin_of(model, x)
    plain = quantize_twin(twin)
    corrected = correct_biases(plain, twin, x)
    box = float_outputs(model, x)[1]  # a layer without activation
    before, after = (np.abs((real_outputs(c, x, 1) - box).mean(axis=0)).mean() for c in (plain, corrected))
    assert after < before / 3
    old, new = parse_tflite(plain), parse_tflite(corrected)
    changed = set()
    for a, b in zip(old.tensors, new.tensors, strict=True):
        assert (a.name, a.shape, a.dtype, a.quantization) == (b.name, b.shape, b.dtype, b.quantization)
        if a.data is not None and b.data is not None and not np.array_equal(a.data, b.data):
            changed.add(a.index)
    biases = {op.inputs[2] for op in old.ops if op.name in {"CONV_2D", "FULLY_CONNECTED"}}
    assert changed
    assert changed <= biases


def test_a_layer_without_bias_gets_one() -> None:
    """The converter drops biases that are all zero, and keeps equal constants only once."""
    keras = keras3()
    keras.utils.set_random_seed(3)
    vector = keras.Input((8,), name="vector")
    hidden = keras.layers.Dense(8, activation="relu", name="hidden")(vector)
    model = from_keras(keras.Model(vector, keras.layers.Dense(8, name="score")(hidden)), path=Path("two.keras"))
    x = (np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32),)
    twin = twin_of(model, x)
    plain = quantize_twin(twin)
    assert [op.inputs[2:] for op in parse_tflite(plain).ops] == [(-1,), (-1,)]
    corrected = correct_biases(plain, twin, x)
    graph = parse_tflite(corrected)
    first, second = (graph.tensors[op.inputs[2]] for op in graph.ops)
    assert first.data is not None and second.data is not None
    assert first.data.any() and second.data.any()
    assert not np.array_equal(first.data, second.data)
    assert verify_int8(graph, supported_ops={"FULLY_CONNECTED"}, engine="aot") == ()
    expected = float_outputs(model, x)[0]
    before, after = (np.abs((real_outputs(c, x, 0) - expected).mean(axis=0)).mean() for c in (plain, corrected))
    assert after < before
