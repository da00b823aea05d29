from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeq.errors import DataError
from edgeq.lower.program import Vanished
from edgeq.model.graph import DType, Graph, Op, Quantization, Tensor
from edgeq.model.quantization import dequantize_output
from edgeq.records import EVERYWHERE, Drift, Reference, ReferenceOutputs
from edgeq.validation.drift import FARTHEST, HISTOGRAM_LIMIT, lsb_difference, measure_drift
from edgeq.validation.explain import explain
from edgeq.validation.layers import first_diverging, measure_layers


def tensor(index: int = 0, *, scale: float = 0.5, zero_point: int = -3, dtype: DType = DType.INT8) -> Tensor:
    quantization = None if dtype is DType.FLOAT32 else Quantization(scales=(scale,), zero_points=(zero_point,))
    return Tensor(index=index, name=f"t{index}", shape=(1, 4), dtype=dtype, quantization=quantization)


def outputs(*arrays: np.ndarray, reference: Reference = Reference.TFLM) -> ReferenceOutputs:
    return ReferenceOutputs(reference=reference, version="1", outputs=arrays)


def drift(device: np.ndarray, host: np.ndarray, **scale: float) -> Drift:
    return measure_drift((device,), outputs(host), (tensor(**scale),))


def test_counts_every_difference_once():
    host = np.array([[10, 20, 30, 40], [0, 0, 0, 0], [5, 6, 7, 8]], np.int8)
    device = np.array([[10, 21, 30, 38], [0, 0, 0, 0], [9, 6, 7, 8]], np.int8)
    found = drift(device, host)
    assert (found.samples, found.outputs, found.mismatches, found.mismatched_samples) == (3, 12, 3, 2)
    assert found.max_lsb == 4
    assert dict(found.histogram) == {-2: 1, 0: 9, 1: 1, 4: 1}
    assert found.top1_agreement == pytest.approx(2 / 3)  # [9, 6, 7, 8] puts class 0 first


def test_real_figures_follow_the_formulas():
    rng = np.random.default_rng(0)
    host = rng.integers(-128, 128, (50, 4)).astype(np.int8)
    device = np.clip(host + rng.integers(-3, 4, host.shape), -128, 127).astype(np.int8)
    found = drift(device, host, scale=0.125, zero_point=7)
    r, d = (0.125 * (a.astype(np.float64) - 7) for a in (host, device))
    assert found.rmse == pytest.approx(np.sqrt(np.mean((r - d) ** 2)))
    assert found.cosine == pytest.approx(np.vdot(r, d) / (np.linalg.norm(r) * np.linalg.norm(d)))
    assert found.sqnr_db == pytest.approx(10 * np.log10(np.sum(r**2) / np.sum((r - d) ** 2)))


def test_int8_does_not_wrap_around():
    found = drift(np.array([[-128, 127, 0, 0]], np.int8), np.array([[127, -128, 0, 0]], np.int8))
    assert found.max_lsb == 255
    assert dict(found.histogram) == {-255: 1, 0: 2, 255: 1}


def test_equal_outputs_are_exactly_equal():
    values = np.arange(-8, 8, dtype=np.int8).reshape(4, 4)
    found = drift(values, values.copy())
    assert (found.mismatches, found.rmse, found.cosine, found.sqnr_db) == (0, 0.0, 1.0, math.inf)


def test_all_zero_reference():
    zero = np.full((2, 4), -3, np.int8)
    assert drift(zero, zero).cosine == 1.0
    off = drift(zero + np.int8(1), zero)
    assert (off.cosine, off.sqnr_db) == (0.0, -math.inf)
    assert off.rmse == pytest.approx(0.5)


def test_no_samples():
    none = np.zeros((0, 4), np.int8)
    found = drift(none, none)
    assert (found.samples, found.outputs, found.mismatches, found.top1_agreement) == (0, 0, 0, None)
    assert (found.rmse, found.cosine, dict(found.histogram)) == (0.0, 1.0, {})


def test_ties_go_to_the_lowest_index():
    host = np.array([[5, 5, 0, 0]], np.int8)
    assert drift(np.array([[5, 5, 0, 0]], np.int8), host).top1_agreement == 1.0
    assert drift(np.array([[5, 6, 0, 0]], np.int8), host).top1_agreement == 0.0
    assert drift(np.array([[6, 5, 0, 0]], np.int8), host).top1_agreement == 1.0


def test_one_element_outputs_have_no_top1():
    one = np.array([[3], [4]], np.int8)
    assert drift(one, one).top1_agreement is None


def test_several_outputs_count_together_and_samples_once():
    a, b = np.zeros((2, 4), np.int8), np.zeros((2, 2, 3), np.int8)
    a_device, b_device = a.copy(), b.copy()
    a_device[1, 0] = 1
    b_device[1, 1, 2] = -2
    found = measure_drift((a_device, b_device), outputs(a, b), (tensor(0), tensor(1)))
    assert (found.outputs, found.mismatches, found.mismatched_samples, found.max_lsb) == (20, 2, 1, 2)


def floats(scale: float | None = 0.5) -> Tensor:
    """A float output; with the quantization of the integers before its DEQUANTIZE, if there is one."""
    quantization = None if scale is None else Quantization(scales=(scale,), zero_points=(-3,))
    return replace(tensor(dtype=DType.FLOAT32), quantization=quantization)


@pytest.mark.parametrize("scale", [0.5, 0.1, 1 / 256, 3e-5])
def test_float_outputs_count_in_steps_before_dequantize(scale: float):
    """Exactly, over the whole of int8."""
    integers = np.arange(-128, 128, dtype=np.int8).reshape(-1, 1)
    real = dequantize_output(integers, tensor(scale=scale))
    for shift in (0, 1, 100, 255):
        moved = np.roll(real, shift)
        found = measure_drift((real,), outputs(moved), (floats(scale),))
        expected = drift(integers, np.roll(integers, shift), scale=scale)
        assert (found.mismatches, found.max_lsb) == (expected.mismatches, expected.max_lsb)
        assert found.histogram == expected.histogram
        assert found.rmse == pytest.approx(expected.rmse, rel=1e-6)


def test_no_difference_of_floats_is_lost():
    one, nan, inf = np.float32(1), np.float32("nan"), np.float32("inf")
    host = np.array([one, one, 0.0, nan, nan, one, -one], np.float32)
    device = np.array([np.nextafter(one, np.float32(2)), np.nextafter(one, np.float32(0)), -0.0, nan, one, inf, -inf])
    device = device.astype(np.float32)
    assert lsb_difference(device, host, floats()).tolist() == [1, -1, 0, 0, FARTHEST, FARTHEST, -FARTHEST]
    assert lsb_difference(device, host, floats(None)).tolist() == [1, -1, 0, 0, FARTHEST, 1, -1]
    assert lsb_difference(np.float32([4]), np.float32([1]), floats(None)).tolist() == [1]


def test_wide_differences_are_bounded_in_the_histogram():
    found = measure_drift(
        (np.array([[30000, -30000]], np.int16),), outputs(np.array([[0, 0]], np.int16)), (tensor(dtype=DType.INT16),)
    )
    assert dict(found.histogram) == {-HISTOGRAM_LIMIT: 1, HISTOGRAM_LIMIT: 1}
    assert found.max_lsb == 30000


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ((np.zeros((3, 4), np.int8),), "Output t0"),
        ((np.zeros((2, 4), np.uint8),), "uint8"),
        ((np.zeros((2, 4), np.int8),) * 2, "2 outputs"),
    ],
)
def test_what_does_not_fit_together_is_refused(device, message):
    with pytest.raises(DataError, match=message):
        measure_drift(device, outputs(np.zeros((2, 4), np.int8)), (tensor(),))


@settings(deadline=None)
@given(hnp.arrays(np.int8, (3, 4)), hnp.arrays(np.int8, (3, 4)), st.floats(1e-6, 10), st.integers(-128, 127))
def test_figures_are_consistent(device, host, scale, zero_point):
    found = drift(device, host, scale=scale, zero_point=zero_point)
    back = drift(host, device, scale=scale, zero_point=zero_point)
    assert sum(found.histogram.values()) == found.outputs
    assert found.mismatches == sum(n for step, n in found.histogram.items() if step) == int(np.sum(device != host))
    assert found.max_lsb == max(abs(step) for step in found.histogram)
    assert -1.0 <= found.cosine <= 1.0 and not math.isnan(found.sqnr_db)
    assert {-k: n for k, n in back.histogram.items()} == found.histogram
    assert (found.rmse == 0.0) == (found.mismatches == 0)


# Layer by layer


@dataclass(frozen=True)
class Point:
    call: int
    tensor: int
    label: str


def small_graph() -> Graph:
    """0 → CONV_2D → 1 → PAD → 2 → ADD → 3 → RESHAPE → 4 → SOFTMAX → 5"""
    names = ("CONV_2D", "PAD", "ADD", "RESHAPE", "SOFTMAX")
    ops = tuple(Op(index=i, name=n, version=1, inputs=(i,), outputs=(i + 1,)) for i, n in enumerate(names))
    return Graph(tensors=tuple(tensor(i) for i in range(6)), ops=ops, inputs=(0,), outputs=(5,), sha256="0", size=1)


POINTS = (Point(0, 1, "0 CONV_2D"), Point(1, 3, "2 ADD"), Point(2, 5, "4 SOFTMAX"))
GONE = (Vanished(tensor=4, reason="alias of t3"), Vanished(tensor=2, reason="fused into 2 ADD"))


def layers(device_crcs, *, fetched=None, fetch_samples=4):
    reference = np.arange(9, dtype=np.uint32).reshape(3, 3)

    def fetch(sample, point):
        if fetched is not None:
            fetched.append((sample, point))
        return np.array([1, 2, 3, 4 + point], np.int8).tobytes()

    def host(tensors):
        assert tensors, "the reference is asked only for what differs"
        return {index: np.tile(np.array([1, 2, 3, 4], np.int8), (3, 1, 1)) for index in tensors}

    return measure_layers(
        small_graph(), POINTS, GONE, device_crcs=device_crcs, reference_crcs=reference, fetch=fetch,
        reference_values=host, fetch_samples=fetch_samples,
    )  # fmt: skip


def test_equal_layers_fetch_nothing_and_vanished_tensors_keep_their_place():
    fetched: list[tuple[int, int]] = []
    rows = layers(np.arange(9, dtype=np.uint32).reshape(3, 3), fetched=fetched)
    assert [(r.tensor, r.state) for r in rows] == [
        ("t1", "equal"), ("t2", "fused into 2 ADD"), ("t3", "equal"), ("t4", "alias of t3"), ("t5", "equal"),
    ]  # fmt: skip
    assert fetched == []
    assert first_diverging(rows) is None
    assert rows[1].point is None and rows[1].label == "1 PAD 4"


def test_only_what_differs_is_fetched():
    crcs = np.arange(9, dtype=np.uint32).reshape(3, 3)
    crcs[[0, 2], 1] += 1
    crcs[:, 2] += 1
    fetched: list[tuple[int, int]] = []
    rows = layers(crcs, fetched=fetched, fetch_samples=2)
    assert fetched == [(0, 1), (2, 1), (0, 2), (1, 2)]
    first = first_diverging(rows)
    assert first is not None
    assert (first.label, first.differing_samples, first.samples) == ("2 ADD", 2, 3)
    assert (first.mismatches, first.max_lsb, first.fetched_samples, first.elements) == (2, 1, 2, 4)
    assert rows[-1].max_lsb == 2


def test_a_device_that_sends_another_size_is_refused():
    with pytest.raises(DataError, match="sent 2 values, the reference has 4"):
        measure_layers(
            small_graph(),
            POINTS[:1],
            (),
            device_crcs=np.zeros((1, 1), np.uint32),
            reference_crcs=np.ones((1, 1), np.uint32),
            fetch=lambda sample, point: b"ab",
            reference_values=lambda tensors: {1: np.zeros((1, 1, 4), np.int8)},
        )


def test_fingerprints_of_another_model_are_refused():
    with pytest.raises(DataError, match="trace points"):
        layers(np.zeros((3, 4), np.uint32))


# What it means


def _drifts(tflm: int | None, reference: int | None, default: int | None) -> list[Drift]:
    base = drift(np.zeros((5, 4), np.int8), np.zeros((5, 4), np.int8))
    columns = zip(EVERYWHERE, (tflm, reference, default), strict=True)
    return [
        replace(base, reference=r, mismatches=n, mismatched_samples=min(n, 5), max_lsb=bool(n))
        for r, n in columns
        if n is not None
    ]


def test_host_rounding_is_not_blamed_on_the_board():
    text = " ".join(explain(_drifts(0, 0, 7)))
    assert "equals TFLite Micro bit for bit on 5 samples" in text
    assert "XNNPACK" in text and "host's rounding" in text
    assert "engine" not in text


def test_causes_are_in_the_model():
    models = (("CONV_2D",), ("FULLY_CONNECTED",), ("FULLY_CONNECTED", "SOFTMAX"))
    said = [" ".join(explain(_drifts(0, 3, 0), ops)) for ops in models]
    assert [("FULLY_CONNECTED" in text, "SOFTMAX" in text) for text in said] == [
        (False, False), (True, False), (True, True),
    ]  # fmt: skip


def test_a_difference_from_tflm_points_to_the_engine():
    first = replace(_drifts(3, 3, 9)[0], first_layer="2 ADD")
    text = " ".join(explain([first, *_drifts(None, 3, 9)]))
    assert "differs from TFLite Micro" in text and "points to the engine" in text and "2 ADD" in text
    assert "host's rounding" not in text


def test_a_missing_interpreter_is_said():
    text = " ".join(explain(_drifts(None, 0, 4)))
    assert "not available on this host" in text and "equals LiteRT's reference kernels bit for bit" in text


def test_known_wrong_kernel_of_tflm():
    assert any("known to be wrong" in line for line in explain(_drifts(4, 0, 0)))


def test_all_agree():
    assert any("All references agree" in line for line in explain(_drifts(0, 0, 0)))
    assert explain([]) == ("No sample was compared with a reference.",)
