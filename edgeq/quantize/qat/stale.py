"""Stale batch-norm statistics: moving averages that lag behind the weights, as after a short training.

What a model computes with them is far from what it learned, and training that starts there takes epochs to get back. So
it starts from the statistics that training would settle at (Wu and Johnson, 2021, Rethinking "Batch" in BatchNorm,
arXiv:2105.07576, section 3), where these are clearly better.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.model.keras.graph import KerasGraph, build_model, read_graph
from edgeq.model.keras.legacy import to_keras3
from edgeq.model.keras.probe import answers
from edgeq.model.runtime import keras3, tensorflow
from edgeq.records import FloatModel
from edgeq.training.plan import SMALLEST_BATCH, TrainingPlan

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH = 32
_SAMPLES = 1024
_JUDGES = 512
"""So many validation samples say which statistics are better: of stale ones the loss is several times as large."""

_BETTER = 0.9
"""Of the model's own loss: what is less better than this may be the luck of these samples, and stays as it is."""


def with_fresh_statistics(model: FloatModel, plan: TrainingPlan) -> tuple[FloatModel, str | None]:
    """The model with statistics of the training samples, and a note, if they make it clearly better; else as it is.

    Mean and variance are the average of those of batches in which all norms take the batch's own, in one pass. Norms
    that are not to be trained keep theirs. "Better" is the loss of validation samples.

    Raises:
        UnsupportedError: as `edgeq.model.keras.graph.read_graph`.
    """
    source = to_keras3(model)
    graph = read_graph(source.handle, what=model.path.name)
    norms = [call for call in graph.calls if isinstance(call.operation, keras3().layers.BatchNormalization)]
    if not any(call.operation.trainable and not call.kwargs for call in norms):
        return model, None
    fresh = replace(source, handle=_fresh(graph, plan))
    before, after = (_loss(m.handle, plan) for m in (source, fresh))
    if not after < _BETTER * before:
        return model, None
    return fresh, (
        f"Batch-norm statistics were stale: training starts with those of the training samples, which bring the "
        f"validation loss from {before:.3g} to {after:.3g}."
    )


def _fresh(graph: KerasGraph, plan: TrainingPlan) -> Any:
    """A copy of the model with new statistics."""
    norm_class = keras3().layers.BatchNormalization
    taking = replace(
        graph,
        calls=tuple(
            replace(call, kwargs={"training": True})
            if isinstance(call.operation, norm_class) and call.operation.trainable and not call.kwargs
            else call
            for call in graph.calls
        ),
    )
    observer, copy = build_model(taking), build_model(graph)
    norms = [layer for layer in observer.layers if isinstance(layer, norm_class)]
    rows = plan.order(0)[:_SAMPLES]
    for number, start in enumerate(range(0, max(1, len(rows) - SMALLEST_BATCH), _BATCH)):
        for norm in norms:
            norm.momentum = number / (number + 1)  # the mean of all batches so far
        batch = rows[start : start + _BATCH]
        answers(observer, tuple(a[batch] for a in plan.train.x), training=None)
    for norm in norms:
        copy.get_layer(norm.name).set_weights(norm.get_weights())
    return copy


def _loss(handle: Any, plan: TrainingPlan) -> float:
    """The mean loss of some validation samples, whatever their order."""
    count = len(plan.validation)
    rows = np.random.default_rng(0).permutation(count)[:_JUDGES]
    losses = plan.objective.losses()
    found: list[NDArray[np.float64]] = []
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        (output,) = answers(handle, tuple(a[batch] for a in plan.validation.x))
        assert plan.validation.y is not None  # noqa: S101 (a plan's are labelled)
        found.append(np.asarray(losses(plan.validation.y[batch], tensorflow().constant(output)), np.float64))
    return float(np.concatenate(found).mean())
