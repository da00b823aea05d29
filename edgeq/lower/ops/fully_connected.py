"""FULLY_CONNECTED."""

from __future__ import annotations

import math

from edgeq.lower.fixedpoint import (
    OutOfRangeError,
    activation_range,
    convolution_multipliers,
    per_tensor_multiplier,
)
from edgeq.lower.ops import common
from edgeq.lower.ops.wide import wide_sums
from edgeq.lower.program import KernelCall, Param
from edgeq.model.graph import DType, Graph, Op, Tensor


def fully_connected(graph: Graph, op: Op) -> KernelCall:
    """FULLY_CONNECTED with any input rank, per-tensor or per-channel weights, constant or computed weights."""
    common.arity(graph, op, 2, 3)
    source, weights, target = common.present(graph, op, 0), common.present(graph, op, 1), common.result(graph, op)
    dtype = common.require_values(graph, op, source, target)
    common.require_int8_weights(graph, op, weights)
    common.require_rank(graph, op, 2, weights)
    layout = common.text(op, "weights_format", "DEFAULT")
    if layout != "DEFAULT":
        common.refuse(graph, op, f"has weights in the format {layout}.", "Convert the model without shuffled weights.")
    outputs, depth = weights.shape
    batches = source.elements // depth if depth else 0
    if batches * depth != source.elements or target.elements != batches * outputs or target.shape[-1:] != (outputs,):
        common.refuse(
            graph,
            op,
            f"has an input of shape {source.shape}, weights {weights.shape} and an output {target.shape}.",
            "The input must hold rows as long as the weights', and the output end in their number.",
        )
    common.require_depth(graph, op, depth)
    incoming, outgoing = common.affine(graph, op, source), common.affine(graph, op, target)
    scales = common.weight_scales(graph, op, weights, 0)
    weights_offset = 0
    bias = common.optional(graph, op, 2)
    try:
        if len(scales) > 1:
            multipliers = convolution_multipliers(incoming.scale, scales, outgoing.scale)
        else:
            weights_offset = -common.affine(graph, op, weights).zero_point
            _require_bias_scale(graph, op, bias, incoming.scale * scales[0], outgoing.scale)
            multipliers = [per_tensor_multiplier(incoming.scale, scales[0], outgoing.scale)]
        low, high = activation_range(
            common.text(op, "fused_activation_function", "NONE"),
            outgoing.scale,
            outgoing.zero_point,
            common.limits(dtype),
        )
        if dtype is DType.INT16:
            sums = wide_sums(graph, op, bias, outputs, multipliers)
            return _wide(graph, op, {"batches": batches, "depth": depth, "outputs": outputs}, (low, high), sums)
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    values, shifts, step = common.multiplier_arrays(op, multipliers)
    return KernelCall(
        kernel="edgeq_fully_connected_int8",
        source="fully_connected.c",
        params_type="edgeq_fully_connected_params",
        params={
            "batches": batches,
            "depth": depth,
            "outputs": outputs,
            "input_offset": -incoming.zero_point,
            "weights_offset": weights_offset,
            "output_offset": outgoing.zero_point,
            "activation_min": low,
            "activation_max": high,
            "bias": common.bias_constant(graph, op, bias, outputs),
            "multipliers": values,
            "shifts": shifts,
            "channel_step": step,
        },
        inputs=(op.inputs[0], common.operand(graph, op.inputs[1])),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        macs=batches * outputs * depth,
    )


def _wide(graph: Graph, op: Op, sizes: dict[str, int], limits: tuple[int, int], sums: dict[str, Param]) -> KernelCall:
    """The call for 16-bit activations."""
    weights = graph.tensors[op.inputs[1]]
    if weights.quantization is not None and any(weights.quantization.zero_points):
        common.refuse(
            graph, op, f'has weights "{weights.name}" with a zero point.', "Quantize the weights symmetrically."
        )
    return KernelCall(
        kernel="edgeq_fully_connected_int16",
        source="fully_connected_int16.c",
        params_type="edgeq_fully_connected_int16_params",
        params={**sizes, "activation_min": limits[0], "activation_max": limits[1], **sums},
        inputs=(op.inputs[0], common.operand(graph, op.inputs[1])),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        macs=math.prod(sizes.values()),
    )


def _require_bias_scale(graph: Graph, op: Op, bias: Tensor | None, expected: float, output_scale: float) -> None:
    """GetQuantizedConvolutionMultipler's check: the bias adds to the products, so it must have their scale."""
    if bias is None or bias.quantization is None:
        return
    found = bias.quantization.scale
    if abs(expected - found) > 0.02 * output_scale:
        common.refuse(
            graph,
            op,
            f'has a bias "{bias.name}" at scale {found:g}, where input and weights give {expected:g}.',
            "Quantize the bias with the product of the input's and the weights' scales.",
        )
