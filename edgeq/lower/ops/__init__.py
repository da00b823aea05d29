"""One module per operator family: a .tflite op to a kernel call."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.lower.ops import (
    arithmetic,
    batch_matmul,
    convolution,
    fully_connected,
    l2_normalization,
    lstm,
    move,
    pairwise,
    pool,
    reduce,
    resize,
    shape,
    softmax,
    svdf,
    transpose_conv,
    unary,
    variables,
)
from edgeq.lower.program import Lowering
from edgeq.model.scheme import Scheme

# What makes a kernel call, or an alias, of each op (one for each output where it has several). It raises an
# UnsupportedError that names the op, its place and what to do, if the kernel cannot compute the op with these tensors
# and attributes.
LOWER: Mapping[str, Lowering] = {
    "ADD": arithmetic.add,
    "ARG_MAX": reduce.arg_max,
    "ARG_MIN": reduce.arg_max,
    "ASSIGN_VARIABLE": variables.assign,
    "AVERAGE_POOL_2D": pool.average_pool_2d,
    "BATCH_MATMUL": batch_matmul.batch_matmul,
    "CALL_ONCE": variables.declared,
    "CONCATENATION": shape.concatenation,
    "CONV_2D": convolution.conv_2d,
    "DEPTHWISE_CONV_2D": convolution.depthwise_conv_2d,
    "DEQUANTIZE": unary.dequantize,
    "EXPAND_DIMS": shape.alias,
    "FULLY_CONNECTED": fully_connected.fully_connected,
    "L2_NORMALIZATION": l2_normalization.l2_normalization,
    "MAX_POOL_2D": pool.max_pool_2d,
    "MAXIMUM": pairwise.maximum,
    "MEAN": reduce.mean,
    "MINIMUM": pairwise.minimum,
    "MUL": arithmetic.mul,
    "PACK": move.pack,
    "PAD": shape.pad,
    "PADV2": shape.pad,
    "PRELU": pairwise.prelu,
    "READ_VARIABLE": variables.read,
    "REDUCE_MAX": reduce.reduce_max,
    "REDUCE_MIN": reduce.reduce_max,
    "RESHAPE": shape.alias,
    "RESIZE_BILINEAR": resize.resize_bilinear,
    "RESIZE_NEAREST_NEIGHBOR": resize.resize_nearest_neighbor,
    "SLICE": move.cut,
    "SOFTMAX": softmax.softmax,
    "SPLIT": move.cut,
    "SPLIT_V": move.cut,
    "SQUEEZE": shape.alias,
    "STRIDED_SLICE": move.cut,
    "SUB": arithmetic.sub,
    "SUM": reduce.total,
    "SVDF": svdf.svdf,
    "TRANSPOSE": move.transpose,
    "TRANSPOSE_CONV": transpose_conv.transpose_conv,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm.lstm,
    "UNPACK": move.cut,
    "VAR_HANDLE": variables.declared,
    **dict.fromkeys(unary.TABLES, unary.by_table),
    "QUANTIZE": unary.quantize,
}


# Ops with kernels for 16-bit activations too.
_WIDE = frozenset(
    {
        "ADD",
        "AVERAGE_POOL_2D",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "EXPAND_DIMS",
        "FULLY_CONNECTED",
        "MAX_POOL_2D",
        "MEAN",
        "MUL",
        "PACK",
        "PAD",
        "RESHAPE",
        "SLICE",
        "SOFTMAX",
        "SPLIT",
        "SPLIT_V",
        "SQUEEZE",
        "STRIDED_SLICE",
        "SUM",
        "TRANSPOSE",
        "UNPACK",
    }
)


def supported_ops(scheme: Scheme = Scheme.INT8) -> frozenset[str]:
    """Names of the ops that the aot engine has kernels for."""
    return frozenset(LOWER) if scheme is Scheme.INT8 else _WIDE


__all__ = ["LOWER", "supported_ops"]
