"""Shapes that are computed at run time, and never change."""

from __future__ import annotations

import numpy as np
from tflite_builder import ModelBuilder

from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Graph
from edgeq.model.scheme import Scheme
from edgeq.model.static_shapes import with_constant_shapes
from edgeq.model.verify import verify


def flattened() -> Graph:
    """What the converter writes for Flatten of a model with a free batch size."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 2, 2, 3), scale=0.5)
    shape = model.tensor("shape", (4,), "int32")
    begin, end, strides = (
        model.tensor(name, (1,), "int32", data=np.array([value], np.int32))
        for name, value in (("begin", 0), ("end", 1), ("strides", 1))
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


def test_computed_shapes_become_constants() -> None:
    graph = flattened()
    assert verify(graph, scheme=Scheme.INT8, supported_ops=None, engine="aot")
    constant = with_constant_shapes(graph)
    assert not verify(constant, scheme=Scheme.INT8, supported_ops=None, engine="aot")
    (reshape,) = constant.ops
    assert (reshape.name, reshape.index) == ("RESHAPE", 3)
    np.testing.assert_array_equal(constant.tensors[reshape.inputs[1]].data, [1, 12])


def test_other_integers_stay() -> None:
    """Indices that depend on the samples are no shapes."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 4), scale=0.5)
    axis = model.tensor("axis", (1,), "int32", data=np.array([1], np.int32))
    y = model.tensor("y", (1,), "int32")
    model.op("ARG_MAX", [x, axis], [y])
    graph = parse_tflite(model.finish([x], [y]))
    assert with_constant_shapes(graph) is graph
