"""A .tflite by `TFLiteConverter.from_keras_model` alone, whose batch size is free: it is built as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edgeq
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.runtime import keras3, quiet, tensorflow
from edgeq.records import Reference

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("tensorflow")]


def _converted(batch: int | None) -> bytes:
    keras, tf = keras3(), tensorflow()
    keras.utils.set_random_seed(4)
    layers = keras.layers
    image = keras.Input((8, 8, 2), batch_size=batch)
    x = layers.Conv2D(4, 3, activation="relu")(image)
    pooled = layers.Reshape((1, 1, 4))(layers.GlobalAveragePooling2D()(x))
    pooled = layers.Conv2D(5, 1, activation="relu")(pooled)
    both = layers.Concatenate()([layers.Flatten()(layers.Conv2DTranspose(2, 3, 2)(x)), layers.Flatten()(pooled)])
    rng = np.random.default_rng(4)
    with quiet():
        converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, layers.Dense(3)(both)))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([rng.random((1, 8, 8, 2), np.float32)] for _ in range(20))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())


def test_a_fixed_batch_needs_no_shape_ops() -> None:
    assert parse_tflite(_converted(1)).shape_ops == ()


def test_the_device_gives_the_bits_of_tflm(tmp_path: Path) -> None:
    content = _converted(None)
    assert {op.name for op in parse_tflite(content).shape_ops} == {"SHAPE", "STRIDED_SLICE", "PACK"}
    path = tmp_path / "plain.tflite"
    path.write_bytes(content)
    _, findings = edgeq.inspect(path)
    assert findings == ()
    report = edgeq.build(edgeq.BuildOptions(model=path, data=None, out=tmp_path / "out", device="native", samples=20))
    assert report.passed and report.drift is not None
    assert (report.drift.primary.reference, report.drift.primary.mismatches) == (Reference.TFLM, 0)
    assert {layer.state for layer in report.drift.layers if layer.point is not None} == {"equal"}
