"""The ranges that tfmot trained, and whether the .tflite has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.model.graph import DType, Graph
from edgeq.model.runtime import legacy_keras, quiet

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WEIGHTS = ("kernel", "depthwise_kernel")
_BATCH = 64
_START_SAMPLES = 256
_TOLERANCE = 1e-5  # the converter computes scales in float32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedRange:
    """What one FakeQuant learned: `scales` has one value, or one per channel of a weight.

    `where` is the layer's name, empty for an input. `zero_point` is not yet rounded; None for weights, which are
    symmetric.
    """

    where: str
    scales: NDArray[np.float64]
    zero_point: float | None


def range_widths(handle: Any) -> NDArray[np.float64]:
    """The widths of all activation ranges, in the model's order.

    Without the inputs' ranges: they start at nothing and hold every batch whole, so that they tell nothing.
    """
    return np.array([high - low for where, low, high in _activation_ranges(handle) if where], dtype=np.float64)


def start_ranges(handle: Any, x: Sequence[NDArray[np.generic]]) -> None:
    """Give the inputs and the weights of a freshly wrapped model the ranges that tfmot gives them in its first steps.

    Without them every output is constant, and the start could neither be judged nor kept. Training is not changed by
    it: weights take their range anew in each step, and an input's range holds all that it has seen. Activations keep
    their first range of ±6, batch norm its statistics.

    Args:
        handle: what `quantize_model` returned.
        x: training samples, one array per input.
    """
    variables = handle.variables
    before = [variable.numpy() for variable in variables]
    own = {id(variable) for layer, found in _range_variables(handle) for variable in found if _is_set_at_once(layer)}
    own |= {id(v) for _, found in _range_variables(handle) for v in found if _own_name(v).startswith(_WEIGHTS)}
    size = 1 if handle.inputs[0].shape[0] == 1 else _BATCH
    with quiet():
        for start in range(0, min(len(x[0]), _START_SAMPLES), size):
            batch = [np.asarray(a[start : start + size], np.float32) for a in x]
            handle(batch if len(batch) > 1 else batch[0], training=True)
    for variable, value in zip(variables, before, strict=True):
        if id(variable) not in own:
            variable.assign(value)


def trained_ranges(handle: Any) -> tuple[TrainedRange, ...]:
    """All ranges of a model that `quantize_model` wrapped, as int8 scales.

    A weight that is followed by a batch norm has the scales of the folded weight: times |γ| / √(σ² + ε), the factor
    of each channel.
    """
    found = []
    for where, smallest, largest in _activation_ranges(handle):
        low, high = min(smallest, 0.0), max(largest, 0.0)
        scale = (high - low) / 255
        zero_point = -128 - low / scale if scale > 0 else -128.0
        found.append(TrainedRange(where=where, scales=np.array([scale]), zero_point=zero_point))
    for layer, values in _layers(handle):
        for name in _WEIGHTS:
            if f"{name}_max" in values:
                ends = np.abs([values[f"{name}_min"], values[f"{name}_max"]])
                scales = np.atleast_1d(ends.max(axis=0).astype(np.float64) / 127)
                factor = _fold_factor(layer)
                scales = _repeated(scales, factor.size) * factor
                found.append(TrainedRange(where=layer.layer.name, scales=scales, zero_point=None))
    return tuple(found)


def missing_ranges(graph: Graph, ranges: tuple[TrainedRange, ...]) -> tuple[str, ...]:
    """The layers (or "an input") whose trained range no tensor of the .tflite has.

    A scale may differ by 1e-5 of it; a zero point must be the trained one, rounded.
    """
    activations, weights = [], []
    for tensor in graph.tensors:
        q = tensor.quantization
        if q is None or tensor.dtype is not DType.INT8:
            continue
        if tensor.data is None:
            activations.append((q.scale, q.zero_point))
        else:
            weights.append(np.array(q.scales, np.float64))
    missing = []
    for trained in ranges:
        if trained.zero_point is None:
            here = any(_close(scales, trained.scales) for scales in weights)
        else:
            here = any(
                abs(zero_point - trained.zero_point) < 0.501 and _close(np.array([scale]), trained.scales)
                for scale, zero_point in activations
            )
        if not here:
            missing.append(trained.where or "an input")
    return tuple(dict.fromkeys(missing))


def _close(found: NDArray[np.float64], trained: NDArray[np.float64]) -> bool:
    """Whether the scales of a tensor are the trained ones; a DepthwiseConv2D has one per multiplier, repeated."""
    expected = _repeated(trained, found.size)
    return expected.size == found.size and bool(np.all(np.abs(found - expected) <= _TOLERANCE * np.abs(expected)))


def _repeated(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.resize(values, size) if size % values.size == 0 else values


def _range_variables(handle: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Every layer that has a range, and the variables of its ranges."""
    for layer in handle.layers:
        found = [w for w in layer.weights if _own_name(w).endswith(("_min", "_max"))]
        if found:
            yield layer, found


def _is_set_at_once(layer: Any) -> bool:
    """Whether it is an input's range; wrapped layers have moving averages."""
    return not hasattr(layer, "layer")


def _own_name(variable: Any) -> str:
    return str(variable.name.rpartition("/")[2].partition(":")[0])


def _layers(handle: Any) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Every layer that has a range, and the ranges' values by name."""
    for layer, variables in _range_variables(handle):
        yield layer, {_own_name(variable): variable.numpy() for variable in variables}


def _activation_ranges(handle: Any) -> Iterator[tuple[str, float, float]]:
    for layer, values in _layers(handle):
        for name, high in values.items():
            stem = name.removesuffix("_max")
            if name.endswith("_max") and stem not in _WEIGHTS:
                wrapped = getattr(layer, "layer", None)
                yield "" if wrapped is None else wrapped.name, float(values[f"{stem}_min"]), float(high)


def _fold_factor(layer: Any) -> NDArray[np.float64]:
    """|γ| / √(σ² + ε) of the batch norm that follows a wrapped layer, per channel; 1 if none follows."""
    followers = [node.outbound_layer for node in layer.outbound_nodes]
    norm = getattr(followers[0], "layer", None) if len(followers) == 1 else None
    if not isinstance(norm, legacy_keras().layers.BatchNormalization):
        return np.ones(1)
    variance = np.asarray(norm.moving_variance.numpy(), np.float64)
    gamma = norm.gamma.numpy() if norm.scale else np.ones(1)
    return np.asarray(np.abs(gamma) / np.sqrt(variance + norm.epsilon), np.float64)
