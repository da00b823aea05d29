"""One module per operator family: a .tflite op to a kernel call."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeq.lower.ops import arithmetic, convolution, fully_connected, mean, pool, shape, softmax, unary
from edgeq.lower.program import Alias, KernelCall
from edgeq.model.graph import Graph, Op

# What makes a kernel call, or an alias, of each op. It raises an UnsupportedError that names the op, its place and what
# to do, if the kernel cannot compute the op with these tensors and attributes.
LOWER: Mapping[str, Callable[[Graph, Op], KernelCall | Alias]] = {
    "ADD": arithmetic.add,
    "AVERAGE_POOL_2D": pool.average_pool_2d,
    "CONCATENATION": shape.concatenation,
    "CONV_2D": convolution.conv_2d,
    "DEPTHWISE_CONV_2D": convolution.depthwise_conv_2d,
    "DEQUANTIZE": unary.dequantize,
    "EXPAND_DIMS": shape.alias,
    "FULLY_CONNECTED": fully_connected.fully_connected,
    "MAX_POOL_2D": pool.max_pool_2d,
    "MEAN": mean.mean,
    "MUL": arithmetic.mul,
    "PAD": shape.pad,
    "PADV2": shape.pad,
    "RESHAPE": shape.alias,
    "SOFTMAX": softmax.softmax,
    "SQUEEZE": shape.alias,
    "SUB": arithmetic.sub,
    **dict.fromkeys(unary.TABLES, unary.by_table),
    "QUANTIZE": unary.quantize,
}


def supported_ops() -> frozenset[str]:
    """Names of the ops that the aot engine has kernels for, on int8."""
    return frozenset(LOWER)


__all__ = ["LOWER", "supported_ops"]
