"""What an app must do to its values before the model, found out from the options, the data, or the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgeq.errors import InputError, UnsupportedError
from edgeq.model.graph import Graph
from edgeq.model.keras.graph import read_graph
from edgeq.model.runtime import keras3
from edgeq.records import Dataset, FloatModel, Normalization

IDENTITY = Normalization(mean=(0.0,), std=(1.0,))


def find_normalization(
    given: Normalization | None, data: Dataset, model: FloatModel | None, graph: Graph
) -> tuple[Normalization | None, str]:
    """The normalization of the model's values, and where it comes from, in words; None where nothing says it.

    What the user says goes first, then how the image folder's pixels became the data, then layers of the model that
    normalize by themselves (Rescaling, Normalization): such a model takes values as they are.

    Raises:
        InputError: the user's has another number of channels than the inputs.
    """
    if given is not None:
        _check_channels(given, graph)
        return given, "--normalization"
    if data.pixels is not None:
        return data.pixels, "the image folder's scale"
    if layers := _normalizing_layers(model):
        word = "layer" if len(layers) == 1 else "layers"
        return IDENTITY, f"the model normalizes by itself ({word} {', '.join(layers)})"
    return None, "unknown: neither the data nor the model say it; give it with --normalization"


def _check_channels(given: Normalization, graph: Graph) -> None:
    channels = max(len(given.mean), len(given.std))
    for tensor in graph.input_tensors:
        if channels > 1 and (not tensor.shape or tensor.shape[-1] != channels):
            raise InputError(
                f"--normalization has {channels} channels, input {tensor.name!r} the shape {tensor.shape[1:]}.",
                hint="Give one mean and one standard deviation, or one of each per channel.",
            )


def _normalizing_layers(model: FloatModel | None) -> tuple[str, ...]:
    """The layers that normalize the inputs of a Keras model, one after another; () unless every path from every input
    leads to one before anything else is computed."""
    if model is None:
        return ()
    found: dict[str, None] = {}
    try:
        # What the handle is counts: an .h5 may be Keras 3's.
        is_keras3 = isinstance(model.handle, keras3().Model)
        readers, waiting = _keras3_readers(model) if is_keras3 else _legacy_readers(model)
    except UnsupportedError:  # a subclassed model, or a SavedModel: what happens to its inputs is not to be seen
        return ()
    while waiting:
        uses = readers(waiting.pop())
        for kind, name, outputs in uses:
            if kind in _NORMALIZING:
                found[name] = None
            elif kind in _PASSING:
                waiting += outputs
            else:
                return ()
        if not uses:
            return ()
    return tuple(found)


_Reader = tuple[str, str, list[Any]]
"""A layer that reads a value: its class, its name, and the values that it makes."""

_NORMALIZING = ("Rescaling", "Normalization")
_PASSING = (
    "Cropping2D", "Dropout", "Flatten", "GaussianNoise", "Identity", "InputLayer", "Permute", "Reshape", "Resizing",
)  # fmt: skip
"""Layers that leave the values' scale as it is."""


def _keras3_readers(model: FloatModel) -> tuple[Callable[[Any], list[_Reader]], list[Any]]:
    """Who reads a value of a Keras 3 model, nested models taken apart; and its inputs."""
    graph = read_graph(model.handle, what=model.path.name)

    def readers(value: Any) -> list[_Reader]:
        return [(type(c.operation).__name__, c.name, list(c.outputs)) for c in graph.consumers(value)]

    return readers, list(graph.inputs)


def _legacy_readers(model: FloatModel) -> tuple[Callable[[Any], list[_Reader]], list[Any]]:
    """The same of a tf_keras model, whose nested models are one layer each."""
    handle = model.handle
    if not getattr(handle, "_is_graph_network", False):
        raise UnsupportedError(f"{model.path.name} has no graph of layers.")
    nodes = [node for level in handle._nodes_by_depth.values() for node in level]

    def readers(value: Any) -> list[_Reader]:
        return [
            (
                type(node.layer).__name__,
                str(node.layer.name),
                node.outputs if isinstance(node.outputs, list) else [node.outputs],
            )
            for node in nodes
            if any(read is value for read in node.keras_inputs)
        ]

    return readers, list(handle.inputs)
