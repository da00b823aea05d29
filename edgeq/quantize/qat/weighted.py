"""Layers whose kernels become int8."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.model.keras.graph import Call

WEIGHTED = frozenset({
    "Dense", "Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "Conv1DTranspose", "Conv2DTranspose",
})  # fmt: skip
"""Layers whose kernels become int8 with a scale per output channel."""


def is_weighted(call: Call) -> bool:
    """Whether a call is of one of Keras' own layers in `WEIGHTED`, with its channels last."""
    layer = call.operation
    own = type(layer).__module__.startswith("keras.") and type(layer).__name__ in WEIGHTED
    return own and getattr(layer, "data_format", "channels_last") == "channels_last"


def copied_layer(layer: Any, shape: tuple[int | None, ...], weights: list[Any], **changes: Any) -> Any:
    """A built layer of the same kind with other settings and weights; it has no constraints."""
    config = {**layer.get_config(), **changes}
    config.update({key: None for key in config if key.endswith("_constraint")})
    made = type(layer).from_config(config)
    made.build(shape)
    made.set_weights([np.asarray(w, np.float32) for w in weights])
    return made
