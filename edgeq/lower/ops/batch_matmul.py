"""BATCH_MATMUL."""

from __future__ import annotations

import math

from edgeq.lower.fixedpoint import OutOfRangeError, per_tensor_multiplier
from edgeq.lower.ops import common
from edgeq.lower.ops.arithmetic import MAX_LOOPS, broadcast_loops
from edgeq.lower.program import KernelCall
from edgeq.model.graph import Graph, Op

_LARGEST_PRODUCT = 255 * 255


def batch_matmul(graph: Graph, op: Op) -> KernelCall:
    """BATCH_MATMUL of two values or of one and a constant, either transposed; batches are broadcast."""
    common.arity(graph, op, 2)
    first, second, target = common.present(graph, op, 0), common.present(graph, op, 1), common.result(graph, op)
    common.require_int8(graph, op, first, second, target)
    common.require_consistent(graph, op)
    rows, columns = target.shape[-2:]
    # Steps to the next row and to the next factor of the first matrix; to the next factor and column of the second.
    height, width = first.shape[-2:]
    by_row, inner1, depth = (1, width, height) if common.option(op, "adj_x", False) else (width, 1, width)
    by_column, inner2 = (second.shape[-1], 1) if common.option(op, "adj_y", False) else (1, second.shape[-1])
    common.require_depth(graph, op, depth, _LARGEST_PRODUCT)
    batches = broadcast_loops(first.shape[:-2], second.shape[:-2]) or ()
    if not 1 <= len(batches) < MAX_LOOPS:
        common.refuse(graph, op, f"has inputs of shapes {first.shape} and {second.shape}.", "Reshape them.")
    sizes = (height * width, math.prod(second.shape[-2:]))
    a, b, y = (common.affine(graph, op, t) for t in (first, second, target))
    try:
        multiplier = per_tensor_multiplier(a.scale, b.scale, y.scale)
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    return KernelCall(
        kernel="edgeq_batch_matmul_int8",
        source="batch_matmul.c",
        params_type="edgeq_batch_matmul_params",
        params={
            "loop_count": len(batches),
            "loops": tuple((extent, i * sizes[0], j * sizes[1]) for extent, i, j in batches),
            "rows": rows,
            "columns": columns,
            "depth": depth,
            "row_stride": by_row,
            "depth_stride1": inner1,
            "column_stride": by_column,
            "depth_stride2": inner2,
            "input1_offset": -a.zero_point,
            "input2_offset": -b.zero_point,
            "output_offset": y.zero_point,
            "multiplier": multiplier.value,
            "shift": multiplier.shift,
        },
        inputs=tuple(common.operand(graph, i) for i in op.inputs),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        macs=target.elements * depth,
    )
