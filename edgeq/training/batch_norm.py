"""Batch-norm statistics measured anew: tells whether a float model's own are stale, without changing a weight."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import DataError
from edgeq.model.keras.graph import build_model, read_graph
from edgeq.model.keras.legacy import to_keras3
from edgeq.model.runtime import keras3, quiet
from edgeq.records import Dataset, FloatModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH = 256


def reestimated(model: FloatModel, dataset: Dataset) -> FloatModel:
    """A copy of the model (a Keras 3 functional one) whose batch norms have the statistics of the training samples.

    Layer after layer, each batch norm's mean and variance become those of its input over all training samples (the
    variance of the population), computed in double precision in inference mode with the statistics before it already
    new. A batch norm that is shared gets those of all its uses together. Training keeps moving averages instead, which
    lag behind the weights when training was short or the momentum is high. Nothing else changes.

    Raises:
        DataError: no training samples.
        UnsupportedError: no functional or sequential Keras model; see `edgeq.quantize.fold.fold_batch_norm`.
    """
    if dataset.train is None or len(dataset.train) == 0:
        raise DataError(
            f"{dataset.source} has no training samples, and batch-norm statistics are measured on these.",
            hint="Add x_train.",
        )
    keras = keras3()
    source = to_keras3(model)
    copy = build_model(read_graph(source.handle, what=model.path.name))
    graph = read_graph(copy, what=model.path.name)
    seen: set[int] = set()
    for call in graph.calls:
        norm = call.operation
        if not isinstance(norm, keras.layers.BatchNormalization) or id(norm) in seen:
            continue
        seen.add(id(norm))
        # Keras' own graph: the probe shares the copy's layers, whose earlier batch norms are new already.
        probe = keras.Model(copy.inputs, [node.input_tensors[0] for node in norm._inbound_nodes])
        mean, variance = _statistics(probe, dataset.train.x, _axis(norm))
        norm.moving_mean.assign(mean)
        norm.moving_variance.assign(variance)
    return replace(source, handle=copy)


def _axis(norm: Any) -> int:
    axis = norm.axis
    return int(axis[0] if isinstance(axis, list | tuple) else axis)


def _statistics(
    probe: Any, x: tuple[NDArray[np.generic], ...], axis: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and variance per channel of all outputs of `probe` together (Chan et al., 1983, pairwise update)."""
    keras = keras3()
    count, mean, squares = 0.0, np.zeros(1), np.zeros(1)
    for start in range(0, len(x[0]), _BATCH):
        batch = [np.asarray(a[start : start + _BATCH], np.float32) for a in x]
        with quiet():
            results = keras.tree.flatten(probe(batch, training=False))
        for result in results:
            values = np.moveaxis(np.asarray(result, np.float64), axis, -1)
            values = values.reshape(-1, values.shape[-1])
            n, centre = len(values), values.mean(axis=0)
            delta, total = centre - mean, count + n
            squares = squares + ((values - centre) ** 2).sum(axis=0) + delta**2 * (count * n / total)
            mean, count = mean + delta * (n / total), total
    return mean.astype(np.float32), (squares / count).astype(np.float32)
