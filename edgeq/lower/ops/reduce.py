"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN over any axes; ARG_MAX and ARG_MIN along one."""

from __future__ import annotations

import math

from edgeq.lower.fixedpoint import Multiplier, OutOfRangeError, quantize_multiplier
from edgeq.lower.ops import common
from edgeq.lower.program import KernelCall, Param
from edgeq.model import geometry
from edgeq.model.graph import DType, Graph, Op, Tensor

MAX_LOOPS = 8  # EDGEQ_MAX_LOOPS
# Values that an int32 certainly holds the sum of.
_MAX_SUM = {DType.INT8: (2**31 - 1) // 255, DType.INT16: (2**31 - 1) // 2**15}

Loops = tuple[tuple[int, int], ...]


def mean(graph: Graph, op: Op) -> KernelCall:
    """MEAN: QuantizedMeanOrSum, which puts 1 / count into the multiplier."""
    source, target, kept, reduced = _reduction(graph, op)
    count = math.prod(extent for extent, _ in reduced)
    multiplier = _multiplier(graph, op, source, target)
    extra = min(count.bit_length() - 1, 32, 31 + multiplier.shift)
    divided = Multiplier(value=(multiplier.value << extra) // count, shift=multiplier.shift - extra)
    return _sum(graph, op, source, target, (kept, reduced), divided)


def total(graph: Graph, op: Op) -> KernelCall:
    """SUM: QuantizedMeanOrSum."""
    source, target, kept, reduced = _reduction(graph, op)
    return _sum(graph, op, source, target, (kept, reduced), _multiplier(graph, op, source, target))


def _multiplier(graph: Graph, op: Op, source: Tensor, target: Tensor) -> Multiplier:
    incoming, outgoing = common.affine(graph, op, source), common.affine(graph, op, target)
    try:
        return quantize_multiplier(incoming.scale / outgoing.scale)
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)


def _sum(
    graph: Graph, op: Op, source: Tensor, target: Tensor, loops: tuple[Loops, Loops], multiplier: Multiplier
) -> KernelCall:
    count = math.prod(extent for extent, _ in loops[1])
    most = _MAX_SUM[source.dtype]
    if count > most:
        common.refuse(graph, op, f"sums {count} values.", f"int32 holds up to {most}.")
    return KernelCall(
        kernel=f"edgeq_mean_{source.dtype.value}",
        source="mean.c" if source.dtype is DType.INT8 else "mean_int16.c",
        params_type="edgeq_mean_params",
        params={
            **_walk(target, *loops),
            "sum_offset": -count * common.affine(graph, op, source).zero_point,
            "multiplier": multiplier.value,
            "shift": multiplier.shift,
            "output_offset": common.affine(graph, op, target).zero_point,
        },
        inputs=(op.inputs[0],),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
    )


def reduce_max(graph: Graph, op: Op) -> KernelCall:
    """REDUCE_MAX and REDUCE_MIN."""
    source, target, kept, reduced = _reduction(graph, op)
    common.require_int8(graph, op, source, target)
    common.require_same_quantization(graph, op, source, target)
    return KernelCall(
        kernel="edgeq_reduce_max_int8" if op.name == "REDUCE_MAX" else "edgeq_reduce_min_int8",
        source="reduce_max.c",
        params_type="edgeq_reduce_params",
        params=_walk(target, kept, reduced),
        inputs=(op.inputs[0],),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
    )


def _reduction(graph: Graph, op: Op) -> tuple[Tensor, Tensor, Loops, Loops]:
    """Input, output, and the loops that are kept and reduced."""
    common.arity(graph, op, 2)
    source, axes_tensor, target = common.present(graph, op, 0), common.present(graph, op, 1), common.result(graph, op)
    common.require_values(graph, op, source, target)
    if axes_tensor.dtype is not DType.INT32:
        common.refuse(graph, op, f"has axes of type {axes_tensor.dtype.value}.", "TFLite Micro takes int32 axes.")
    rank = len(source.shape)
    axes = [int(axis) for axis in common.require_constant(graph, op, axes_tensor, "axes").reshape(-1)]
    if any(not -rank <= axis < rank for axis in axes):
        common.refuse(graph, op, f"reduces axes {axes} of a tensor of {rank} dimensions.", "Convert the model again.")
    reduced = {axis % rank for axis in axes}
    keep = bool(common.option(op, "keep_dims", False))
    expected = [1 if i in reduced else n for i, n in enumerate(source.shape) if keep or i not in reduced]
    common.require_shape(graph, op, target, expected)

    kept_loops, reduced_loops = _loops(source.shape, reduced)
    if max(len(kept_loops), len(reduced_loops)) > MAX_LOOPS:
        common.refuse(graph, op, f"reduces a tensor of {rank} dimensions.", "Reshape it to fewer dimensions.")
    return source, target, kept_loops, reduced_loops


def _walk(target: Tensor, kept: Loops, reduced: Loops) -> dict[str, Param]:
    return {
        "kept_count": len(kept),
        "reduced_count": len(reduced),
        "kept": kept,
        "reduced": reduced,
        "outputs": target.elements,
    }


def _loops(shape: tuple[int, ...], reduced: set[int]) -> tuple[Loops, Loops]:
    """(extent, stride) of the kept and of the reduced dimensions, outermost first, neighbours merged."""
    loops: dict[bool, list[tuple[int, int]]] = {False: [], True: []}
    stride = 1
    for axis in reversed(range(len(shape))):
        extent = shape[axis]
        if extent > 1:
            kind = loops[axis in reduced]
            if kind and stride == kind[-1][0] * kind[-1][1]:
                kind[-1] = (kind[-1][0] * extent, kind[-1][1])
            else:
                kind.append((extent, stride))
        stride *= extent
    return tuple(reversed(loops[False])) or ((1, 0),), tuple(reversed(loops[True])) or ((1, 0),)


def arg_max(graph: Graph, op: Op) -> KernelCall:
    """ARG_MAX and ARG_MIN: the first of equal values."""
    common.arity(graph, op, 2)
    source, target = common.present(graph, op, 0), common.result(graph, op)
    common.require_int8(graph, op, source)
    if target.dtype is not DType.INT32:
        common.refuse(graph, op, f"gives {target.dtype.value}.", "TFLite Micro gives int32: use output_type=tf.int32.")
    common.require_consistent(graph, op)
    axis = geometry.chosen_axis(graph, op)
    return KernelCall(
        kernel="edgeq_arg_max_int8" if op.name == "ARG_MAX" else "edgeq_arg_min_int8",
        source="arg_max.c",
        params_type="edgeq_arg_max_params",
        params={
            "outer": math.prod(source.shape[:axis]),
            "extent": source.shape[axis],
            "inner": math.prod(source.shape[axis + 1 :]),
        },
        inputs=(op.inputs[0],),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
    )
