"""What ops with weights do with 16-bit activations: sums and biases of 64 bits, or of 32 where the bias has as many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeq.lower.fixedpoint import Multiplier, reduced_multiplier
from edgeq.lower.ops import common
from edgeq.lower.program import Constant, Param
from edgeq.model.graph import DType, Graph, Op, Tensor

# Beyond this, a sum that is multiplied leaves an int64 (TFLM's own limit is 2^47, without the products).
_LARGEST_BIAS = 1 << 46


def wide_sums(
    graph: Graph, op: Op, bias: Tensor | None, channels: int, multipliers: Sequence[Multiplier]
) -> dict[str, Param]:
    """The parameters bias, multipliers, shifts, channel_step and wide of a kernel on int16.

    Raises:
        OutOfRangeError: a multiplier that TFLM does not take.
    """
    narrow = bias is not None and bias.dtype is DType.INT32
    if bias is None and common.text(op, "quantized_bias_type", "FLOAT32") == "INT32":
        narrow = True
    if narrow and op.name == "DEPTHWISE_CONV_2D":
        common.refuse(
            graph,
            op,
            "has a bias of int32 with 16-bit activations.",
            "TFLite Micro reads it as int64 here: convert the model with 64-bit biases.",
        )
    kept = list(multipliers) if narrow else [reduced_multiplier(m) for m in multipliers]
    values, shifts, step = common.multiplier_arrays(op, kept)
    return {
        "bias": _bias(graph, op, bias, channels),
        "multipliers": values,
        "shifts": shifts,
        "channel_step": step,
        "wide": not narrow,
    }


def _bias(graph: Graph, op: Op, bias: Tensor | None, channels: int) -> Constant | None:
    """The bias as int64."""
    if bias is None:
        return None
    if bias.dtype not in {DType.INT32, DType.INT64} or bias.elements != channels:
        common.refuse(
            graph,
            op,
            f'has the bias "{bias.name}" of {bias.elements} {bias.dtype.value} values; it needs {channels} int64.',
            "Quantize the model full-integer (int16 activations take an int64 bias).",
        )
    data = common.require_constant(graph, op, bias, "bias").astype(np.int64)
    if np.abs(data).max(initial=0) >= _LARGEST_BIAS:
        common.refuse(graph, op, f'has a bias "{bias.name}" of 2^46 and more.', "Calibrate the model again.")
    return Constant(name=f"op_{op.index}_bias64", data=data)
