"""SVDF."""

from __future__ import annotations

from edgeq.lower.fixedpoint import OutOfRangeError, quantize_multiplier
from edgeq.lower.ops import common
from edgeq.lower.program import KernelCall
from edgeq.model.graph import DType, Graph, Op, Tensor


def svdf(graph: Graph, op: Op) -> KernelCall:
    """SVDF with a memory of int8 or int16: PrepareSvdf, its multipliers in double as the wheel has them."""
    common.arity(graph, op, 5)
    source, features, times, state = (common.present(graph, op, i) for i in (0, 1, 2, 4))
    target, bias = common.result(graph, op), common.optional(graph, op, 3)
    common.require_int8(graph, op, source, target)
    common.require_int8_weights(graph, op, features)
    common.require_consistent(graph, op)
    if times.dtype is not state.dtype or state.dtype not in {DType.INT8, DType.INT16} or not state.is_variable:
        common.refuse(
            graph,
            op,
            f"has time weights of {times.dtype.value} and a memory of {state.dtype.value}.",
            "Both must be int8 or int16, and the memory a variable: convert the model again.",
        )
    incoming, outgoing, memory = (common.affine(graph, op, t) for t in (source, target, state))
    (feature_scale,), (time_scale,) = _symmetric(graph, op, features), _symmetric(graph, op, times)
    common.require_depth(graph, op, features.shape[1])
    _require_no_activation(graph, op, outgoing.zero_point)
    if bias is not None and (
        bias.quantization is None or abs(bias.quantization.scale - memory.scale * time_scale) >= 1e-5
    ):
        common.refuse(
            graph,
            op,
            f'has a bias "{bias.name}" at another scale than that of memory and time weights, '
            f"{memory.scale * time_scale:g}.",
            "Quantize the bias with the product of both scales.",
        )
    try:
        feature = quantize_multiplier(incoming.scale * feature_scale / memory.scale)
        time = quantize_multiplier(memory.scale * time_scale / outgoing.scale)
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    filters, depth = features.shape
    rank = common.positive(graph, op, "rank")
    return KernelCall(
        kernel=f"edgeq_svdf_{state.dtype.value}",
        source="svdf.c",
        params_type="edgeq_svdf_params",
        params={
            "batches": source.shape[0],
            "depth": depth,
            "units": filters // rank,
            "rank": rank,
            "memory": times.shape[1],
            "input_offset": -incoming.zero_point,
            "state_offset": -memory.zero_point,
            "output_offset": outgoing.zero_point,
            "feature_multiplier": feature.value,
            "feature_shift": feature.shift,
            "time_multiplier": time.value,
            "time_shift": time.shift,
            "bias": common.bias_constant(graph, op, bias, filters // rank),
        },
        inputs=(op.inputs[0], *(common.operand(graph, op.inputs[i]) for i in (1, 2)), op.inputs[4]),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        macs=source.shape[0] * filters * (depth + times.shape[1]),
    )


def _symmetric(graph: Graph, op: Op, weights: Tensor) -> tuple[float, ...]:
    """The one scale of weights whose zero point is 0."""
    common.require_constant(graph, op, weights, "weights")
    found = common.affine(graph, op, weights)
    if found.zero_point:
        common.refuse(
            graph,
            op,
            f'has weights "{weights.name}" with the zero point {found.zero_point}.',
            "Quantize the weights symmetrically: TFLite Micro ignores their zero point here.",
        )
    return (found.scale,)


def _require_no_activation(graph: Graph, op: Op, zero_point: int) -> None:
    activation = common.text(op, "fused_activation_function", "NONE")
    if activation != "NONE" and (activation != "RELU" or zero_point != -128):
        common.refuse(
            graph,
            op,
            f"has the fused activation {activation}, which TFLite Micro ignores.",
            "Use a layer of its own for it, or a ReLU whose output has the zero point −128.",
        )
