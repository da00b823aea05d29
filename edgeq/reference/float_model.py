"""The float model's own answers, to compare int8 accuracy with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.model.load import serving_signature
from edgeq.model.runtime import quiet
from edgeq.records import FloatModel, ModelFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH = 128


def float_outputs(model: FloatModel, x: tuple[NDArray[np.generic], ...]) -> tuple[NDArray[np.float32], ...]:
    """Run the float model in inference mode, in batches of a fixed size.

    Args:
        model: a loaded model.
        x: one array per input, shape (n, *input shape); converted to the input's dtype.

    Returns:
        One float32 array per output, shape (n, *output shape).

    Raises:
        ModelError: the model fails on these inputs.
    """
    import tensorflow as tf

    from edgeq.model.export import callable_of

    call, _ = callable_of(model, tuple(spec.name for spec in model.outputs))
    batch = 1 if _batch_is_one(model) else _BATCH
    arrays = [np.ascontiguousarray(a, dtype=spec.dtype) for a, spec in zip(x, model.inputs, strict=True)]
    signature = [
        tf.TensorSpec((1 if batch == 1 else None, *spec.shape), spec.dtype, name=f"input_{i}")
        for i, spec in enumerate(model.inputs)
    ]
    collected: list[list[NDArray[np.float32]]] = [[] for _ in model.outputs]
    with quiet():
        try:
            predict = tf.function(call, input_signature=signature, autograph=False)
            for start in range(0, len(arrays[0]), batch):
                results = predict(*(tf.constant(a[start : start + batch]) for a in arrays))
                for spec, parts in zip(model.outputs, collected, strict=True):
                    parts.append(np.asarray(results[spec.name], dtype=np.float32))
        except Exception as exc:
            raise ModelError(f"{model.path} fails on the data: {exc}") from exc
    return tuple(
        np.concatenate(parts) if parts else np.zeros((0, *(d or 0 for d in spec.shape)), np.float32)
        for spec, parts in zip(model.outputs, collected, strict=True)
    )


def _batch_is_one(model: FloatModel) -> bool:
    """Whether the model was built for one sample at a time."""
    tensors: Any
    if model.format is ModelFormat.SAVED_MODEL:
        tensors = serving_signature(model.handle).structured_input_signature[1].values()
    else:
        tensors = model.handle.inputs
    return any(tensor.shape[0] == 1 for tensor in tensors)
