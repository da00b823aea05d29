"""What must hold of a Keras model, whatever it computes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.errors import ModelError

_SCOPE = re.compile(r"[A-Za-z0-9_.\\/>-]*")  # tensorflow/python/framework/ops.py, _VALID_SCOPE_NAME_REGEX


def check_finite(path: Path, model: Any) -> None:
    """All weights of the layers are numbers.

    Raises:
        ModelError: one is NaN or infinite.
    """
    for layer in model.layers:
        for weight, value in zip(layer.weights, layer.get_weights(), strict=True):
            if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
                raise ModelError(
                    f"{weight.name} of layer {layer.name!r} in {path} holds NaN or infinite values.",
                    hint="The file is damaged, or training diverged.",
                )


def check_names(path: Path, model: Any) -> None:
    """TensorFlow can trace the model: Keras makes scopes of its name and its layers' names, at any depth. (Models that
    were made or trained with another backend of Keras may have others.)

    Raises:
        ModelError: a name is none of a scope.
    """
    for layer in model._flatten_layers():
        # The first scope may not begin with everything that those in it may begin with; an input opens none.
        fits = _SCOPE.fullmatch(layer.name) and not (layer is model and layer.name[:1] in "_\\/>-")
        if type(layer).__name__ == "InputLayer" or fits:
            continue
        what, whose = ("The model", "its") if layer is model else (f"The {type(layer).__name__} layer", "the layer's")
        legacy = any(kind.__module__.startswith("tf_keras.") for kind in type(layer).__mro__)
        attribute = "_name" if legacy else "name"
        better = re.sub(r"[^A-Za-z0-9]+", "_", layer.name).strip("_") or "renamed"
        raise ModelError(
            f"{what} {layer.name!r} in {path} has a name that TensorFlow cannot use: only A-Z a-z 0-9 _ . \\ / > - may "
            "be in it.",
            hint=f"Load the model in Python, set {whose} {attribute} to {better!r}, and save the model again.",
        )
