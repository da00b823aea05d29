"""Compares two Keras models that should be equal, on random inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.model.runtime import quiet, tensorflow
from edgeq.records import FloatModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-4
"""Largest difference that is float rounding, as a share of the largest value of a tensor."""

_SAMPLES = 8


def random_inputs(model: FloatModel, n: int = _SAMPLES) -> tuple[NDArray[np.generic], ...]:
    """`n` random samples per input: normal floats, the second half eight times as large; zeros and ones for integers.

    The large ones drive activations into their limits, where functions of the same name may differ.
    """
    rng = np.random.default_rng(0)
    arrays: list[NDArray[np.generic]] = []
    for spec in model.inputs:
        shape = (n, *(size or 1 for size in spec.shape))
        if np.dtype(spec.dtype).kind in "iub":
            arrays.append(rng.integers(0, 2, shape).astype(spec.dtype))
            continue
        values = rng.normal(size=shape)
        values[n // 2 :] *= 8.0
        arrays.append(values.astype(spec.dtype))
    return tuple(arrays)


def predict(handle: Any, x: tuple[NDArray[np.generic], ...]) -> list[NDArray[np.float64]]:
    """The outputs of a Keras 3 or tf_keras model in inference mode, flattened, in double precision."""
    return [y.astype(np.float64) for y in answers(handle, x)]


def answers(
    handle: Any, x: tuple[NDArray[np.generic], ...], *, training: bool | None = False
) -> list[NDArray[np.generic]]:
    """As `predict`, in the precision that the model computes in: of many large outputs copies would take gigabytes.

    With `training` None each layer's call is as it was when the model was built.
    """
    tf = tensorflow()
    structure = getattr(handle, "_inputs_struct", None)
    if structure is None:
        structure = getattr(handle, "_nested_inputs", None)
    given: Any = list(x) if len(x) > 1 else x[0]
    with quiet():
        result = handle(given if structure is None else tf.nest.pack_sequence_as(structure, list(x)), training=training)
        return [np.asarray(y) for y in tf.nest.flatten(result)]


def gap(before: NDArray[np.float64], after: NDArray[np.float64], *, size: float = 0.0) -> float:
    """The largest difference as a share of the largest value; `size`: of a term that they are sums of, if larger."""
    largest = max(float(np.abs(before).max(initial=0.0)), size)
    difference = float(np.abs(before - after).max(initial=0.0))
    return difference / largest if largest > 0.0 else difference


def require_equal(before: FloatModel, after: FloatModel, *, what: str) -> None:
    """Compare two models' outputs on random inputs; `what` was done to the model, for the message ("Folding").

    Raises:
        UnsupportedError: they differ by more than float rounding.
    """
    x = random_inputs(before)
    for spec, a, b in zip(before.outputs, predict(before.handle, x), predict(after.handle, x), strict=True):
        found = gap(a, b)
        if not found <= TOLERANCE:
            raise UnsupportedError(
                f"{what} {before.path.name} changes its output {spec.name!r} by {found:.1e} of the largest value.",
                hint="Its weights or batch-norm statistics are probably extreme: quantize it with --method ptq.",
            )
