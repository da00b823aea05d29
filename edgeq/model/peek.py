"""A model's inputs, read from its file's configuration, so that data can be checked before TensorFlow is imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeq.errors import ModelError
from edgeq.records import ModelFormat, ValueSpec


def peek_inputs(path: Path, format: ModelFormat) -> tuple[ValueSpec, ...] | None:
    """The inputs, in the model's order; None where only the loader can tell (a SavedModel, a subclassed model).

    The loader has the last word: this is for early messages only.

    Raises:
        ModelError: the file is damaged.
    """
    from edgeq.model.hdf5 import read_attribute
    from edgeq.model.scan import read_archive

    if format in {ModelFormat.KERAS3, ModelFormat.TF_KERAS}:
        model = read_archive(path, "config.json")
    elif format is ModelFormat.H5:
        model = read_attribute(path, "model_config")
    else:
        return None
    try:
        return tuple(_inputs(model["class_name"], model["config"])) or None
    except (KeyError, TypeError, IndexError, ValueError, ModelError):
        return None


def _inputs(kind: str, config: Any) -> Iterator[ValueSpec]:
    layers = config["layers"]
    if kind == "Sequential":
        yield _spec(layers[0]["config"])
        return
    by_name = {layer["config"]["name"]: layer["config"] for layer in layers if layer["class_name"] == "InputLayer"}
    references = config["input_layers"]
    if references and isinstance(references[0], str):
        references = [references]
    for name, *_ in references:
        yield _spec(by_name[name])


def _spec(layer: Any) -> ValueSpec:
    shape = layer.get("batch_shape") or layer["batch_input_shape"]
    dtype = layer.get("dtype") or "float32"
    if not isinstance(dtype, str):
        dtype = dtype["config"]["name"]
    sizes = tuple(None if size is None else int(size) for size in shape[1:])
    return ValueSpec(name=str(layer["name"]), shape=sizes, dtype=dtype)
