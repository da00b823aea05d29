"""L2_NORMALIZATION."""

from __future__ import annotations

from edgeq.lower.ops import common
from edgeq.lower.program import KernelCall
from edgeq.model.graph import Graph, Op

_LARGEST_PRODUCT = 255 * 255


def l2_normalization(graph: Graph, op: Op) -> KernelCall:
    """L2_NORMALIZATION over the last dimension."""
    common.arity(graph, op, 1)
    source, target = common.present(graph, op, 0), common.result(graph, op)
    common.require_int8(graph, op, source, target)
    common.require_consistent(graph, op)
    outgoing = common.affine(graph, op, target)
    if outgoing.scale != 1 / 128 or outgoing.zero_point != 0:
        common.refuse(
            graph,
            op,
            f"has an output scale of {outgoing.scale:g} and zero point {outgoing.zero_point}, not 1/128 and 0.",
            "Let the converter choose the output's quantization: the int8 kernel is made for this one.",
        )
    depth = source.shape[-1]
    common.require_depth(graph, op, depth, _LARGEST_PRODUCT)
    return KernelCall(
        kernel="edgeq_l2_normalization_int8",
        source="l2_normalization.c",
        params_type="edgeq_l2_normalization_params",
        params={
            "rows": source.elements // depth,
            "depth": depth,
            "input_offset": -common.affine(graph, op, source).zero_point,
        },
        inputs=op.inputs,
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        in_place=(0,),
    )
