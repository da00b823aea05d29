"""Layers by which a model normalizes its own inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.model.keras.graph import read_graph
from edgeq.model.runtime import keras3
from edgeq.records import FloatModel


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizingLayer:
    """A Rescaling or Normalization. `factor` is the largest that it multiplies a value by; None if it is not known."""

    name: str
    factor: float | None


def normalizing_layers(model: FloatModel | None) -> tuple[NormalizingLayer, ...]:
    """The layers that normalize the inputs of a Keras model, one after another; () unless every path from every input
    leads to one before anything else is computed."""
    if model is None:
        return ()
    found: dict[str, NormalizingLayer] = {}
    try:
        # What the handle is counts: an .h5 may be Keras 3's.
        is_keras3 = isinstance(model.handle, keras3().Model)
        readers, waiting = _keras3_readers(model) if is_keras3 else _legacy_readers(model)
    except UnsupportedError:  # a subclassed model, or a SavedModel: what happens to its inputs is not to be seen
        return ()
    while waiting:
        uses = readers(waiting.pop())
        for layer, name, outputs in uses:
            kind = type(layer).__name__
            if kind in _NORMALIZING:
                found[name] = NormalizingLayer(name=name, factor=_factor(layer))
            elif kind in _PASSING:
                waiting += outputs
            else:
                return ()
        if not uses:
            return ()
    return tuple(found.values())


def _factor(layer: Any) -> float | None:
    if type(layer).__name__ == "Rescaling":
        return float(np.max(np.abs(np.asarray(layer.scale, np.float64))))
    variance = getattr(layer, "variance", None)
    if variance is None or getattr(layer, "invert", False):
        return None
    deviation = np.sqrt(np.asarray(variance, np.float64))
    return float(np.max(1.0 / np.maximum(deviation, np.finfo(np.float32).tiny)))


_Reader = tuple[Any, str, list[Any]]
"""A layer that reads a value, its name, and the values that it makes."""

_NORMALIZING = ("Rescaling", "Normalization")
_PASSING = (
    "Cropping2D", "Dropout", "Flatten", "GaussianNoise", "Identity", "InputLayer", "Permute", "Reshape", "Resizing",
)  # fmt: skip
"""Layers that leave the values' scale as it is."""


def _keras3_readers(model: FloatModel) -> tuple[Callable[[Any], list[_Reader]], list[Any]]:
    """Who reads a value of a Keras 3 model, nested models taken apart; and its inputs."""
    graph = read_graph(model.handle, what=model.path.name)

    def readers(value: Any) -> list[_Reader]:
        return [(c.operation, c.name, list(c.outputs)) for c in graph.consumers(value)]

    return readers, list(graph.inputs)


def _legacy_readers(model: FloatModel) -> tuple[Callable[[Any], list[_Reader]], list[Any]]:
    """The same of a tf_keras model, whose nested models are one layer each."""
    handle = model.handle
    if not getattr(handle, "_is_graph_network", False):
        raise UnsupportedError(f"{model.path.name} has no graph of layers.")
    nodes = [node for level in handle._nodes_by_depth.values() for node in level]

    def readers(value: Any) -> list[_Reader]:
        return [
            (node.layer, str(node.layer.name), node.outputs if isinstance(node.outputs, list) else [node.outputs])
            for node in nodes
            if any(read is value for read in node.keras_inputs)
        ]

    return readers, list(handle.inputs)
