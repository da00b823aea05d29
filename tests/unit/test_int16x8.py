"""16x8 models: verified by their own rules, near the float model, and refused for the device before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tflite_builder import ModelBuilder

from edgeq.errors import UnsupportedError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.load import from_keras
from edgeq.model.quantization import dequantize_output, quantize_input
from edgeq.model.scheme import Scheme
from edgeq.model.verify import verify, verify_int8
from edgeq.options import BuildOptions
from edgeq.pipeline import build
from edgeq.quantize import QuantizeOptions, quantize
from edgeq.records import Dataset, Method, Quantized, Reference, Split
from edgeq.reference import run_reference
from edgeq.reference.float_model import float_outputs

pytestmark = pytest.mark.xdist_group("tensorflow")


def error(made: Quantized, x: tuple[np.ndarray, ...], expected: np.ndarray) -> float:
    inputs = [quantize_input(a, t) for a, t in zip(x, made.graph.input_tensors, strict=True)]
    outputs = run_reference(made.content, inputs, Reference.TFLM).outputs
    return float(np.abs(dequantize_output(outputs[0], made.graph.output_tensors[0]) - expected).mean())


def test_it_is_nearer_to_the_float_model_than_int8(zoo: Any) -> None:
    model = from_keras(zoo.zoo_keras("two_in_two_out"), path=Path("two.keras"))
    x, data = zoo.zoo_inputs("two_in_two_out", 20), zoo.zoo_inputs("two_in_two_out", 60, 3)
    dataset = Dataset(source="zoo", sha256="", test=Split(x=x), train=Split(x=data))
    expected = float_outputs(model, x)[0]
    wide = quantize(model, dataset, QuantizeOptions(method=Method.INT16X8))
    narrow = quantize(model, dataset)
    assert {t.dtype.value for t in (*wide.graph.input_tensors, *wide.graph.output_tensors)} == {"int16"}
    assert [t.shape for t in wide.graph.output_tensors] == [(1, 4), (1, 2)]
    assert any("twice the RAM" in note for note in wide.notes)
    assert error(wide, x, expected) < error(narrow, x, expected) / 2


def test_what_the_converter_lacks_is_named(zoo: Any) -> None:
    model = from_keras(zoo.zoo_keras("activations"), path=Path("activations.keras"))
    x = zoo.zoo_inputs("activations", 20)
    dataset = Dataset(source="zoo", sha256="", test=Split(x=x), train=Split(x=x))
    with pytest.raises(UnsupportedError, match=r"activations\.keras has .* cannot make 16-bit: HARD_SWISH"):
        quantize(model, dataset, QuantizeOptions(method=Method.INT16X8))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_build_runs_it_on_the_device(tmp_path: Path, zoo: Any) -> None:
    zoo.zoo_keras("demo").save(tmp_path / "demo.keras")
    np.savez(tmp_path / "data.npz", x_train=zoo.zoo_inputs("demo", 60, 3)[0], x_test=zoo.zoo_inputs("demo", 20)[0])
    report = build(
        BuildOptions(
            model=tmp_path / "demo.keras",
            data=str(tmp_path / "data.npz"),
            out=tmp_path / "out",
            method=Method.INT16X8,
            device="native",
        )
    )
    assert report.passed and report.drift is not None
    assert report.drift.primary.reference is Reference.TFLM
    assert report.drift.primary.mismatches == 0


def add(dtypes: tuple[str, str] = ("int16", "int16"), zero_point: int = 0, scale: float = 0.1) -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 4), dtypes[0], scale=scale, zero_point=zero_point)
    other = model.tensor("other", (1, 4), "int16", scale=0.1, data=np.ones((1, 4), np.int16))
    y = model.tensor("y", (1, 4), dtypes[1], scale=0.2)
    model.op("ADD", [x, other], [y])
    return model.finish([x], [y])


@pytest.mark.parametrize(
    ("content", "rules"),
    [
        (add(), []),
        (add(zero_point=3), ["zero-point"]),
        (add(scale=float("inf")), ["degenerate-scale"]),
        (add(("int8", "int16")), ["io-dtype", "tensor-dtype"]),
        (add(("float32", "int16")), ["io-dtype", "float-op"]),
    ],
)
def test_its_own_rules(content: bytes, rules: list[str]) -> None:
    found = verify(parse_tflite(content), scheme=Scheme.INT16X8, supported_ops=None, engine="tflm")
    assert [finding.rule for finding in found] == rules


def test_biases_are_64_bit(zoo: Any) -> None:
    graph = parse_tflite(zoo.zoo_tflite("demo"))
    assert verify(graph, scheme=Scheme.INT16X8, supported_ops=None, engine="tflm")
    assert not verify_int8(graph, supported_ops={op.name for op in graph.ops}, engine="aot")
    model = ModelBuilder()
    x = model.tensor("x", (1, 2), "int16", scale=0.1)
    w = model.tensor("w", (3, 2), "int8", scale=0.5, data=np.ones((3, 2), np.int8))
    b = model.tensor("b", (3,), "int16", scale=0.05, data=np.ones(3, np.int16))
    y = model.tensor("y", (1, 3), "int16", scale=0.2)
    model.op("FULLY_CONNECTED", [x, w, b], [y])
    found = verify(parse_tflite(model.finish([x], [y])), scheme=Scheme.INT16X8, supported_ops=None, engine="tflm")
    assert [(f.rule, "not int64 or int32" in f.message) for f in found] == [("bias-dtype", True)]
