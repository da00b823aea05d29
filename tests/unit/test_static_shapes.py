"""Shapes that are computed at run time, and never change."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_builder import ModelBuilder

from edgeq.generate.tflm import resolver_methods
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Graph
from edgeq.model.inspect import summarize
from edgeq.model.scheme import Scheme
from edgeq.model.verify import verify


def flattened(signature: tuple[int, ...] | None = None, stride: int = 1) -> Graph:
    """What the converter writes for Flatten of a model with a free batch size."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 2, 2, 3), scale=0.5, signature=signature)
    shape = model.tensor("shape", (4,), "int32")
    begin, end, strides = (
        model.tensor(name, (1,), "int32", data=np.array([value], np.int32))
        for name, value in (("begin", 0), ("end", 1), ("strides", stride))
    )
    batch = model.tensor("batch", (), "int32")
    rest = model.tensor("rest", (), "int32", data=np.array(12, np.int32))
    target = model.tensor("target", (2,), "int32")
    y = model.tensor("y", (1, 12), scale=0.5)
    model.op("SHAPE", [x], [shape])
    model.op("STRIDED_SLICE", [shape, begin, end, strides], [batch], shrink_axis_mask=1)
    model.op("PACK", [batch, rest], [target], values_count=2)
    model.op("RESHAPE", [x, target], [y])
    return parse_tflite(model.finish([x], [y]))


def problems(graph: Graph) -> list[str]:
    return [found.rule for found in verify(graph, scheme=Scheme.INT8, supported_ops=None, engine="aot")]


def test_computed_shapes_are_constants() -> None:
    graph = flattened((-1, 2, 2, 3))
    assert problems(graph) == []
    (reshape,) = graph.ops
    assert (reshape.name, reshape.index) == ("RESHAPE", 3)
    np.testing.assert_array_equal(graph.tensors[reshape.inputs[1]].data, [1, 12])
    summary = summarize(graph)
    assert (len(summary.rows), summary.rows[0].index, summary.shape_ops) == (1, 3, 3)


def test_an_interpreter_of_the_file_still_needs_their_kernels() -> None:
    assert resolver_methods(flattened()) == ("AddPack", "AddReshape", "AddShape", "AddStridedSlice")


@pytest.mark.parametrize(("signature", "stride"), [((-1, -1, 2, 3), 1), (None, 0)])
def test_what_is_not_known_beforehand_is_refused(signature: tuple[int, ...] | None, stride: int) -> None:
    graph = flattened(signature, stride)
    assert len(graph.ops) > 1
    assert "index-constant" in problems(graph)


def test_a_shape_that_the_model_gives_out_is_computed() -> None:
    model = ModelBuilder()
    x = model.tensor("x", (1, 2), scale=0.5)
    shape = model.tensor("shape", (2,), "int32")
    model.op("SHAPE", [x], [shape])
    assert [op.name for op in parse_tflite(model.finish([x], [shape])).ops] == ["SHAPE"]


def test_other_integers_stay() -> None:
    """Indices that depend on the samples are no shapes."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 4), scale=0.5)
    axis = model.tensor("axis", (1,), "int32", data=np.array([1], np.int32))
    y = model.tensor("y", (1,), "int32")
    model.op("ARG_MAX", [x, axis], [y])
    graph = parse_tflite(model.finish([x], [y]))
    assert [op.name for op in graph.ops] == ["ARG_MAX"]
    assert problems(graph) == []
