"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from edgeq.lower.fixedpoint import OutOfRangeError, activation_range, output_size, padding_before
from edgeq.lower.ops import common
from edgeq.lower.program import KernelCall
from edgeq.model.graph import DType, Graph, Op


def average_pool_2d(graph: Graph, op: Op) -> KernelCall:
    """AVERAGE_POOL_2D."""
    return _pool(graph, op, "average_pool_2d")


def max_pool_2d(graph: Graph, op: Op) -> KernelCall:
    """MAX_POOL_2D."""
    return _pool(graph, op, "max_pool_2d")


def _pool(graph: Graph, op: Op, name: str) -> KernelCall:
    common.arity(graph, op, 1)
    source, target = common.present(graph, op, 0), common.result(graph, op)
    dtype = common.require_values(graph, op, source, target)
    common.require_rank(graph, op, 4, source, target)
    common.require_same_quantization(graph, op, source, target)
    padding = common.padding(graph, op)
    window = (common.positive(graph, op, "filter_height"), common.positive(graph, op, "filter_width"))
    stride = (common.positive(graph, op, "stride_h"), common.positive(graph, op, "stride_w"))
    size = source.shape[1:3]
    outputs = [output_size(padding, n, w, s) for n, w, s in zip(size, window, stride, strict=True)]
    before = [padding_before(n, w, s, o) for n, w, s, o in zip(size, window, stride, outputs, strict=True)]
    common.require_shape(graph, op, target, (source.shape[0], *outputs, source.shape[3]))
    quantization = common.affine(graph, op, target)
    try:
        low, high = activation_range(
            common.text(op, "fused_activation_function", "NONE"),
            quantization.scale,
            quantization.zero_point,
            common.limits(dtype),
        )
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    return KernelCall(
        kernel=f"edgeq_{name}_{dtype.value}",
        source="pool_2d_int16.c" if dtype is DType.INT16 else "pool_2d.c",
        params_type="edgeq_pool_2d_params",
        params={
            "batches": source.shape[0],
            "input_height": size[0],
            "input_width": size[1],
            "channels": source.shape[3],
            "output_height": outputs[0],
            "output_width": outputs[1],
            "filter_height": window[0],
            "filter_width": window[1],
            "stride_height": stride[0],
            "stride_width": stride[1],
            "pad_top": before[0],
            "pad_left": before[1],
            "activation_min": low,
            "activation_max": high,
        },
        inputs=op.inputs,
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
    )
