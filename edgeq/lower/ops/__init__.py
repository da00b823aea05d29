"""One module per operator family: a .tflite op to a kernel call."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeq.errors import UnsupportedError
from edgeq.lower.ops import arithmetic, common, convolution, fully_connected, mean, pool, shape, softmax, unary
from edgeq.lower.program import Alias, KernelCall
from edgeq.model.graph import Graph, Op

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


def lower_op(graph: Graph, op: Op) -> KernelCall | Alias:
    """The call that computes an op, or the alias that replaces it.

    Raises:
        UnsupportedError: no kernel for the op, or not with these tensors and attributes; names the op and its place.
    """
    lower = LOWER.get(op.name)
    if lower is None:
        raise UnsupportedError(
            f"{common.place(graph, op)} is not supported by the aot engine.",
            hint=f"Replace the layer by supported ones. Supported: {', '.join(sorted(LOWER))}.",
        )
    return lower(graph, op)


__all__ = ["LOWER", "lower_op", "supported_ops"]
