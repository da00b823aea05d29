"""Real values to a tensor's integers and back, bit by bit as TFLite Micro's QUANTIZE and DEQUANTIZE do it.

The generated C helpers do the same operations in the same order, so that host and device agree on every bit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError
from edgeq.model.graph import DType, Graph, Quantization, Tensor

_LIMIT = np.float32(131072.0)  # beyond every int8 and int16 range at any zero point, and exact in float32


def quantize_input(values: NDArray[np.generic], tensor: Tensor) -> NDArray[np.generic]:
    """Real values as the integers of a tensor, saturating.

    Formula: q = clamp(round(x / scale) + zero_point), rounding half away from zero, in float32: `AffineQuantize` in
    TFLite's kernels/internal/reference/quantize.h, `TfLiteRound` being std::round. The exact order, all IEEE single
    precision without contraction, where `>` and `<` are false for NaN:

    1. v = (float)x / scale (a division, not a product with the inverse)
    2. v = v > -131072 ? v : -131072;  v = v < 131072 ? v : 131072
    3. i = (int32_t)v (towards zero);  f = v - (float)i (exact);  i += (f >= 0.5);  i -= (f <= -0.5)
    4. q = clamp(i + zero_point, qmin, qmax) (−128 … 127 for int8)

    Step 2 is edgeq's: TFLite converts an unbounded float to int32, which is undefined in C++ for large values and
    gives the opposite end of the range on x86. Within |x / scale| < 2³¹ both agree.

    Args:
        values: real values, any shape; float32, or what converts to it. Integer data (pixels) are real values too.
        tensor: the model's input. float32 tensors get the values as they are.

    Returns:
        The same shape in the tensor's dtype.

    Raises:
        DataError: NaN or infinite values, values that are no numbers, or a tensor without per-tensor quantization.
    """
    if values.dtype.kind not in "fiub":
        raise DataError(f'Values of type {values.dtype} cannot be fed to input "{tensor.name}".')
    with np.errstate(over="ignore"):
        reals = values.astype(np.float32)
    if not np.isfinite(reals).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(reals))[0])
        raise DataError(
            f'The values for input "{tensor.name}" are not all finite: {values[where]} at index {where}.',
            hint="Clean the data: NaN and infinity have no int8 value.",
        )
    if tensor.dtype is DType.FLOAT32:
        return reals
    quantization = _per_tensor(tensor)
    limits = np.iinfo(tensor.dtype.value)
    with np.errstate(over="ignore"):
        scaled = reals / np.float32(quantization.scale)
    scaled = np.clip(scaled, -_LIMIT, _LIMIT)
    whole = np.trunc(scaled)
    fraction = scaled - whole
    integers = whole.astype(np.int32) + (fraction >= 0.5) - (fraction <= -0.5)
    result: NDArray[np.generic] = np.clip(integers + quantization.zero_point, limits.min, limits.max).astype(
        tensor.dtype.value
    )
    return result


def dequantize_output(values: NDArray[np.generic], tensor: Tensor) -> NDArray[np.float32]:
    """A tensor's integers as real values.

    Formula: (q − zero_point) · scale, rounded once to float32: `Dequantize` in TFLite's
    kernels/internal/reference/dequantize.h multiplies in double and then rounds; the factors have 17 and 24 bits at
    most, so that the single-precision product `scale * (float)(q - zero_point)` has the same bits.

    Args:
        values: integers of the tensor's dtype, any shape; float32 tensors' values are returned as they are.
        tensor: the model's output.

    Raises:
        DataError: the values are not of the tensor's dtype, or the tensor has no per-tensor quantization.
    """
    if values.dtype != np.dtype(tensor.dtype.value):
        raise DataError(f'Output "{tensor.name}" is {tensor.dtype.value}, the values are {values.dtype}.')
    if tensor.dtype is DType.FLOAT32:
        return values.astype(np.float32)
    quantization = _per_tensor(tensor)
    steps = values.astype(np.int32) - np.int32(quantization.zero_point)
    return steps.astype(np.float32) * np.float32(quantization.scale)


def with_steps(graph: Graph, tensor: int) -> Tensor:
    """The tensor; a float32 one that comes out of a DEQUANTIZE has the quantization of the integers before it, so that
    its values can be counted in their steps."""
    found = graph.tensors[tensor]
    if found.dtype is not DType.FLOAT32:
        return found
    source = next((op.inputs[0] for op in graph.ops if op.name == "DEQUANTIZE" and tensor in op.outputs), None)
    return found if source is None else replace(found, quantization=graph.tensors[source].quantization)


def _per_tensor(tensor: Tensor) -> Quantization:
    quantization = tensor.quantization
    if quantization is None or quantization.per_channel or tensor.dtype not in (DType.INT8, DType.UINT8, DType.INT16):
        raise DataError(
            f'Tensor "{tensor.name}" ({tensor.dtype.value}) has no per-tensor 8- or 16-bit quantization.',
            hint="Run `edgeq inspect` on the model: it must be full-integer with int8 inputs and outputs.",
        )
    return quantization
