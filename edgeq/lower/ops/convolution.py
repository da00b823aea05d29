"""CONV_2D and DEPTHWISE_CONV_2D."""

from __future__ import annotations

from typing import TypedDict

from edgeq.lower.fixedpoint import (
    OutOfRangeError,
    activation_range,
    convolution_multipliers,
    output_size,
    padding_before,
)
from edgeq.lower.ops import common
from edgeq.lower.ops.bands import banded, has_bands
from edgeq.lower.ops.wide import wide_sums
from edgeq.lower.program import KernelCall, Param
from edgeq.model.graph import DType, Graph, Op, Tensor


def conv_2d(graph: Graph, op: Op) -> KernelCall:
    """CONV_2D, grouped where the weights have fewer input channels than the input."""
    source, weights, target = _tensors(graph, op)
    filters, filter_height, filter_width, filter_channels = weights.shape
    batches, _, _, channels = source.shape
    groups = channels // filter_channels if filter_channels else 0
    if groups * filter_channels != channels or groups == 0 or filters % groups:
        common.refuse(
            graph,
            op,
            f"has {channels} input channels, and {filters} filters of {filter_channels} channels.",
            "Input channels and filters must divide into equal groups.",
        )
    common.require_depth(graph, op, filter_height * filter_width * filter_channels)
    height, width = _window(graph, op, source, filter_height, filter_width)
    common.require_shape(graph, op, target, (batches, height[0], width[0], filters))
    bias = common.optional(graph, op, 2)
    if bias is not None and has_bands(bias, target):
        scales = quantization(graph, op, source, weights, target, channel_axis=0, bias=None)
        return banded(graph, op, bias, scales)
    return KernelCall(
        **_kernel("conv_2d", source.dtype),
        params={
            "batches": batches,
            "input_height": source.shape[1],
            "input_width": source.shape[2],
            "input_channels": channels,
            "output_height": height[0],
            "output_width": width[0],
            "output_channels": filters,
            "filter_height": filter_height,
            "filter_width": filter_width,
            "filter_channels": filter_channels,
            "groups": groups,
            **_geometry(op, height, width),
            **quantization(graph, op, source, weights, target, channel_axis=0),
        },
        inputs=(op.inputs[0], common.operand(graph, op.inputs[1])),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        macs=target.elements * filter_height * filter_width * filter_channels,
    )


def depthwise_conv_2d(graph: Graph, op: Op) -> KernelCall:
    """DEPTHWISE_CONV_2D. The multiplier follows from the shapes, as in every current interpreter."""
    source, weights, target = _tensors(graph, op)
    one, filter_height, filter_width, filters = weights.shape
    batches, _, _, channels = source.shape
    multiplier = filters // channels if channels else 0
    stated = common.integer(op, "depth_multiplier")
    if one != 1 or multiplier * channels != filters or (stated and stated != multiplier):
        common.refuse(
            graph,
            op,
            f"has {channels} input channels, weights of shape {weights.shape} and a depth multiplier of {stated}.",
            "The weights must have shape (1, height, width, input channels × multiplier).",
        )
    common.require_depth(graph, op, filter_height * filter_width)
    height, width = _window(graph, op, source, filter_height, filter_width)
    common.require_shape(graph, op, target, (batches, height[0], width[0], filters))
    return KernelCall(
        **_kernel("depthwise_conv_2d", source.dtype),
        params={
            "batches": batches,
            "input_height": source.shape[1],
            "input_width": source.shape[2],
            "input_channels": channels,
            "depth_multiplier": multiplier,
            "output_height": height[0],
            "output_width": width[0],
            "filter_height": filter_height,
            "filter_width": filter_width,
            **_geometry(op, height, width),
            **quantization(graph, op, source, weights, target, channel_axis=3),
        },
        inputs=(op.inputs[0], common.operand(graph, op.inputs[1])),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        macs=target.elements * filter_height * filter_width,
    )


class _Kernel(TypedDict):
    kernel: str
    source: str
    params_type: str


def _kernel(name: str, dtype: DType) -> _Kernel:
    wide = "_int16" if dtype is DType.INT16 else ""
    return {
        "kernel": f"edgeq_{name}_{dtype.value}",
        "source": f"{name}{wide}.c",
        "params_type": f"edgeq_{name}{wide}_params",
    }


def _tensors(graph: Graph, op: Op) -> tuple[Tensor, Tensor, Tensor]:
    common.arity(graph, op, 2, 3)
    source, weights, target = common.present(graph, op, 0), common.present(graph, op, 1), common.result(graph, op)
    common.require_values(graph, op, source, target)
    common.require_int8_weights(graph, op, weights)
    common.require_rank(graph, op, 4, source, weights, target)
    return source, weights, target


def _window(
    graph: Graph, op: Op, source: Tensor, filter_height: int, filter_width: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """(outputs, padding before) along height and width."""
    padding = common.padding(graph, op)
    found = []
    for axis, window, side in ((1, filter_height, "h"), (2, filter_width, "w")):
        stride = common.positive(graph, op, f"stride_{side}")
        dilation = common.positive(graph, op, f"dilation_{side}_factor", 1)
        outputs = output_size(padding, source.shape[axis], window, stride, dilation)
        found.append((outputs, padding_before(source.shape[axis], window, stride, outputs, dilation)))
    return found[0], found[1]


def _geometry(op: Op, height: tuple[int, int], width: tuple[int, int]) -> dict[str, Param]:
    return {
        "stride_height": common.integer(op, "stride_h"),
        "stride_width": common.integer(op, "stride_w"),
        "dilation_height": common.integer(op, "dilation_h_factor", 1),
        "dilation_width": common.integer(op, "dilation_w_factor", 1),
        "pad_top": height[1],
        "pad_left": width[1],
    }


def quantization(
    graph: Graph, op: Op, source: Tensor, weights: Tensor, target: Tensor, *, channel_axis: int, bias: int | None = 2
) -> dict[str, Param]:
    """What a convolution's parameters say about scales: PopulateConvolutionQuantizationParams. `bias` is the position
    of that input; None leaves it out."""
    channels = weights.shape[channel_axis]
    scales = common.weight_scales(graph, op, weights, channel_axis)
    if weights.quantization is not None and any(weights.quantization.zero_points):
        common.refuse(
            graph,
            op,
            f'has weights "{weights.name}" with zero points other than 0.',
            "Quantize the weights symmetrically: TFLite Micro ignores their zero points in convolutions.",
        )
    incoming, outgoing = common.affine(graph, op, source), common.affine(graph, op, target)
    added = None if bias is None else common.optional(graph, op, bias)
    try:
        multipliers = convolution_multipliers(incoming.scale, scales, outgoing.scale)
        low, high = activation_range(
            common.text(op, "fused_activation_function", "NONE"),
            outgoing.scale,
            outgoing.zero_point,
            common.limits(target.dtype),
        )
        if source.dtype is DType.INT16:
            wide = wide_sums(graph, op, added, channels, multipliers)
            return {"activation_min": low, "activation_max": high, **wide}
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    values, shifts, step = common.multiplier_arrays(op, multipliers)
    return {
        "input_offset": -incoming.zero_point,
        "output_offset": outgoing.zero_point,
        "activation_min": low,
        "activation_max": high,
        "bias": common.bias_constant(graph, op, added, channels),
        "multipliers": values,
        "shifts": shifts,
        "channel_step": step,
    }
