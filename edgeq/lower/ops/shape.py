"""Ops that move values or give them another shape: PAD, CONCATENATION, RESHAPE and its relatives."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgeq.lower.ops import common
from edgeq.lower.program import Alias, Constant, KernelCall, Operand
from edgeq.model.graph import DType, Graph, Op
from edgeq.model.naming import view_of

_PAD_DIMS = 5  # EDGEQ_PAD_DIMS


def pad(graph: Graph, op: Op) -> KernelCall:
    """PAD with the zero point, PADV2 with a constant."""
    common.arity(graph, op, 2, 3)
    source, amounts, target = common.present(graph, op, 0), common.present(graph, op, 1), common.result(graph, op)
    dtype = common.require_values(graph, op, source, target)
    common.require_same_quantization(graph, op, source, target)
    if amounts.dtype is not DType.INT32:
        common.refuse(graph, op, f"has paddings of type {amounts.dtype.value}.", "TFLite Micro takes int32 paddings.")
    rank = len(source.shape)
    values = common.require_constant(graph, op, amounts, "paddings")
    if rank > _PAD_DIMS or values.size != 2 * rank or values.min(initial=0) < 0:
        common.refuse(
            graph,
            op,
            f"pads {rank} dimensions with {values.reshape(-1).tolist()}.",
            f"Up to {_PAD_DIMS} dimensions and paddings of at least 0 are supported.",
        )
    pairs = [(int(a), int(b)) for a, b in values.reshape(rank, 2)]
    common.require_shape(graph, op, target, [a + n + b for (a, b), n in zip(pairs, source.shape, strict=True)])
    value = common.affine(graph, op, target).zero_point
    constant = common.optional(graph, op, 2)
    if constant is not None:
        common.require_values(graph, op, constant, target)
        common.require_same_quantization(graph, op, constant, target)
        data = common.require_constant(graph, op, constant, "padding value")
        if data.size != 1:
            common.refuse(graph, op, f"has {data.size} padding values.", "One is supported.")
        value = int(data.reshape(-1)[0])
    if dtype is DType.INT16 and value:
        common.refuse(graph, op, f"pads int16 values with {value}.", "Pad them with 0.")
    # In bytes: those of a wider value are a dimension of their own, which the last one takes in.
    sizes, before, after = _merged((*source.shape, dtype.size), [*pairs, (0, 0)])
    return KernelCall(
        kernel="edgeq_pad_int8",
        source="pad.c",
        params_type="edgeq_pad_params",
        params={"size": sizes, "before": before, "after": after, "value": value},
        inputs=(op.inputs[0],),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
    )


def _merged(
    shape: tuple[int, ...], pairs: list[tuple[int, int]]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Sizes and paddings of five dimensions: trailing ones without padding join the one before them."""
    sizes, before, after = list(shape), [a for a, _ in pairs], [b for _, b in pairs]
    while len(sizes) > 1 and before[-1] == after[-1] == 0:
        inner = sizes.pop()
        before.pop()
        after.pop()
        sizes[-1], before[-1], after[-1] = sizes[-1] * inner, before[-1] * inner, after[-1] * inner
    missing = _PAD_DIMS - len(sizes)
    return (*[1] * missing, *sizes), (*[0] * missing, *before), (*[0] * missing, *after)


def concatenation(graph: Graph, op: Op) -> KernelCall:
    """CONCATENATION along any axis, of any number of inputs; all have the output's quantization, as TFLM asks."""
    if not op.inputs or len(op.outputs) != 1:
        common.arity(graph, op, 1)
    target = common.result(graph, op)
    sources = [common.present(graph, op, i) for i in range(len(op.inputs))]
    dtype = common.require_values(graph, op, *sources, target)
    if common.text(op, "fused_activation_function", "NONE") != "NONE":
        common.refuse(graph, op, "has a fused activation.", "TFLite Micro has none here: use a layer of its own.")
    rank = len(target.shape)
    axis = common.integer(op, "axis")
    if not -rank <= axis < rank or any(len(s.shape) != rank for s in sources):
        common.refuse(graph, op, f"joins axis {axis} of {[s.shape for s in sources]}.", "Convert the model again.")
    axis %= rank
    shape = list(sources[0].shape)
    shape[axis] = sum(s.shape[axis] for s in sources)
    common.require_shape(graph, op, target, shape)
    for source in sources:
        common.require_same_quantization(graph, op, source, target)
        common.require_shape(graph, op, source, (*shape[:axis], source.shape[axis], *shape[axis + 1 :]))
    return joined(graph, op, math.prod(shape[:axis]), [math.prod(s.shape[axis:]) * dtype.size for s in sources])


def joined(graph: Graph, op: Op, rows: int, row_bytes: Sequence[int]) -> KernelCall:
    """The call that joins rows of the op's inputs."""
    return KernelCall(
        kernel="edgeq_concatenation_int8",
        source="concatenation.c",
        params_type="edgeq_concatenation_params",
        params={
            "rows": rows,
            "input_count": len(row_bytes),
            "row_bytes": Constant(name=f"op_{op.index}_row_bytes", data=np.array(row_bytes, np.int32)),
        },
        inputs=tuple(_bytes_of(graph, i) for i in op.inputs),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        array_inputs=True,
    )


def _bytes_of(graph: Graph, index: int) -> Operand:
    """A tensor as an operand of a kernel that takes bytes."""
    data = graph.tensors[index].data
    if data is None or data.dtype == np.int8:
        return common.operand(graph, index)
    return Constant(name=f"tensor_{index}_bytes", data=np.ascontiguousarray(data).view(np.int8))


def alias(graph: Graph, op: Op) -> Alias:
    """RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape."""
    common.arity(graph, op, 1, 2)
    source, target = common.present(graph, op, 0), common.result(graph, op)
    if source.dtype is not target.dtype or source.dtype not in {DType.INT8, DType.INT16, DType.FLOAT32}:
        common.refuse(
            graph, op, f"turns {source.dtype.value} into {target.dtype.value}.", "Quantize the model full-integer."
        )
    if source.elements != target.elements:
        common.refuse(
            graph, op, f"turns shape {source.shape} into {target.shape}.", "Convert the model with fixed dimensions."
        )
    if source.dtype is not DType.FLOAT32:
        common.require_same_quantization(graph, op, source, target)
    return Alias(output=op.outputs[0], input=op.inputs[0], source_op=op.index, reason=view_of(source))
