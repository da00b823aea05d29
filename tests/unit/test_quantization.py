"""Quantizing inputs and dequantizing outputs has the bits of TFLite's own QUANTIZE and DEQUANTIZE."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tflite_builder import ModelBuilder

from edgeq.errors import DataError
from edgeq.model.graph import DType, Quantization, Tensor
from edgeq.model.quantization import dequantize_output, quantize_input
from edgeq.records import Reference
from edgeq.reference import ReferenceWorker, primary


def tensor(scale: float = 0.5, zero_point: int = 0, dtype: DType = DType.INT8) -> Tensor:
    quantization = Quantization(scales=(scale,), zero_points=(zero_point,))
    return Tensor(index=0, name="x", shape=(1, 4), dtype=dtype, quantization=quantization)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.25, 1),  # exactly half: away from zero
        (-0.25, -1),
        (0.75, 2),
        (-0.75, -2),
        (1.25, 3),
        (0.24999999, 0),  # 0.49999997 steps: adding 0.5 in float32 would round it up
        (63.5, 127),
        (63.75, 127),
        (64.0, 127),
        (-64.0, -128),
        (-64.25, -128),
        (3e38, 127),
        (-3e38, -128),
        (1e-45, 0),
    ],
)
def test_rounding_and_saturation(value: float, expected: int) -> None:
    result = quantize_input(np.asarray([value], np.float32), tensor())
    assert result.dtype == np.int8 and result.tolist() == [expected]


def test_the_zero_point_is_added_after_rounding() -> None:
    assert quantize_input(np.asarray([-0.25, 0.25], np.float32), tensor(zero_point=-3)).tolist() == [-4, -2]


def test_pixels_and_double_precision() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    whole = tensor(scale=1.0, zero_point=-128)
    assert (quantize_input(pixels, whole) == np.arange(-128, 128)).all()
    assert (quantize_input(pixels.astype(np.float64), whole) == np.arange(-128, 128)).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300])
def test_values_without_an_integer_are_refused(bad: float) -> None:
    values = np.asarray([[0.0, 1.0], [bad, 2.0]], np.float64)
    with pytest.raises(DataError, match=r"not all finite.* at index \(1, 0\)"):
        quantize_input(values, tensor())


def test_what_cannot_be_quantized_is_refused() -> None:
    with pytest.raises(DataError, match="complex64"):
        quantize_input(np.zeros(1, np.complex64), tensor())
    with pytest.raises(DataError, match="no per-tensor 8- or 16-bit quantization"):
        quantize_input(np.zeros(1), Tensor(index=0, name="x", shape=(1,), dtype=DType.INT8))
    with pytest.raises(DataError, match="int16"):
        dequantize_output(np.zeros(1, np.int16), tensor())


def test_float_tensors_pass() -> None:
    floating = Tensor(index=0, name="x", shape=(1,), dtype=DType.FLOAT32)
    assert quantize_input(np.asarray([1.1], np.float64), floating).tolist() == [np.float32(1.1)]
    assert dequantize_output(np.asarray([1.5], np.float32), floating).tolist() == [1.5]


@given(st.integers(-128, 127), st.integers(-128, 127), st.floats(2**-100, 2**100, width=32))
def test_every_integer_comes_back(q: int, zero_point: int, scale: float) -> None:
    t = tensor(scale, zero_point)
    assert quantize_input(dequantize_output(np.asarray([q], np.int8), t), t).tolist() == [q]


def one_by_one(value: np.float32, scale: np.float32, zero_point: int) -> int:
    """std::round of a float32 quotient, in exact arithmetic; saturated."""
    quotient = float(np.float32(value) / np.float32(scale))
    rounded = math.floor(abs(quotient) + 0.5)  # exact: a float32 and a half fit a double
    return max(-128, min(127, int(math.copysign(rounded, quotient)) + zero_point))


@settings(max_examples=30, deadline=None)
@given(st.floats(2**-40, 2**40, width=32), st.integers(-128, 127), st.integers(0, 2**32))
def test_against_exact_arithmetic(scale: float, zero_point: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = rng.integers(-300, 300, 200) + rng.choice([0, 0.25, 0.5], 200)
    values = (steps * scale).astype(np.float32)
    values = np.where(rng.random(200) < 0.5, np.nextafter(values, np.float32(rng.choice([-1e38, 1e38]))), values)
    expected = [one_by_one(v, np.float32(scale), zero_point) for v in values]
    assert quantize_input(values, tensor(scale, zero_point)).tolist() == expected


@pytest.mark.parametrize("reference", [primary()[0], Reference.LITERT_REFERENCE])
def test_the_interpreters_agree_bit_by_bit(reference: Reference) -> None:
    rng = np.random.default_rng(7)
    with ReferenceWorker(reference) as worker:
        for _ in range(20):
            scale, zero_point = float(np.float32(10 ** rng.uniform(-6, 6))), int(rng.integers(-128, 128))
            model = ModelBuilder()
            x, z = (model.tensor(n, (1, 1024), "float32") for n in "xz")
            y = model.tensor("y", (1, 1024), scale=scale, zero_point=zero_point)
            model.op("QUANTIZE", [x], [y])
            model.op("DEQUANTIZE", [y], [z])
            steps = rng.integers(-300, 300, 1024) + rng.choice([0, 0.25, 0.5], 1024)
            values = (steps * scale).astype(np.float32)
            integers, reals = worker.run(model.finish([x], [y, z]), [values[None]])
            t = tensor(scale, zero_point)
            mine = quantize_input(values, t)
            assert (mine == integers[0]).all()
            assert (dequantize_output(mine, t).view(np.int32) == reals[0].view(np.int32)).all()
