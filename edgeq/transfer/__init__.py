"""Keras 3 model to an equal tf_keras model, or a refusal that names the layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from edgeq.records import FloatModel, ModelFormat
from edgeq.transfer.check import check_equal
from edgeq.transfer.rebuild import rebuild

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["to_tf_keras"]


def to_tf_keras(model: FloatModel, samples: Sequence[NDArray[np.generic]], *, seed: int = 0) -> FloatModel:
    """The same function as a tf_keras model: layers translated one by one, weights copied by name, answers compared.

    Nested models are flattened; `x + y` becomes an Add layer. Initializers are left out, since every weight is copied.

    Args:
        model: a functional or sequential Keras 3 model.
        samples: one array per input, shape (n, *input shape): what the answers are compared on, besides random inputs
            of the same range.
        seed: of the random inputs.

    Returns:
        The same record with another handle.

    Raises:
        UnsupportedError: layers, attributes or operations that tf_keras does not have in this form, all of them by
            name; or answers that differ by more than float32's rounding.
    """
    rebuilt = rebuild(model)
    made = replace(model, format=ModelFormat.TF_KERAS, handle=rebuilt.model)
    check_equal(model, made, rebuilt, samples, seed=seed)
    return made
