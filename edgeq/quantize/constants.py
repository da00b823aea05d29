"""Constants of an integer .tflite as real numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.model.graph import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray


def real_values(tensor: Tensor) -> NDArray[np.float64]:
    """A constant's real values: integers times the scale of their tensor or channel, shape as in the .tflite.

    Raises:
        ValueError: the tensor is no quantized constant.
    """
    if tensor.data is None or tensor.quantization is None:
        raise ValueError(f"tensor {tensor.name} is no quantized constant")
    shape = [1] * len(tensor.shape)
    if tensor.quantization.axis is not None:
        shape[tensor.quantization.axis] = -1
    scales = np.asarray(tensor.quantization.scales, np.float64).reshape(shape)
    zero_points = np.asarray(tensor.quantization.zero_points, np.float64).reshape(shape)
    values: NDArray[np.float64] = (tensor.data.astype(np.float64) - zero_points) * scales
    return values
