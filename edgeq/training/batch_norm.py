"""Batch-norm statistics measured anew: tells whether a float model's own are stale, without changing a weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import DataError
from edgeq.model.keras.graph import build_model, read_graph
from edgeq.model.keras.legacy import to_keras3
from edgeq.model.keras.probe import answers
from edgeq.model.runtime import keras3
from edgeq.records import Dataset, FloatModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH = 32


def reestimated(model: FloatModel, dataset: Dataset) -> FloatModel:
    """A copy of the model (a Keras 3 functional one) whose batch norms have the statistics of the training samples.

    Layer after layer, each batch norm's mean and variance become those of its input over all training samples (the
    variance of the population), computed in double precision in inference mode with the statistics before it already
    new. A batch norm that is shared gets those of all its uses together; what a Keras mask leaves out does not count,
    as in training. Training keeps moving averages instead, which lag behind the weights when training was short or the
    momentum is high. Nothing else changes.

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


class Moments:
    """Mean and population variance per channel of arrays that come one after the other, float64.

    By pairwise updates (Chan et al., 1983, Algorithms for Computing the Sample Variance).
    """

    def __init__(self) -> None:
        """Of nothing yet."""
        self._count, self._squares = np.zeros(1), np.zeros(1)
        self.mean = np.zeros(1)

    def add(self, array: NDArray[np.generic], kept: NDArray[np.bool_] | None = None) -> None:
        """Take in an array of shape (…, channels); of it only what `kept`, of the same shape, says."""
        values = array.reshape(-1, array.shape[-1]).astype(np.float64)
        where: Any = True if kept is None else kept.reshape(values.shape)
        n = len(values) if kept is None else where.sum(axis=0)
        centre = values.sum(axis=0, where=where) / np.maximum(n, 1)
        delta, total = centre - self.mean, np.maximum(self._count + n, 1)
        squares = ((values - centre) ** 2).sum(axis=0, where=where)
        self._squares = self._squares + squares + delta**2 * (self._count * n / total)
        self.mean, self._count = self.mean + delta * (n / total), self._count + n

    @property
    def variance(self) -> NDArray[np.float64]:
        """Of all values so far."""
        return self._squares / np.maximum(self._count, 1)


def observed(
    probe: Any, x: tuple[NDArray[np.generic], ...]
) -> Iterator[list[tuple[NDArray[np.generic], NDArray[np.bool_] | None]]]:
    """The outputs of a Keras 3 model in inference mode, batch by batch, so that only one batch's are in memory.

    Beside each output, of the same shape, which of its values its Keras mask keeps; None: it has no mask.
    """
    masks = [getattr(tensor, "_keras_mask", None) for tensor in probe.outputs]
    if any(mask is not None for mask in masks):
        probe = keras3().Model(probe.inputs, [*probe.outputs, *(mask for mask in masks if mask is not None)])
    for start in range(0, len(x[0]), _BATCH):
        found = answers(probe, tuple(np.asarray(a[start : start + _BATCH], np.float32) for a in x))
        outputs, kept = found[: len(masks)], iter(found[len(masks) :])
        yield [
            (y, None if mask is None else np.broadcast_to(next(kept)[..., None], y.shape))
            for y, mask in zip(outputs, masks, strict=True)
        ]


def _axis(norm: Any) -> int:
    axis = norm.axis
    return int(axis[0] if isinstance(axis, list | tuple) else axis)


def _statistics(
    probe: Any, x: tuple[NDArray[np.generic], ...], axis: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and variance per channel of all outputs of `probe` together."""
    moments = Moments()
    for results in observed(probe, x):
        for result, kept in results:
            moments.add(np.moveaxis(result, axis, -1), None if kept is None else np.moveaxis(kept, axis, -1))
    return moments.mean.astype(np.float32), moments.variance.astype(np.float32)
