"""ADD, SUB and MUL, with broadcasting."""

from __future__ import annotations

from edgeq.lower.fixedpoint import (
    OutOfRangeError,
    activation_range,
    quantize_multiplier,
    quantize_multiplier_below_one,
)
from edgeq.lower.ops import common
from edgeq.lower.program import KernelCall, Param
from edgeq.lower.tables import Affine
from edgeq.model.graph import DType, Graph, Op

MAX_LOOPS = 8  # EDGEQ_MAX_LOOPS
_LEFT_SHIFT = {DType.INT8: 20, DType.INT16: 15}

# (extent, first input's stride, second input's stride), outermost first.
Loops = tuple[tuple[int, int, int], ...]


def add(graph: Graph, op: Op) -> KernelCall:
    """ADD."""
    return _sum(graph, op, "add")


def sub(graph: Graph, op: Op) -> KernelCall:
    """SUB."""
    return _sum(graph, op, "sub")


def mul(graph: Graph, op: Op) -> KernelCall:
    """MUL: CalculateOpDataMul."""
    first, second, target, loops, (low, high) = _operands(graph, op)
    try:
        multiplier = quantize_multiplier(first.scale * second.scale / target.scale)
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    return KernelCall(
        kernel=f"edgeq_mul_{_dtype(graph, op).value}",
        source="mul.c" if _dtype(graph, op) is DType.INT8 else "mul_int16.c",
        params_type="edgeq_mul_params",
        params={
            "loop_count": len(loops),
            "loops": _in_bytes(loops, _dtype(graph, op)),
            "input1_offset": -first.zero_point,
            "input2_offset": -second.zero_point,
            "output_offset": target.zero_point,
            "output_multiplier": multiplier.value,
            "output_shift": multiplier.shift,
            "activation_min": low,
            "activation_max": high,
        },
        inputs=tuple(common.operand(graph, i) for i in op.inputs),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        in_place=in_place(loops),
    )


def _dtype(graph: Graph, op: Op) -> DType:
    return graph.tensors[op.outputs[0]].dtype


def _in_bytes(loops: Loops, dtype: DType) -> Loops:
    """The loops with their strides in bytes."""
    return tuple((extent, dtype.size * a, dtype.size * b) for extent, a, b in loops)


def _multipliers(first: Affine, second: Affine, target: Affine, left_shift: int) -> tuple[float, float, float]:
    """CalculateOpDataAdd and CalculateOpDataSub."""
    scale = 2 * max(first.scale, second.scale)
    return first.scale / scale, second.scale / scale, scale / ((1 << left_shift) * target.scale)


def _sum(graph: Graph, op: Op, name: str) -> KernelCall:
    first, second, target, loops, (low, high) = _operands(graph, op)
    dtype = _dtype(graph, op)
    if dtype is DType.INT16 and name == "sub":
        common.refuse(graph, op, "works on int16 values.", "Add the negated value, or quantize to int8.")
    params: dict[str, Param] = {
        "loop_count": len(loops),
        "loops": _in_bytes(loops, dtype),
        "input1_offset": -first.zero_point,
        "input2_offset": -second.zero_point,
        "output_offset": target.zero_point,
        "activation_min": low,
        "activation_max": high,
    }
    try:
        reals = _multipliers(first, second, target, _LEFT_SHIFT[dtype])
        for part, real in zip(("input1", "input2", "output"), reals, strict=True):
            multiplier = quantize_multiplier_below_one(real)
            params |= {f"{part}_multiplier": multiplier.value, f"{part}_shift": multiplier.shift}
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    return KernelCall(
        kernel=f"edgeq_{name}_{dtype.value}",
        source="add.c" if dtype is DType.INT8 else "add_int16.c",
        params_type="edgeq_add_params",
        params=params,
        inputs=tuple(common.operand(graph, i) for i in op.inputs),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        in_place=in_place(loops),
    )


def _operands(graph: Graph, op: Op) -> tuple[Affine, Affine, Affine, Loops, tuple[int, int]]:
    common.arity(graph, op, 2)
    first, second = common.present(graph, op, 0), common.present(graph, op, 1)
    target = common.result(graph, op)
    dtype = common.require_values(graph, op, first, second, target)
    loops = broadcast_loops(first.shape, second.shape)
    if loops is None:
        common.refuse(
            graph, op, f"has inputs of shapes {first.shape} and {second.shape}.", "They do not broadcast to one shape."
        )
    rank = max(len(first.shape), len(second.shape))
    if len(loops) > MAX_LOOPS:
        common.refuse(graph, op, f"broadcasts over {rank} dimensions.", "Reshape the inputs to fewer dimensions.")
    pairs = zip(_extended(first.shape, rank), _extended(second.shape, rank), strict=True)
    common.require_shape(graph, op, target, [max(a, b) for a, b in pairs])
    outgoing = common.affine(graph, op, target)
    try:
        limits = activation_range(
            common.text(op, "fused_activation_function", "NONE"),
            outgoing.scale,
            outgoing.zero_point,
            common.limits(dtype),
        )
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    return common.affine(graph, op, first), common.affine(graph, op, second), outgoing, loops, limits


def in_place(loops: Loops) -> tuple[int, ...]:
    """Without broadcasting, the output may take over either input's buffer."""
    return (0, 1) if len(loops) == 1 and loops[0][1:] == (1, 1) else ()


def _extended(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    return (1,) * (rank - len(shape)) + shape


def broadcast_loops(first: tuple[int, ...], second: tuple[int, ...]) -> Loops | None:
    """The loops that walk two shapes together, dimensions of the same kind merged; None if they do not broadcast."""
    rank = max(len(first), len(second))
    loops: list[tuple[int, int, int]] = []
    size1 = size2 = 1  # elements of the dimensions inside
    for a, b in zip(reversed(_extended(first, rank)), reversed(_extended(second, rank)), strict=True):
        if a != b and 1 not in {a, b}:
            return None
        extent = max(a, b)
        if extent > 1:
            stride1, stride2 = (size1 if a > 1 else 0), (size2 if b > 1 else 0)
            if loops and stride1 == loops[-1][0] * loops[-1][1] and stride2 == loops[-1][0] * loops[-1][2]:
                loops[-1] = (loops[-1][0] * extent, *loops[-1][1:])
            else:
                loops.append((extent, stride1, stride2))
        size1 *= a
        size2 *= b
    return tuple(reversed(loops)) or ((1, 1, 1),)
