"""What tests of Keras models share: models as they are after some training, and samples for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgeq.model.load import from_keras
from edgeq.records import FloatModel


def trained_somewhat(handle: Any, rng: np.random.Generator) -> FloatModel:
    """The record of a Keras model, whose biases and batch-norm statistics are away from 0 and 1 now."""
    for weight in handle.weights:
        if weight.name in {"bias", "beta", "moving_mean"}:
            weight.assign(rng.normal(0.0, 0.3, weight.shape))
        elif weight.name in {"gamma", "moving_variance"}:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return from_keras(handle, path=Path("model.keras"))


def normal_samples(model: FloatModel, n: int, seed: int) -> tuple[np.ndarray, ...]:
    """An array per input, of float32 values around 0."""
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=(n, *(d or 0 for d in spec.shape))).astype(np.float32) for spec in model.inputs)
