"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: where each output row and column comes from is a table, made here."""

from __future__ import annotations

import math

import numpy as np

from edgeq.lower.fixedpoint import round_half_away
from edgeq.lower.ops import common
from edgeq.lower.program import Constant, KernelCall, Param
from edgeq.model.graph import Graph, Op, Tensor

_ONE = 1 << 10  # the fixed point of positions between two values


def resize_nearest_neighbor(graph: Graph, op: Op) -> KernelCall:
    """RESIZE_NEAREST_NEIGHBOR."""
    source, target, corners, centers = _tensors(graph, op)
    depth = source.shape[3]
    tables: dict[str, Param] = {}
    for name, axis, stride in (("rows", 1, source.shape[2] * depth), ("columns", 2, depth)):
        positions = nearest(source.shape[axis], target.shape[axis], corners=corners, centers=centers)
        data = np.array(positions, np.int32) * np.int32(stride)
        tables[name] = Constant(name=f"op_{op.index}_{name}", data=data)
    return KernelCall(
        kernel="edgeq_resize_nearest_neighbor",
        source="resize_nearest_neighbor.c",
        params_type="edgeq_resize_nearest_neighbor_params",
        params={**_sizes(source, target), "pixel": depth, **tables},
        inputs=(op.inputs[0],),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
    )


def resize_bilinear(graph: Graph, op: Op) -> KernelCall:
    """RESIZE_BILINEAR."""
    source, target, corners, centers = _tensors(graph, op)
    depth = source.shape[3]
    tables: dict[str, Param] = {}
    for name, axis, stride in (("rows", 1, source.shape[2] * depth), ("columns", 2, depth)):
        between = interpolated(source.shape[axis], target.shape[axis], corners=corners, centers=centers)
        data = np.array([(first * stride, second * stride, weight) for first, second, weight in between], np.int32)
        tables[name] = Constant(name=f"op_{op.index}_{name}", data=data)
    return KernelCall(
        kernel="edgeq_resize_bilinear_int8",
        source="resize_bilinear.c",
        params_type="edgeq_resize_bilinear_params",
        params={**_sizes(source, target), "channels": depth, **tables},
        inputs=(op.inputs[0],),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
    )


def _tensors(graph: Graph, op: Op) -> tuple[Tensor, Tensor, bool, bool]:
    """Input, output, align_corners and half_pixel_centers."""
    common.arity(graph, op, 2)
    source, target = common.present(graph, op, 0), common.result(graph, op)
    common.require_int8(graph, op, source, target)
    common.require_consistent(graph, op)
    common.require_same_quantization(graph, op, source, target)
    corners, centers = (bool(common.option(op, name, False)) for name in ("align_corners", "half_pixel_centers"))
    return source, target, corners, centers


def _sizes(source: Tensor, target: Tensor) -> dict[str, Param]:
    return {
        "batches": source.shape[0],
        "batch": source.elements // source.shape[0],
        "output_height": target.shape[1],
        "output_width": target.shape[2],
    }


def nearest(size: int, outputs: int, *, corners: bool, centers: bool) -> list[int]:
    """The input position of each output position along one axis: GetNearestNeighbor, in floats."""
    if corners and outputs > 1:
        scale = np.float32(size - 1) / np.float32(outputs - 1)
    else:
        scale = np.float32(size) / np.float32(outputs)
    offset = np.float32(0.5 if centers else 0.0)
    scaled = [float((np.float32(i) + offset) * scale) for i in range(outputs)]
    return [min(round_half_away(x) if corners else math.floor(x), size - 1) for x in scaled]


def _positions(size: int, outputs: int, *, corners: bool, centers: bool) -> list[int]:
    """Where each output position lies along one axis of the input, in 1024ths."""
    if corners and outputs > 1:
        scale = (_ONE * (size - 1) + (outputs - 1) // 2) // (outputs - 1)
    else:
        scale = (_ONE * size + outputs // 2) // outputs
    return [i * scale + (scale // 2 - _ONE // 2 if centers else 0) for i in range(outputs)]


def interpolated(size: int, outputs: int, *, corners: bool, centers: bool) -> list[tuple[int, int, int]]:
    """The two input positions around each output position along one axis, and the weight of the second in 1024ths:
    ComputeInterpolationValuesInteger.

    The rounded scale can go beyond the last position, where TFLM reads outside of the input (docs/exceptions.md); here
    the last position counts.
    """
    found = []
    for at in _positions(size, outputs, corners=corners, centers=centers):
        first = min(max(at // _ONE, 0), size - 1)
        second = min(first + 1, size - 1)
        found.append((first, second, at - _ONE * first if first < second and at > 0 else 0))
    return found


def leaves_input(size: int, outputs: int, *, corners: bool, centers: bool) -> bool:
    """Whether TFLM's positions of RESIZE_BILINEAR go beyond the input along one axis."""
    return _positions(size, outputs, corners=corners, centers=centers)[-1] >= _ONE * size
