"""Output channels whose weights are too small beside their bias for int8: they lose their weights.

A bias is an int32 in steps of input scale · weight scale. Where it needs more than 2³⁰ of them, TensorFlow's converter
takes a larger weight scale than was trained (`SetBiasParamsWithAdjustments` of its quantization driver), and the
integers are not those of training. What such weights add up to is below bias · inputs · 127 · 255 / 2³⁰.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.model.keras.graph import KerasGraph, Value, read_graph
from edgeq.quantize.fold import scaled_kernel
from edgeq.quantize.qat.bake import kernel_steps
from edgeq.quantize.qat.grid import grid_of
from edgeq.quantize.qat.insert import FakeQuantized, range_of
from edgeq.quantize.qat.placement import Kind, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_STEPS = 0.99 * 2.0**30
"""Of a bias; a little below the converter's limit, which it compares in float32."""


def without_vanishing_weights(trained: FakeQuantized) -> tuple[str, ...]:
    """Set to 0, in place, the kernels of output channels whose bias would leave int32; a note for each layer.

    The bias stays as it is. A layer whose input has no known scale is left alone.
    """
    graph = read_graph(trained.model.handle, what=trained.model.path.name)
    notes = []
    for layer in trained.kernels:
        uses = [call for call in graph.calls if call.operation is layer]
        scales = [_scale(graph, call.inputs[0]) for call in uses]
        lost = _vanishing(layer, min((s for s in scales if s is not None), default=None))
        if lost.any():
            kernel, *rest = layer.layer.get_weights()
            kept = scaled_kernel(np.asarray(kernel, np.float64), type(layer.layer).__name__, (~lost).astype(np.float64))
            layer.layer.set_weights([kept.astype(np.float32), *rest])
            notes.append(
                f"{lost.sum()} of {len(lost)} channels of {layer.layer.name} are only their bias: beside it, training "
                "left weights that int8 cannot tell from 0."
            )
    return tuple(notes)


def _scale(graph: KerasGraph, value: Value) -> float | None:
    """The scale of the int8 tensor that a value is; None if it is not known."""
    from edgeq.quantize.qat.layers import FakeQuant, FixedFakeQuant

    producer = graph.producer(value)
    while producer is not None:
        layer = producer.operation
        if isinstance(layer, FakeQuant):
            return grid_of(*range_of(layer)).scale
        if isinstance(layer, FixedFakeQuant):
            return grid_of(layer.low, layer.high).scale
        if kind_of(graph, producer) is not Kind.SAME:
            return None
        producer = graph.producer(producer.inputs[0])
    return None


def _vanishing(layer: Any, input_scale: float | None) -> NDArray[np.bool_]:
    """Which output channels of a `FakeQuantKernel` have weights, and a bias that leaves int32 with their scale."""
    _, scales = kernel_steps(layer)
    _, *bias = layer.folded()
    if input_scale is None or not bias:
        return np.zeros(len(scales), np.bool_)
    lost: NDArray[np.bool_] = (scales > 0.0) & (np.abs(bias[0]) > _MOST_STEPS * input_scale * scales)
    return lost
