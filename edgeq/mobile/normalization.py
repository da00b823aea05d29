"""What an app must do to its values before the model, found out from the options, the data, or the model."""

from __future__ import annotations

from typing import Any

from edgeq.errors import InputError
from edgeq.model.graph import Graph
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
    layer = _normalizing_layer(model)
    if layer is not None:
        return IDENTITY, f"the model normalizes by itself (layer {layer})"
    return None, "unknown: neither the data nor the model say it; give it with --normalization"


def _check_channels(given: Normalization, graph: Graph) -> None:
    channels = max(len(given.mean), len(given.std))
    for tensor in graph.input_tensors:
        if channels > 1 and (not tensor.shape or tensor.shape[-1] != channels):
            raise InputError(
                f"--normalization has {channels} channels, input {tensor.name!r} the shape {tensor.shape[1:]}.",
                hint="Give one mean and one standard deviation, or one of each per channel.",
            )


def _normalizing_layer(model: FloatModel | None) -> str | None:
    """The layer behind every input of a Keras model, if it is one that normalizes; the first one's name."""
    if model is None:
        return None
    found: list[str] = []
    handle: Any = model.handle
    behind = [layer for layer in getattr(handle, "layers", ()) if type(layer).__name__ != "InputLayer"]
    for layer in behind[: len(model.inputs)]:
        if type(layer).__name__ in ("Rescaling", "Normalization"):
            found.append(str(layer.name))
    return found[0] if len(found) == len(model.inputs) else None
