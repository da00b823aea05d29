"""Whether the .tflite is what was trained: the same scales, the same integers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import VerifyError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import DType, Graph, Tensor
from edgeq.quantize.qat.bake import kernel_steps
from edgeq.quantize.qat.insert import FakeQuantized

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RELATIVE = 1e-5  # float32 rounds scales differently here and in the converter


def require_trained_scales(trained: FakeQuantized, content: bytes) -> None:
    """Check that the .tflite has every trained activation scale and every kernel's integers and scales.

    Raises:
        VerifyError: some are missing; the message names the layers.
    """
    graph = parse_tflite(content)
    activations = [t for t in graph.tensors if t.data is None and t.quantization and not t.quantization.per_channel]
    lost = [
        f"{name} (scale {grid.scale:.6g}, zero point {grid.zero_point})"
        for name, grid in trained.grids()
        if not any(_has(tensor, grid.scale, grid.zero_point) for tensor in activations)
    ]
    lost += [f"the weights of {name}" for name in _lost_kernels(trained, graph)]
    if lost:
        raise VerifyError(
            f"The .tflite of {trained.model.path.name} does not have what was trained: {', '.join(lost)}.",
            hint="The converter merged or replaced these layers in a way that edgeq's training does not know. Quantize "
            "with --method ptq, or write the layers around them differently.",
        )


def _has(tensor: Tensor, scale: float, zero_point: int) -> bool:
    quantization = tensor.quantization
    if quantization is None or quantization.zero_point != zero_point:
        return False
    return abs(quantization.scale - scale) <= _RELATIVE * scale


def _lost_kernels(trained: FakeQuantized, graph: Graph) -> Iterator[str]:
    constants = [t for t in graph.tensors if t.data is not None and t.dtype is DType.INT8 and t.quantization]
    for layer in trained.kernels:
        steps, scales = kernel_steps(layer)
        if not any(_is_kernel(tensor, steps, scales) for tensor in constants):
            yield str(layer.layer.name)


def _is_kernel(tensor: Tensor, steps: NDArray[np.int8], scales: NDArray[np.float64]) -> bool:
    """Whether a constant has these integers, in whatever layout, and scales; channels without weights aside."""
    quantization, data = tensor.quantization, tensor.data
    if quantization is None or data is None or data.size != steps.size or len(quantization.scales) != len(scales):
        return False
    live = np.abs(steps).reshape(-1, len(scales)).max(axis=0) > 0
    found = np.asarray(quantization.scales)
    if not np.allclose(found[live], scales[live], rtol=_RELATIVE, atol=0.0):
        return False
    axis = 0 if quantization.axis is None else quantization.axis
    columns = np.moveaxis(data, axis, -1).reshape(-1, len(scales))
    return bool(np.array_equal(np.sort(columns, axis=0), np.sort(steps.reshape(-1, len(scales)), axis=0)))
