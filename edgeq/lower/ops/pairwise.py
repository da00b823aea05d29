"""MAXIMUM, MINIMUM and PRELU: two inputs, broadcast to one shape, without a fused activation."""

from __future__ import annotations

from edgeq.lower.fixedpoint import OutOfRangeError, quantize_multiplier
from edgeq.lower.ops import common
from edgeq.lower.ops.arithmetic import MAX_LOOPS, Loops, broadcast_loops, in_place
from edgeq.lower.program import KernelCall
from edgeq.model.graph import Graph, Op, Tensor


def maximum(graph: Graph, op: Op) -> KernelCall:
    """MAXIMUM."""
    return _choice(graph, op, "edgeq_maximum_int8")


def minimum(graph: Graph, op: Op) -> KernelCall:
    """MINIMUM."""
    return _choice(graph, op, "edgeq_minimum_int8")


def _choice(graph: Graph, op: Op, kernel: str) -> KernelCall:
    first, second, target, loops = _operands(graph, op)
    for source in (first, second):
        common.require_same_quantization(graph, op, source, target)
    return KernelCall(
        kernel=kernel,
        source="maximum_minimum.c",
        params_type="edgeq_maximum_params",
        params={"loop_count": len(loops), "loops": loops},
        inputs=tuple(common.operand(graph, i) for i in op.inputs),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        in_place=in_place(loops),
    )


def prelu(graph: Graph, op: Op) -> KernelCall:
    """PRELU with one slope for each value, broadcast: CalculatePreluParams."""
    first, second, target, loops = _operands(graph, op)
    incoming, slope, outgoing = (common.affine(graph, op, t) for t in (first, second, target))
    try:
        positive = quantize_multiplier(incoming.scale / outgoing.scale)
        negative = quantize_multiplier(incoming.scale * slope.scale / outgoing.scale)
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    return KernelCall(
        kernel="edgeq_prelu_int8",
        source="prelu.c",
        params_type="edgeq_prelu_params",
        params={
            "loop_count": len(loops),
            "loops": loops,
            "input_offset": -incoming.zero_point,
            "slope_offset": -slope.zero_point,
            "output_offset": outgoing.zero_point,
            "multiplier": positive.value,
            "shift": positive.shift,
            "slope_multiplier": negative.value,
            "slope_shift": negative.shift,
        },
        inputs=tuple(common.operand(graph, i) for i in op.inputs),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        in_place=(0,) if first.shape == target.shape else (),
    )


def _operands(graph: Graph, op: Op) -> tuple[Tensor, Tensor, Tensor, Loops]:
    common.arity(graph, op, 2)
    first, second, target = common.present(graph, op, 0), common.present(graph, op, 1), common.result(graph, op)
    common.require_int8(graph, op, first, second, target)
    common.require_consistent(graph, op)
    loops = broadcast_loops(first.shape, second.shape) or ()
    if not 1 <= len(loops) <= MAX_LOOPS:
        common.refuse(
            graph, op, f"broadcasts {first.shape} and {second.shape}.", "Reshape the inputs to fewer dimensions."
        )
    return first, second, target, loops
