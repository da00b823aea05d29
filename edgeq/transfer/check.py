"""Is a transferred model the same function? Every layer by itself, then the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.model.runtime import keras3, legacy_keras, quiet
from edgeq.records import FloatModel
from edgeq.reference.float_model import float_outputs
from edgeq.transfer.rebuild import HINT, Call, Rebuilt

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = 64
"""So many given samples are compared, and as many random inputs of either kind; a quarter of that layer by layer."""

LAYER_TOLERANCE = 1e-5
"""Largest difference of one layer's output that passes, relative to the output's largest value. Both libraries run the
same kernels; batch norm alone is arranged differently (float32 rounds to 6e-8, and the sum may cancel)."""

MODEL_TOLERANCE = 1e-4
"""The same for the whole model's outputs, where the layers' roundings add up."""


def check_equal(
    original: FloatModel,
    transferred: FloatModel,
    rebuilt: Rebuilt,
    samples: Sequence[NDArray[np.generic]],
    *,
    seed: int = 0,
) -> None:
    """Compare on `samples` and on random inputs of the same range and of the same spread.

    Args:
        original: the model that was transferred.
        transferred: what came out.
        rebuilt: the same, with its layers' origins.
        samples: one array per input, shape (n, *input shape).
        seed: of the random inputs.

    Raises:
        UnsupportedError: a layer or an output differs by more than its tolerance; the message names it.
    """
    where = f"{original.path.name} as a tf_keras model is not the same:"
    for call, a, b in _layer_outputs(rebuilt, _inputs(samples, SAMPLES // 4, seed)):
        if not _close(a, b, LAYER_TOLERANCE):
            raise UnsupportedError(f"{where} {call.where} {_difference(a, b)}", hint=HINT)
    inputs = _inputs(samples, SAMPLES, seed)
    expected, found = float_outputs(original, inputs), float_outputs(transferred, inputs)
    for spec, a, b in zip(original.outputs, expected, found, strict=True):
        if not _close(a, b, MODEL_TOLERANCE):
            raise UnsupportedError(f"{where} output {spec.name!r} {_difference(a, b)}", hint=HINT)


def _layer_outputs(
    rebuilt: Rebuilt, inputs: tuple[NDArray[np.float32], ...]
) -> Iterator[tuple[Call, NDArray[np.float32], NDArray[np.float32]]]:
    """Every call's output by Keras 3 and by tf_keras, for the values that reach it in the tf_keras model."""
    keras, library = keras3(), legacy_keras()
    tensors = {id(t): t for call in rebuilt.calls for t in (*call.inputs, *call.outputs)}
    with quiet():
        probe = library.Model(rebuilt.model.inputs, list(tensors.values()))
        results = probe(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
    values = dict(zip(tensors, keras.tree.flatten(results), strict=True))
    for call in rebuilt.calls:
        arguments: Any = [values[id(t)] for t in call.inputs]
        with quiet():
            if not isinstance(call.operation, keras.layers.Layer):
                answer = call.operation(*arguments)
            else:
                answer = call.operation(arguments if call.is_list else arguments[0])
        for tensor, output in zip(call.outputs, keras.tree.flatten(answer), strict=True):
            yield call, np.asarray(output), np.asarray(values[id(tensor)])


def _close(a: NDArray[np.float32], b: NDArray[np.float32], tolerance: float) -> bool:
    if a.shape != b.shape:
        return False
    worst = float(np.abs(a - b).max(initial=0.0))
    return worst <= tolerance * float(np.abs(a).max(initial=0.0))  # False for NaN


def _difference(a: NDArray[np.float32], b: NDArray[np.float32]) -> str:
    if a.shape != b.shape:
        return f"has the shape {b.shape[1:]} instead of {a.shape[1:]}."
    return f"differs by up to {np.abs(a - b).max(initial=0.0):.3g}, its values reach {np.abs(a).max(initial=0.0):.3g}."


def _inputs(samples: Sequence[NDArray[np.generic]], count: int, seed: int) -> tuple[NDArray[np.float32], ...]:
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(samples[0]))[:count])
    found = []
    for given in samples:
        x = np.asarray(given, dtype=np.float32)
        low, high = float(x.min()), float(x.max())
        uniform = rng.uniform(low, high if high > low else low + 1.0, (count, *x.shape[1:]))
        normal = rng.normal(float(x.mean()), max(float(x.std()), 1e-3), (count, *x.shape[1:]))
        found.append(np.concatenate([x[chosen], uniform, normal]).astype(np.float32))
    return tuple(found)
