"""Writes a float model as a SavedModel with batch size 1, the form that TensorFlow's converter handles best."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq.errors import UnsupportedError
from edgeq.model.load import serving_signature
from edgeq.model.runtime import quiet, tensorflow
from edgeq.records import FloatModel, ModelFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A SavedModel on disk.

    `inputs` and `outputs` are its signature's names, in the float model's order; `layers` the Keras layers' names.
    """

    folder: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layers: tuple[str, ...] = ()


def export(model: FloatModel, folder: Path) -> Exported:
    """Write `model` to `folder` as a SavedModel whose one signature takes one sample.

    The function is traced here rather than by Keras' own export, so that one path serves Keras 3, tf_keras and
    SavedModel, and the signature's names are known.

    Raises:
        UnsupportedError: an input is not float32, or the model cannot be traced with batch size 1.
    """
    tf = tensorflow()
    for spec in model.inputs:
        if spec.dtype != "float32":
            raise UnsupportedError(
                f"Input {spec.name!r} of {model.path.name} takes {spec.dtype}; only float32 inputs can be quantized.",
                hint="Make the model take float32, and leave out embedding or string layers at its start.",
            )
    for layer in getattr(model.handle, "layers", ()):
        if layer.compute_dtype not in {"float32", None}:
            raise UnsupportedError(
                f"Layer {layer.name!r} of {model.path.name} computes in {layer.compute_dtype}; only float32 can be "
                "quantized.",
                hint="Build the model under the policy float32 (keras.mixed_precision.set_global_policy), load the "
                "weights into it and save it.",
            )
    inputs = _signature_names(spec.name for spec in model.inputs)
    outputs = _signature_names(spec.name for spec in model.outputs)
    call, variables = callable_of(model, outputs)
    signature = [
        tf.TensorSpec((1, *spec.shape), spec.dtype, name=name) for spec, name in zip(model.inputs, inputs, strict=True)
    ]
    with quiet() as captured:
        try:
            module = tf.Module()
            module.kept = variables
            module.serve = tf.function(call, input_signature=signature, autograph=False)
            tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
        except Exception as exc:
            raise UnsupportedError(
                f"{model.path.name} cannot be traced with one sample at a time: {_first_line(exc)}{_tail(captured())}",
                hint="A layer probably depends on the batch size, or on Python code of its own; replace it.",
            ) from exc
    layers = tuple(layer.name for layer in getattr(model.handle, "layers", ()))
    return Exported(folder=folder, inputs=inputs, outputs=outputs, layers=layers)


def callable_of(model: FloatModel, outputs: tuple[str, ...]) -> tuple[Any, Any]:
    """A function of one tensor per input that returns the outputs by signature name, and what holds its variables."""
    if model.format is ModelFormat.SAVED_MODEL:
        function = serving_signature(model.handle)
        names = [spec.name for spec in model.inputs]
        keys = [spec.name for spec in model.outputs]

        def from_signature(*args: Any) -> dict[str, Any]:
            results = function(**dict(zip(names, args, strict=True)))
            return {name: results[key] for name, key in zip(outputs, keys, strict=True)}

        return from_signature, model.handle

    import tensorflow as tf

    def from_keras(*args: Any) -> dict[str, Any]:
        results = model.handle(_arguments(model.handle, args), training=False)
        return dict(zip(outputs, tf.nest.flatten(results), strict=True))

    variables = [v if isinstance(v, tf.Variable) else v.value for v in model.handle.variables]
    return from_keras, variables


def _arguments(keras_model: Any, args: tuple[Any, ...]) -> Any:
    """The tensors in the structure that the model was built with: one tensor, a list, or a dict."""
    import tensorflow as tf

    structure = getattr(keras_model, "_inputs_struct", None)
    if structure is None:
        structure = getattr(keras_model, "_nested_inputs", None)
    if structure is None:
        return args[0] if len(args) == 1 else list(args)
    return tf.nest.pack_sequence_as(structure, list(args))


def _signature_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names that tf.function takes as arguments: Python identifiers, no keywords, all different."""
    found: list[str] = []
    for name in names:
        clean = re.sub(r"\W", "_", name, flags=re.ASCII)
        if not clean or clean[0].isdigit() or clean[0] == "_" or keyword.iskeyword(clean):
            clean = "tensor_" + clean.lstrip("_")
        unique, number = clean, 1
        while unique in found:
            number += 1
            unique = f"{clean}_{number}"
        found.append(unique)
    return tuple(found)


def _first_line(exc: Exception) -> str:
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return lines[0] if lines else type(exc).__name__


def _tail(text: str, lines: int = 5) -> str:
    kept = [line for line in text.splitlines() if line.strip()][-lines:]
    return "".join("\n  " + line for line in kept)
