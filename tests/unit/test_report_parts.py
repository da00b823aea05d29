from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from report_samples import digits, layer_drift

from edgeq.data.check import NO_LABELS
from edgeq.lower.program import Constant, KernelCall, Placement, Program
from edgeq.model.graph import DType, Quantization, Tensor
from edgeq.records import Accuracy, Group, Metric, Reference, ReferenceOutputs
from edgeq.report import format as fmt
from edgeq.report.assemble import accuracy_findings, accuracy_info, drift_info, tensor_info
from edgeq.report.plan import arena_plan
from edgeq.report.plots import accuracy_plot, arena_plot, confusion_plot, stack_marks
from edgeq.report.record import to_json

# Plots and plan


def test_arena_plan_counts_aliases_once_and_weights_once():
    tensors = [Tensor(index=i, name=f"t{i}", shape=(1, 100), dtype=DType.INT8) for i in range(4)]
    weights = Constant(name="w", data=np.zeros(50, np.int16))
    calls = tuple(
        KernelCall(
            kernel="edgeq_k", source="k.c", params_type="p", params={"w": weights, "pair": (1, weights)},
            inputs=(i, weights), outputs=(i + 1,), source_ops=(i,), label=f"{i} OP",
        )
        for i in range(2)
    )  # fmt: skip
    place = {
        0: Placement(name="t0", offset=0, nbytes=100, first=-1, last=0),
        1: Placement(name="t1", offset=100, nbytes=100, first=0, last=1),
        2: Placement(name="t2", offset=100, nbytes=100, first=0, last=1),
        3: Placement(name="t3", offset=0, nbytes=100, first=1, last=2),
    }
    scratch = {1: Placement(name="scratch", offset=200, nbytes=24, first=1, last=1)}
    plan = arena_plan(
        Program(
            calls=calls, inputs=(tensors[0],), outputs=(tensors[3],), placements=place, scratch=scratch,
            arena_bytes=224, arena_align=16, liveness_bound=224, vanished=(), model_sha256="", macs=0,
            constants=(weights,),
        )
    )  # fmt: skip
    assert [(c.live_bytes, c.weight_bytes) for c in plan.calls] == [(200, 100), (224, 100)]
    assert [(b.name, b.kind) for b in plan.blocks] == [
        ("t0", "input"), ("t1", "tensor"), ("t2", "tensor"), ("t3", "output"), ("scratch", "scratch"),
    ]  # fmt: skip
    plot = arena_plot(plan)
    for mark in plot.marks:
        assert plot.left - 0.01 <= mark.x and mark.x + mark.width <= plot.right + 0.01
        assert plot.top - 0.01 <= mark.y and mark.y + mark.height <= plot.bottom + 0.01
    # Same time on the x axis, different places on the y axis: t0 ends where t1 begins.
    assert plot.marks[0].y == pytest.approx(plot.marks[1].y + plot.marks[1].height)


def test_memory_bars_show_the_limit_only_where_it_is_near():
    memory = digits().memory
    assert memory is not None
    alone = stack_marks(memory.sections, ram=False, limit=4_000_000)
    assert sum(m.width for m in alone) == pytest.approx(1000)
    near = stack_marks(memory.sections, ram=False, limit=2 * memory.flash_bytes - 2)
    assert sum(m.width for m in near) == pytest.approx(500, rel=1e-3)
    assert next(m.kind for m in alone) == f"g-{Group.WEIGHTS.value}"


@pytest.mark.parametrize(("value", "ci95"), [(1.0, (1.0, 1.0)), (0.0, (0.0, 0.0)), (0.5, (0.4, 0.6))])
def test_accuracy_plot_has_an_axis_for_every_interval(value, ci95):
    plot = accuracy_plot([("x", "arm", Accuracy(value=value, n=9, correct=1, ci95=ci95, ties=0)), ("y", "arm", None)])
    assert plot is not None and len(plot.rows) == 1 and plot.frame.x_ticks
    row = plot.rows[0]
    assert plot.frame.left <= row.low <= row.value <= row.high <= plot.frame.right
    assert accuracy_plot([("y", "arm", None)]) is None


def test_confusion_plot_is_bounded():
    assert confusion_plot((), ()) is None
    assert confusion_plot(((0,) * 41,) * 41, ()) is None
    plot = confusion_plot(((5, 1), (0, 4)), ("cat",))
    assert plot is not None and [t.label for t in plot.y_ticks] == ["cat", "1"]
    assert "cat taken for 1: 1 of 6" in plot.marks[1].title


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (fmt.percent(0.98761), "98.8 %"), (fmt.percent(0.99999), ">99.9 %"), (fmt.percent(1.0), "100.0 %"),
        (fmt.percent(0.00001), "<0.1 %"), (fmt.percent(0.0), "0.0 %"), (fmt.size(1023), "1023 B"),
        (fmt.size(38_452), "37.6 KiB"), (fmt.size(4 << 20), "4 MiB"), (fmt.short(12_501_632), "12.5 M"),
        (fmt.short(999.96), "1000"), (fmt.real(float("inf")), "∞"), (fmt.real(-0.25), "−0.25"),
        (fmt.milliseconds(0.0412), "41.2 µs"), (fmt.milliseconds(1464), "1.46 s"), (fmt.count(None), "–"),
    ],
)  # fmt: skip
def test_numbers(shown, text):
    assert shown == text


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((3210.4, 3810.2), "3210 … 3810"),
        ((0.0, 345678.0), "0 … 345678"),
        ((0.01311, 0.01433), "0.0131 … 0.0143"),
        ((1.2, 3.45), "1.20 … 3.45"),
        ((1.31e-5, 1.43e-5), "(1.31 … 1.43)e−5"),
        ((9.1e8, 1.2e9), "(0.91 … 1.20)e9"),
        ((0.0, 0.0), "0.00 … 0.00"),
    ],
)
def test_intervals_of_errors_fit_a_column_of_the_console(ends, text):
    assert fmt.span(ends, Metric.MSE) == text
    assert len(text) <= 16


# From the stages' records


def output(index: int, width: int) -> Tensor:
    quantization = Quantization(scales=(1 / 256,), zero_points=(-128,))
    return Tensor(index=index, name=f"out{index}", shape=(1, width), dtype=DType.INT8, quantization=quantization)


def test_drift_info_takes_the_first_layer_from_the_trace():
    values = (np.zeros((3, 4), np.int8),)
    other = (np.ones((3, 4), np.int8),)
    references = [
        ReferenceOutputs(reference=Reference.TFLM, version="tflite-micro 1", outputs=values),
        ReferenceOutputs(reference=Reference.LITERT_REFERENCE, version="ai-edge-litert 2", outputs=other),
    ]
    info = drift_info(
        values,
        references,
        (output(0, 4),),
        ops=("FULLY_CONNECTED",),
        layers={Reference.TFLM: layer_drift(), Reference.LITERT_REFERENCE: layer_drift(4)},
    )
    assert info is not None
    assert [d.first_layer for d in info.references] == [None, "4 CONV_2D 4×4×32"]
    assert info.primary.mismatches == 0 and len(info.layers) == 10
    assert info.versions["tflm"] == "tflite-micro 1"
    assert any("4 CONV_2D" in line for line in info.explanation)
    assert drift_info(values, [], (output(0, 4),), ops=()) is None


def test_accuracy_info_measures_every_arm_on_the_labelled_output():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 5
    real = (rng.random((60, 2)), np.eye(5)[labels])
    int8 = (rng.integers(-128, 128, (60, 2)).astype(np.int8), (np.eye(5)[labels] * 255 - 128).astype(np.int8))
    device = (int8[0], int8[1].copy())
    device[1][:3] = np.roll(device[1][:3], 1, axis=1)
    info = accuracy_info(
        labels,
        tensors=(output(0, 2), output(1, 5)),
        float_host=real,
        int8_host=ReferenceOutputs(reference=Reference.TFLM, version="1", outputs=int8),
        device=device,
        notes=["a note"],
    )
    values = [arm.value if arm else None for arm in (info.float_host, info.int8_host, info.device)]
    assert values == [1.0, 1.0, pytest.approx(57 / 60)]
    assert [(d.before, d.after, d.only_before) for d in info.differences] == [
        ("float", "int8, host", 0), ("float", "device", 3), ("int8, host", "device", 3),
    ]  # fmt: skip
    assert info.note == "measured on output 1 (out1) of 2. a note"
    assert sum(map(sum, info.confusion)) == 60
    assert json.dumps(to_json(replace(digits(), accuracy=info)), allow_nan=False)


@pytest.mark.parametrize(
    ("float_right", "int8_right", "said"),
    [
        (
            12,
            12,
            "the float model is right on 20.0% of 60 samples; always answering the commonest class is",
        ),
        (60, 12, "the int8 model is right on 20.0%"),
        (None, 12, "the int8 model is right on 20.0%"),
        (60, 60, None),
    ],
)
def test_a_classifier_that_only_guesses_is_a_finding(float_right: int | None, int8_right: int, said: str | None):
    """As where the labels count classes in another order than the model."""
    labels = np.arange(60) % 5

    def answers(right: int) -> tuple[np.ndarray, ...]:
        return (np.eye(5)[np.where(np.arange(60) < right, labels, (labels + 1) % 5)],)

    int8 = tuple((a * 255 - 128).astype(np.int8) for a in answers(int8_right))
    info = accuracy_info(
        labels,
        tensors=(output(0, 5),),
        float_host=None if float_right is None else answers(float_right),
        int8_host=ReferenceOutputs(reference=Reference.TFLM, version="1", outputs=int8),
        device=int8,
    )
    found = accuracy_findings(labels, info, int8)
    assert [said in f.message for f in found] == ([] if said is None else [True])
    if found:
        assert ("labels, class order and scaling" in found[0].fix) == (float_right != 60)
    assert accuracy_findings(None, info, int8) == ()


def test_accuracy_info_without_labels_or_runs():
    arms: dict[str, Any] = {"tensors": (output(0, 4),), "float_host": None, "int8_host": None}
    assert (
        accuracy_info(None, device=(np.zeros((2, 4), np.int8),), **arms).note == "no accuracy: the data have no labels"
    )
    assert accuracy_info(np.zeros(2), device=None, **arms).note == "no accuracy: nothing was run"
    said = accuracy_info(None, device=(np.zeros((2, 4), np.int8),), notes=[NO_LABELS, "One.", "Another."], **arms).note
    assert said == "no accuracy: the data have no labels. One. Another."


def test_tensor_info():
    info = tensor_info(output(0, 4))
    assert (info.name, info.shape, info.dtype, info.zero_point) == ("out0", (1, 4), "int8", -128)
    assert tensor_info(Tensor(index=0, name="f", shape=(), dtype=DType.FLOAT32)).scale is None
