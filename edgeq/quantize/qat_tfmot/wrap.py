"""A tf_keras model with tfmot's fake quantization around its layers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.model.runtime import legacy_keras, quiet, tensorflow, tfmot_keras
from edgeq.quantize.qat_tfmot.supported import HINT
from edgeq.records import FloatModel


def wrapped(model: FloatModel) -> FloatModel:
    """A fake-quantized copy with the same weights; nothing that is shared with `model` is changed.

    Its ranges are tfmot's initial ones: ±6 for activations, with 0.1 % of the way towards each batch's own range per
    step; weights' ranges are set in the first step.

    Args:
        model: a tf_keras model that `require_supported` let pass.

    Raises:
        UnsupportedError: tfmot refused it all the same, or lost a weight.
    """
    copy = copied(model)
    # tfmot's layers decide by Python's values: converting their code takes seconds, and changes nothing.
    quantize_model = tensorflow().autograph.experimental.do_not_convert(tfmot_keras().quantize_model)
    with quiet():
        try:
            handle = quantize_model(copy.handle)
        except Exception as exc:
            raise UnsupportedError(
                f"tensorflow_model_optimization cannot quantize {model.path.name}: {_first_line(exc)}", hint=HINT
            ) from exc
    _require_same_weights(model, handle)
    _name_inputs_layers(handle)
    return replace(model, handle=handle)


def _name_inputs_layers(handle: Any) -> None:
    """Number the layers that quantize inputs by the model alone. tfmot goes on from those that this process has made
    before, and the names come to stand in the .tflite."""
    layers = [layer for layer in handle.layers if type(layer).__name__ == "QuantizeLayer"]
    for number, layer in enumerate(layers):
        layer._name = f"quantize_layer_{number}" if number else "quantize_layer"


def copied(model: FloatModel) -> FloatModel:
    """A copy of a tf_keras model, weights included, with a plain list of inputs and of outputs."""
    keras = legacy_keras()
    source = model.handle
    with quiet():
        # By structure, tfmot would return the outputs of a dict in another order.
        plain = keras.Model(_single(source.inputs), _single(source.outputs), name=source.name)
        handle = keras.models.clone_model(plain)
        handle.set_weights(plain.get_weights())
    return replace(model, handle=handle)


def _require_same_weights(model: FloatModel, handle: Any) -> None:
    before = Counter(_signature(value) for value in model.handle.get_weights())
    after = Counter(_signature(value) for value in handle.get_weights())  # and the ranges
    if before - after:
        raise UnsupportedError(
            f"tensorflow_model_optimization lost weights of {model.path.name} when it wrapped the layers.", hint=HINT
        )


def _signature(value: Any) -> tuple[int, bytes]:
    return (value.size, np.ascontiguousarray(value).tobytes())


def _single(tensors: Any) -> Any:
    return tensors[0] if len(tensors) == 1 else list(tensors)


def _first_line(exc: Exception) -> str:
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return lines[0] if lines else type(exc).__name__
