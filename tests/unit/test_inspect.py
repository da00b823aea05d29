"""The summary's numbers, against hand-made sums."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console
from tflite_builder import ModelBuilder

from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.inspect import ModelSummary, count_macs, render_summary, summarize


def network() -> bytes:
    """9×9×3 → conv 3×3×8 stride 2 → depthwise 3×3 → skip ADD → mean → dense 5; one bias is shared."""
    model = ModelBuilder()
    x = model.tensor("image", (1, 9, 9, 3), scale=0.5, zero_point=-128)
    w1 = model.tensor("w1", (8, 3, 3, 3), data=np.ones((8, 3, 3, 3)), scale=(0.1,) * 8)
    bias = model.tensor("bias", (8,), "int32", data=np.zeros(8), scale=(0.05,) * 8)
    a = model.tensor("a", (1, 5, 5, 8), scale=0.5)
    model.op("CONV_2D", [x, w1, bias], [a], stride_w=2, stride_h=2)
    w2 = model.tensor("w2", (1, 3, 3, 8), data=np.ones((1, 3, 3, 8)), scale=(0.1,) * 8, axis=3)
    b = model.tensor("b", (1, 5, 5, 8), scale=0.5)
    model.op("DEPTHWISE_CONV_2D", [a, w2, bias], [b], stride_w=1, stride_h=1, depth_multiplier=1)
    c = model.tensor("c", (1, 5, 5, 8), scale=0.5)
    model.op("ADD", [a, b], [c])
    axes = model.tensor("axes", (2,), "int32", data=[1, 2])
    d = model.tensor("d", (1, 8), scale=0.25, zero_point=3)
    model.op("MEAN", [c, axes], [d])
    w3 = model.tensor("[bold]w3", (5, 8), data=np.ones((5, 8)), scale=0.1)
    e = model.tensor("scores", (1, 5), scale=0.125, zero_point=9)
    model.op("FULLY_CONNECTED", [d, w3, -1], [e])
    return model.finish([x], [e])


@pytest.fixture(scope="module")
def summary() -> ModelSummary:
    return summarize(parse_tflite(network()))


def test_macs(summary: ModelSummary) -> None:
    assert [row.macs for row in summary.rows] == [5 * 5 * 8 * 27, 5 * 5 * 8 * 9, 0, 0, 40]
    assert summary.macs == 5400 + 1800 + 40


def test_macs_of_transposed_convolutions_and_matrix_products() -> None:
    model = ModelBuilder()
    shape = model.tensor("shape", (4,), "int32", data=[1, 6, 6, 2])
    w = model.tensor("w", (2, 3, 3, 4), data=np.ones((2, 3, 3, 4)), scale=0.1)
    x = model.tensor("x", (1, 3, 3, 4), scale=1.0)
    y = model.tensor("y", (1, 6, 6, 2), scale=1.0)
    model.op("TRANSPOSE_CONV", [shape, w, x], [y], stride_w=2, stride_h=2)
    p, q, r = (model.tensor(n, s, scale=1.0) for n, s in (("p", (1, 2, 7)), ("q", (1, 7, 3)), ("r", (1, 2, 3))))
    model.op("BATCH_MATMUL", [p, q], [r])
    graph = parse_tflite(model.finish([x, p, q], [y, r]))
    assert [count_macs(graph, op) for op in graph.ops] == [3 * 3 * 4 * 9 * 2, 2 * 3 * 7]


def test_parameters_count_shared_constants_once_and_no_axes(summary: ModelSummary) -> None:
    assert [row.parameters for row in summary.rows] == [216 + 8, 72 + 8, 0, 0, 40]
    assert summary.parameters == 216 + 8 + 72 + 40
    assert summary.weights_bytes == 216 + 4 * 8 + 72 + 40


def test_activation_memory(summary: ModelSummary) -> None:
    image, layer = 9 * 9 * 3, 5 * 5 * 8
    assert [row.activation_bytes for row in summary.rows] == [image + layer, 2 * layer, 3 * layer, layer + 8, 8 + 5]
    assert summary.peak_activation_bytes == 3 * layer


def test_kinds_and_edges(summary: ModelSummary) -> None:
    assert summary.ops == {"ADD": 1, "CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "MEAN": 1}
    assert [(t.name, t.shape, t.dtype, t.scales, t.zero_points) for t in summary.inputs] == [
        ("image", (1, 9, 9, 3), "int8", (0.5,), (-128,))
    ]
    assert summary.rows[1].constants[0].axis == 3
    assert summary.size == len(network())


def test_the_table_shows_every_op_and_takes_names_literally(summary: ModelSummary) -> None:
    out = io.StringIO()
    Console(file=out, width=160, color_system=None).print(render_summary(summary))
    text = out.getvalue()
    for expected in ("7,240 MACs", "336 parameters", "600 B at the peak", '"image" 1×9×9×3 int8', "zero point -128"):
        assert expected in text
    lines = text[text.index("─") :].splitlines()[1:]
    conv = next(line for line in lines if " CONV_2D " in line)
    assert "1×9×9×3" in conv and "1×5×5×8" in conv and "5,400" in conv and "224" in conv
    assert len(lines) == len(summary.rows)
