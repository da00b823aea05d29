"""What an app must do to its values before the model, found out from the options, the data, or the model."""

from __future__ import annotations

from edgeq.errors import InputError
from edgeq.model.graph import Graph
from edgeq.model.keras.normalizing import normalizing_layers
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
    if layers := normalizing_layers(model):
        word = "layer" if len(layers) == 1 else "layers"
        return IDENTITY, f"the model normalizes by itself ({word} {', '.join(layer.name for layer in layers)})"
    return None, "unknown: neither the data nor the model say it; give it with --normalization"


def _check_channels(given: Normalization, graph: Graph) -> None:
    channels = max(len(given.mean), len(given.std))
    for tensor in graph.input_tensors:
        if channels > 1 and (not tensor.shape or tensor.shape[-1] != channels):
            raise InputError(
                f"--normalization has {channels} channels, input {tensor.name!r} the shape {tensor.shape[1:]}.",
                hint="Give one mean and one standard deviation, or one of each per channel.",
            )
