"""TRANSPOSE_CONV."""

from __future__ import annotations

from edgeq.lower.fixedpoint import output_size, padding_before
from edgeq.lower.ops import common
from edgeq.lower.ops.convolution import quantization
from edgeq.lower.program import KernelCall
from edgeq.model.graph import Graph, Op


def transpose_conv(graph: Graph, op: Op) -> KernelCall:
    """TRANSPOSE_CONV: the padding is that of the convolution that would make the input out of the output."""
    common.arity(graph, op, 3, 4)
    weights, source, target = common.present(graph, op, 1), common.present(graph, op, 2), common.result(graph, op)
    common.require_int8(graph, op, source, target)
    common.require_int8_weights(graph, op, weights)
    common.require_consistent(graph, op)
    filters, filter_height, filter_width, channels = weights.shape
    common.require_depth(graph, op, filter_height * filter_width * channels)
    padding = common.padding(graph, op)
    pads = []
    for axis, window, side in ((1, filter_height, "h"), (2, filter_width, "w")):
        stride = common.positive(graph, op, f"stride_{side}")
        size = target.shape[axis]
        pads.append(padding_before(size, window, stride, output_size(padding, size, window, stride)))
    return KernelCall(
        kernel="edgeq_transpose_conv_int8",
        source="transpose_conv.c",
        params_type="edgeq_transpose_conv_params",
        params={
            "batches": source.shape[0],
            "input_height": source.shape[1],
            "input_width": source.shape[2],
            "input_channels": channels,
            "output_height": target.shape[1],
            "output_width": target.shape[2],
            "output_channels": filters,
            "filter_height": filter_height,
            "filter_width": filter_width,
            "stride_height": common.integer(op, "stride_h"),
            "stride_width": common.integer(op, "stride_w"),
            "pad_top": pads[0],
            "pad_left": pads[1],
            **quantization(graph, op, source, weights, target, channel_axis=0, bias=3),
        },
        inputs=(op.inputs[2], common.operand(graph, op.inputs[1])),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        macs=source.elements * filter_height * filter_width * filters,
    )
