"""MEAN."""

from __future__ import annotations

from edgeq.lower.fixedpoint import OutOfRangeError, quantize_multiplier
from edgeq.lower.ops import common
from edgeq.lower.program import KernelCall
from edgeq.model.graph import DType, Graph, Op

MAX_LOOPS = 8  # EDGEQ_MAX_LOOPS


def mean(graph: Graph, op: Op) -> KernelCall:
    """MEAN over any axes: QuantizedMeanOrSum, which puts 1 / count into the multiplier."""
    common.arity(graph, op, 2)
    source, axes_tensor, target = common.present(graph, op, 0), common.present(graph, op, 1), common.result(graph, op)
    common.require_int8(graph, op, source, target)
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
    count = 1
    for extent, _ in reduced_loops:
        count *= extent
    incoming, outgoing = common.affine(graph, op, source), common.affine(graph, op, target)
    try:
        multiplier = quantize_multiplier(incoming.scale / outgoing.scale)
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    extra = min(count.bit_length() - 1, 32, 31 + multiplier.shift)
    return KernelCall(
        kernel="edgeq_mean_int8",
        source="mean.c",
        params_type="edgeq_mean_params",
        params={
            "kept_count": len(kept_loops),
            "reduced_count": len(reduced_loops),
            "kept": kept_loops,
            "reduced": reduced_loops,
            "outputs": target.elements,
            "sum_offset": -count * incoming.zero_point,
            "multiplier": (multiplier.value << extra) // count,
            "shift": multiplier.shift - extra,
            "output_offset": outgoing.zero_point,
        },
        inputs=(op.inputs[0],),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
    )


def _loops(
    shape: tuple[int, ...], reduced: set[int]
) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
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
