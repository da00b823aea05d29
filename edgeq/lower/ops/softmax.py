"""SOFTMAX."""

from __future__ import annotations

import math

import numpy as np

from edgeq.lower.fixedpoint import (
    INT32_MAX,
    OutOfRangeError,
    doubling_high_multiply,
    quantize_multiplier,
    wrap32,
)
from edgeq.lower.gemmlowp import exp_of_negative
from edgeq.lower.ops import common
from edgeq.lower.ops.softmax_int16 import softmax_int16
from edgeq.lower.program import Constant, KernelCall
from edgeq.model.graph import DType, Graph, Op

_INTEGER_BITS = 5  # of a scaled difference to the largest input
_MAX_DEPTH = 1 << 12  # the kernel's sum of exponentials has 12 integer bits


def softmax(graph: Graph, op: Op) -> KernelCall:
    """SOFTMAX over the last dimension. The exponentials of all differences are a table, made here."""
    common.arity(graph, op, 1)
    source, target = common.present(graph, op, 0), common.result(graph, op)
    dtype = common.require_values(graph, op, source, target)
    common.require_shape(graph, op, target, source.shape)
    if dtype is DType.INT16:
        return softmax_int16(graph, op)
    outgoing = common.affine(graph, op, target)
    if not source.shape:
        common.refuse(graph, op, "has a scalar for input.", "It needs at least one dimension.")
    if outgoing.scale != 1 / 256 or outgoing.zero_point != -128:
        common.refuse(
            graph,
            op,
            f"has an output scale of {outgoing.scale:g} and zero point {outgoing.zero_point}, not 1/256 and −128.",
            "Let the converter choose the output's quantization: the int8 kernel is made for this one.",
        )
    depth = source.shape[-1]
    if depth > _MAX_DEPTH:
        common.refuse(graph, op, f"has rows of {depth} values.", f"The int8 kernel sums up to {_MAX_DEPTH}.")
    try:
        table = exp_table(common.affine(graph, op, source).scale, float(common.option(op, "beta", 0.0)))
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    return KernelCall(
        kernel="edgeq_softmax_int8",
        source="softmax.c",
        params_type="edgeq_softmax_params",
        params={
            "rows": source.elements // depth,
            "depth": depth,
            "table_size": len(table),
            "exp_table": Constant(name=f"op_{op.index}_exp", data=table),
        },
        inputs=op.inputs,
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        in_place=(0,),
    )


def exp_table(scale: float, beta: float) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """exp(−d · beta · scale) in Q0 for d = 0, 1, …, without the zeros at the end: PreprocessSoftmaxScaling,
    CalculateInputRadius and the first part of reference_ops::Softmax.

    Raises:
        OutOfRangeError: beta · scale is too small (TFLM aborts), negative or not finite.
    """
    real = min(beta * scale * (1 << (31 - _INTEGER_BITS)), (1 << 31) - 1.0)
    if not real > 1.0:
        raise OutOfRangeError(f"an input scale of {scale:g} with beta {beta:g}")
    if real >= 1 << 30:  # one step of the input is exp(−16) or less: only the largest value counts
        return np.array([INT32_MAX], np.int32)
    multiplier = quantize_multiplier(real)
    radius = math.floor(((1 << _INTEGER_BITS) - 1) * (1 << (31 - _INTEGER_BITS)) / (1 << multiplier.shift))
    values = []
    for difference in range(min(radius, 255) + 1):
        rescaled = doubling_high_multiply(wrap32(-difference << multiplier.shift), multiplier.value)
        values.append(exp_of_negative(rescaled, _INTEGER_BITS))
    while values[-1] == 0:
        values.pop()
    return np.array(values, np.int32)
