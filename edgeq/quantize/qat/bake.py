"""The trained model in the form that the converter takes: rounded weights as plain values, ranges as constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.model.keras.graph import build_model, read_graph
from edgeq.model.runtime import keras3, quiet
from edgeq.quantize.qat.grid import grid_of
from edgeq.quantize.qat.insert import FakeQuantized, range_of
from edgeq.quantize.qat.weighted import copied_layer

if TYPE_CHECKING:
    from numpy.typing import NDArray


def baked(trained: FakeQuantized) -> Any:
    """A Keras 3 model for export, without the batch norms that training kept.

    Kernels hold their rounded values: the converter, which takes each channel's largest weight as 127, finds the same
    integers again. (A fake-quantization op on a Dense kernel breaks it: "tfl.transpose op has mismatched quantized
    axes".) Activations keep fake-quantization ops with constant ranges, which it takes over as they are.
    """
    keras = keras3()
    from edgeq.quantize.qat.layers import FakeQuant, FakeQuantKernel, FixedFakeQuant

    new: dict[int, Any] = {}
    with quiet():
        graph = read_graph(trained.model.handle, what=trained.model.path.name)
        for call in graph.calls:
            layer = call.operation
            if isinstance(layer, FakeQuantKernel):
                if id(layer) not in new:
                    weights = layer.folded()
                    new[id(layer)] = copied_layer(layer.layer, call.inputs[0].shape, weights, use_bias=len(weights) > 1)
            elif isinstance(layer, FakeQuant):
                grid = grid_of(*range_of(layer))
                new[id(layer)] = FixedFakeQuant(low=grid.low, high=grid.high, name=layer.name)
            elif isinstance(layer, FixedFakeQuant):
                new[id(layer)] = keras.layers.Identity(
                    name=layer.name
                )  # the converter knows, and takes no second range
            else:
                continue
            graph = graph.replaced([call], [new[id(layer)]])
        return build_model(graph, new=list(new.values()))


def kernel_steps(layer: Any) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """The int8 kernel of a `FakeQuantKernel` with the output channel as its last axis, and the scale of each channel.

    Channels without any weight have the scale 0.
    """
    kind = type(layer.layer).__name__
    kernel = layer.folded()[0].astype(np.float32).astype(np.float64)
    if kind.startswith("Depthwise"):
        kernel = kernel.reshape(*kernel.shape[:-2], -1)
    elif kind.endswith("Transpose"):
        kernel = np.moveaxis(kernel, -2, -1)
    scales = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0) / 127.0
    steps = np.divide(kernel, scales, out=np.zeros_like(kernel), where=scales > 0.0)
    return np.rint(steps).astype(np.int8), scales
