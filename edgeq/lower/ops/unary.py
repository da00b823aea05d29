"""Unary ops as tables; QUANTIZE and DEQUANTIZE."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeq.lower import tables
from edgeq.lower.fixedpoint import OutOfRangeError
from edgeq.lower.ops import common
from edgeq.lower.program import Constant, KernelCall
from edgeq.lower.tables import Affine, Table
from edgeq.model.graph import DType, Graph, Op


def _leaky_relu(source: Affine, target: Affine, op: Op) -> Table:
    return tables.leaky_relu(source, target, float(common.option(op, "alpha", 0.0)))


def _plain(function: Callable[[Affine, Affine], Table]) -> Callable[[Affine, Affine, Op], Table]:
    return lambda source, target, _: function(source, target)


TABLES: Mapping[str, Callable[[Affine, Affine, Op], Table]] = {
    "ABS": _plain(tables.absolute),
    "ELU": _plain(tables.elu),
    "HARD_SWISH": _plain(tables.hard_swish),
    "LEAKY_RELU": _leaky_relu,
    "LOGISTIC": _plain(tables.logistic),
    "QUANTIZE": _plain(tables.requantize),
    "RELU": _plain(tables.relu),
    "RELU6": _plain(tables.relu6),
    "RSQRT": _plain(tables.rsqrt),
    "TANH": _plain(tables.tanh),
}


def by_table(graph: Graph, op: Op) -> KernelCall:
    """Any op of `TABLES` on int8."""
    common.arity(graph, op, 1)
    source, target = common.present(graph, op, 0), common.result(graph, op)
    common.require_int8(graph, op, source, target)
    common.require_shape(graph, op, target, source.shape)
    try:
        table = TABLES[op.name](common.affine(graph, op, source), common.affine(graph, op, target), op)
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    return KernelCall(
        kernel="edgeq_table_int8",
        source="table.c",
        params_type="edgeq_table_params",
        params={"count": target.elements, "table": Constant(name=f"op_{op.index}_table", data=table)},
        inputs=op.inputs,
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        in_place=(0,),
    )


def quantize(graph: Graph, op: Op) -> KernelCall:
    """QUANTIZE from float32 or int8 to int8."""
    common.arity(graph, op, 1)
    source, target = common.present(graph, op, 0), common.result(graph, op)
    if source.dtype is not DType.FLOAT32:
        return by_table(graph, op)
    common.require_int8(graph, op, target)
    common.require_shape(graph, op, target, source.shape)
    return _affine_call(graph, op, "edgeq_quantize_float32", common.affine(graph, op, target), target.elements)


def dequantize(graph: Graph, op: Op) -> KernelCall:
    """DEQUANTIZE from int8 to float32."""
    common.arity(graph, op, 1)
    source, target = common.present(graph, op, 0), common.result(graph, op)
    common.require_int8(graph, op, source)
    if target.dtype is not DType.FLOAT32:
        common.refuse(graph, op, f"gives {target.dtype.value}.", "float32 is supported.")
    common.require_shape(graph, op, target, source.shape)
    return _affine_call(graph, op, "edgeq_dequantize_int8", common.affine(graph, op, source), target.elements)


def _affine_call(graph: Graph, op: Op, kernel: str, quantization: Affine, count: int) -> KernelCall:
    return KernelCall(
        kernel=kernel,
        source="quantize.c",
        params_type="edgeq_affine_params",
        params={"count": count, "scale": quantization.scale, "zero_point": quantization.zero_point},
        inputs=op.inputs,
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
    )
