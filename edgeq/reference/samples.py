"""Samples on their way into and out of a reference interpreter: shapes, dtypes, and how much arena TFLM gets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError
from edgeq.model.graph import Graph, Tensor
from edgeq.model.naming import tensor_name
from edgeq.reference.wire import Arrays

_ARENA_FLOOR = 1 << 20


def without_batch(tensor: Tensor) -> tuple[int, ...]:
    """The tensor's shape without a leading batch dimension of 1."""
    return tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape


def safe_arena(graph: Graph) -> int:
    """Bytes of a TFLM arena that is certainly large enough: TFLM crashes on some that are too small.

    Every tensor gets memory of its own, twice over for kernels' scratch buffers; and what TFLM keeps per tensor,
    channel and op is far below the allowance made here. A multiple of 16, because TFLM aligns both ends of the arena
    and counts what it cuts off as used.
    """
    values = sum(t.nbytes for t in graph.tensors if t.data is None)
    channels = sum(len(t.quantization.scales) for t in graph.tensors if t.quantization is not None)
    total = _ARENA_FLOOR + 4 * values + 64 * channels + 4096 * (len(graph.tensors) + len(graph.ops))
    return (total + 15) // 16 * 16


def fit(graph: Graph, inputs: Sequence[NDArray[np.generic]]) -> Arrays:
    """The inputs as (n, *full shape), the batch dimension included.

    Raises:
        DataError: their number, dtype or shape is not the model's.
    """
    tensors = graph.input_tensors
    if len(inputs) != len(tensors):
        raise DataError(f"The model has {len(tensors)} inputs, the data {len(inputs)}.")
    samples = {len(values) if np.ndim(values) else 0 for values in inputs}
    if len(samples) != 1:
        raise DataError(f"The model's inputs have different numbers of samples: {sorted(samples)}.")
    arrays = []
    for tensor, values in zip(tensors, inputs, strict=True):
        if values.dtype != np.dtype(tensor.dtype.value):
            raise DataError(f"Input {tensor_name(tensor)} is {tensor.dtype.value}, the data {values.dtype}.")
        if values.shape[1:] not in (tensor.shape, without_batch(tensor)):
            raise DataError(f"Input {tensor_name(tensor)} has shape {tensor.shape}, one sample {values.shape[1:]}.")
        arrays.append(values.reshape(len(values), *tensor.shape))
    return tuple(arrays)


def empty(graph: Graph, collect: str, index: int) -> NDArray[np.generic]:
    """What is collected (a tensor or output by index, or its CRC) over no samples, in the right shape and dtype."""
    if collect == "crcs":
        return np.zeros(0, np.uint32)
    tensor = graph.output_tensors[index] if collect == "outputs" else graph.tensors[index]
    return np.zeros((0, *tensor.shape), tensor.dtype.value)
