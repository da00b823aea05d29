"""Float model to full-integer .tflite: right shape, right order, the same bytes every time, clear refusals."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq import process
from edgeq.errors import DataError, ModelError, UnsupportedError
from edgeq.model.load import from_keras, load_float_model
from edgeq.model.runtime import keras3, legacy_keras, quiet, tensorflow
from edgeq.quantize import METHODS, QuantizeOptions, from_tflite, quantize
from edgeq.quantize.calibration import calibration_samples, calibration_source
from edgeq.records import Dataset, FloatModel, Method, ModelFormat, Split
from edgeq.reference.float_model import float_outputs

pytestmark = pytest.mark.xdist_group("tensorflow")


def dataset(*x: np.ndarray, calibration: tuple[np.ndarray, ...] | None = None) -> Dataset:
    return Dataset(
        source="data",
        sha256="",
        test=Split(x=tuple(a[:2] for a in x)),
        train=Split(x=x),
        calibration=None if calibration is None else Split(x=calibration),
    )


def random_inputs(model: FloatModel, n: int = 40) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(3)
    return tuple(rng.normal(size=(n, *(d or 0 for d in spec.shape))).astype(np.float32) for spec in model.inputs)


def run(content: bytes, x: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Dequantized outputs of an int8 .tflite, one array per output."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    collected: list[list[np.ndarray]] = [[] for _ in interpreter.get_output_details()]
    for i in range(len(x[0])):
        for detail, array in zip(interpreter.get_input_details(), x, strict=True):
            scale, zero_point = detail["quantization"]
            q = np.clip(np.round(array[i : i + 1] / scale) + zero_point, -128, 127)
            interpreter.set_tensor(detail["index"], q.astype(np.int8))
        interpreter.invoke()
        for detail, outputs in zip(interpreter.get_output_details(), collected, strict=True):
            scale, zero_point = detail["quantization"]
            outputs.append((interpreter.get_tensor(detail["index"])[0].astype(np.float32) - zero_point) * scale)
    return [np.stack(outputs) for outputs in collected]


def test_the_zoo_is_full_integer_with_int8_edges(zoo: Any) -> None:
    from edgeq.model.flatbuffer import parse_tflite

    for name in zoo.ZOO:
        graph = parse_tflite(zoo.zoo_tflite(name))
        assert {t.dtype.value for t in (*graph.input_tensors, *graph.output_tensors)} == {"int8"}, name
        assert {t.dtype.value for t in graph.tensors} <= {"int8", "int32"}, name
        for op in graph.ops:
            if op.name in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
                weights = graph.tensors[op.inputs[1]]
                assert weights.quantization is not None
                channels = weights.shape[0 if op.name == "CONV_2D" else 3]
                assert len(weights.quantization.scales) == channels, name


def test_outputs_are_near_the_float_models(zoo: Any) -> None:
    model = from_keras(zoo.zoo_keras("demo"), path=Path("demo.keras"))
    x = zoo.zoo_inputs("demo", 20)
    quantized = quantize(model, dataset(*zoo.zoo_inputs("demo", 100, seed=9)))
    assert quantized.method is Method.PTQ
    assert quantized.calibration_samples == 100
    assert quantized.graph.sha256 == hashlib.sha256(quantized.content).hexdigest()
    (expected,) = float_outputs(model, x)
    (found,) = run(quantized.content, x)
    assert np.abs(found - expected).mean() < 0.02
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.9


def test_inputs_and_outputs_keep_the_models_order(zoo: Any) -> None:
    model = from_keras(zoo.zoo_keras("two_in_two_out"), path=Path("two.keras"))
    x = zoo.zoo_inputs("two_in_two_out", 10)
    expected = float_outputs(model, x)
    found = run(quantize(model, dataset(*zoo.zoo_inputs("two_in_two_out", 60, seed=4))).content, x)
    assert [f.shape for f in found] == [(10, 4), (10, 2)]  # the converter itself sorts both by name
    for f, e in zip(found, expected, strict=True):
        assert np.abs(f - e).mean() < 0.05


def test_inputs_by_name_may_be_keywords(tmp_path: Path) -> None:
    keras = keras3()
    inputs = {"in": keras.Input((3,), name="in"), "a/b": keras.Input((2,), name="a_b")}
    joined = keras.layers.Concatenate()([inputs["in"], inputs["a/b"]])
    model = from_keras(keras.Model(inputs, {"class": keras.layers.Dense(2, name="class")(joined)}), path=tmp_path)
    x = random_inputs(model)
    (found,) = run(quantize(model, dataset(*x)).content, x)
    (expected,) = float_outputs(model, x)
    assert np.abs(found - expected).mean() < 0.05


@pytest.mark.parametrize("kind", ["keras3", "tf_keras", "saved_model"])
def test_every_loader_leads_to_the_same_model(tmp_path: Path, kind: str) -> None:
    library = keras3() if kind == "keras3" else legacy_keras()
    image = library.Input((6, 6, 2), name="image")
    x = library.layers.Conv2D(4, 3, activation="relu")(image)
    x = library.layers.GlobalAveragePooling2D()(x)
    keras_model = library.Model(image, library.layers.Dense(3)(x))
    path = tmp_path / ("model" if kind == "saved_model" else "model.keras")
    with quiet():
        keras_model.save(path, **({"save_format": "tf"} if kind == "saved_model" else {}))
    model = load_float_model(path)
    inputs = random_inputs(model)
    first, second = (quantize(model, dataset(*inputs)).content for _ in range(2))
    assert first == second
    assert [op.name for op in quantize(model, dataset(*inputs)).graph.ops] == ["CONV_2D", "MEAN", "FULLY_CONNECTED"]
    (found,), (expected,) = run(first, inputs), float_outputs(model, inputs)
    assert np.abs(found - expected).mean() < 0.05


def test_another_process_writes_the_same_bytes(zoo: Any) -> None:
    model = from_keras(zoo.zoo_keras("demo"), path=Path("demo.keras"))
    data = Dataset(
        source="zoo",
        sha256="",
        test=Split(x=zoo.zoo_inputs("demo", 8)),
        calibration=Split(x=zoo.zoo_inputs("demo", 32, 2)),
    )
    here = quantize(model, data, QuantizeOptions(calibration_samples=32)).content
    assert here == zoo.zoo_tflite("demo")  # which a child process built


def test_calibration_never_sees_test_samples() -> None:
    x = np.arange(50, dtype=np.float32).reshape(50, 1)
    only_test = Dataset(source="data", sha256="", test=Split(x=(x,)))
    with pytest.raises(DataError, match="has test samples only"):
        calibration_source(only_test)
    assert calibration_source(dataset(x))[0] == "training"
    assert calibration_source(dataset(x, calibration=(x[:5],)))[0] == "calibration"


def test_calibration_samples_are_drawn_by_seed() -> None:
    x = np.arange(50, dtype=np.uint8).reshape(50, 1)
    first, again, other = (calibration_samples(dataset(x), 10, seed)[0] for seed in (1, 1, 2))
    assert first.dtype == np.float32
    assert first.shape == (10, 1)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(np.unique(first)) == 10
    assert len(calibration_samples(dataset(x), 1000, 0)[0]) == 50
    with pytest.raises(DataError, match="0 calibration samples"):
        calibration_samples(dataset(x), 0, 0)


def test_unsupported_layers_are_named(tmp_path: Path) -> None:
    keras, tf = keras3(), tensorflow()

    class Odd(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return tf.math.erfinv(x)

    vector = keras.Input((4,), name="vector")
    odd = from_keras(
        keras.Model(vector, keras.layers.Dense(2)(Odd(name="my_odd")(vector))), path=tmp_path / "odd.keras"
    )
    with pytest.raises(UnsupportedError, match=r"odd\.keras uses operations .*: Erfinv \(layer my_odd\)"):
        quantize(odd, dataset(*random_inputs(odd)))
    tokens = keras.Input((4,), dtype="int32", name="tokens")
    embedded = keras.layers.Flatten()(keras.layers.Embedding(9, 2)(tokens))
    words = from_keras(keras.Model(tokens, embedded), path=tmp_path / "words.keras")
    with pytest.raises(UnsupportedError, match=r"Input 'tokens' of words\.keras takes int32"):
        quantize(words, dataset(*random_inputs(words)))
    half = keras.Model(vector, keras.layers.Dense(2, dtype="mixed_float16", name="half")(vector))
    with pytest.raises(UnsupportedError, match=r"Layer 'half' .* computes in float16"):
        quantize(from_keras(half, path=tmp_path / "half.keras"), dataset(np.ones((3, 4), np.float32)))


def test_a_crash_of_the_converter_is_contained(tmp_path: Path) -> None:
    keras = keras3()
    signal = keras.Input((5, 2), name="signal")
    model = from_keras(keras.Model(signal, keras.layers.LSTM(3)(signal)), path=tmp_path / "recurrent.keras")
    with pytest.raises(UnsupportedError, match=r"crashed on recurrent\.keras.*\n.*unroll=True"):
        quantize(model, dataset(*random_inputs(model)))


def test_from_tflite(zoo: Any, tmp_path: Path) -> None:
    content = zoo.zoo_tflite("demo")
    quantized = from_tflite(content, tmp_path / "demo.tflite")
    assert quantized.content == content
    assert quantized.method is None
    assert quantized.float_model is None
    with pytest.raises(ModelError, match=r"cut\.tflite"):
        from_tflite(content[:100], tmp_path / "cut.tflite")


def test_every_method_is_registered() -> None:
    assert set(METHODS) == set(Method)


def test_nothing_is_printed(zoo: Any) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import zoo\nfrom pathlib import Path\n"
        "from edgeq.model.load import from_keras\nfrom edgeq.quantize import quantize\n"
        "from edgeq.records import Dataset, Split\n"
        "x = zoo.zoo_inputs('float_island', 20)\n"
        "data = Dataset(source='x', sha256='', test=Split(x=x), train=Split(x=x))\n"
        "quantize(from_keras(zoo.zoo_keras('float_island'), path=Path('x.keras')), data)\n"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    child = process.run(
        [sys.executable, "-c", code, Path(zoo.__file__).parent], timeout=120, what="quantizing", env=env
    )
    assert (child.stdout, child.stderr) == (b"", b"")


def test_saved_models_with_several_outputs_keep_their_order(tmp_path: Path) -> None:
    keras = keras3()
    vector = keras.Input((4,), name="vector")
    widths = list(range(1, 13))
    model = keras.Model(vector, [keras.layers.Dense(width)(vector) for width in widths])
    with quiet():
        model.export(tmp_path / "model", verbose=False)
    loaded = load_float_model(tmp_path / "model")
    assert loaded.format is ModelFormat.SAVED_MODEL
    assert [spec.shape for spec in loaded.outputs] == [(width,) for width in widths]
    quantized = quantize(loaded, dataset(*random_inputs(loaded)))
    assert [t.shape for t in quantized.graph.output_tensors] == [(1, width) for width in widths]
