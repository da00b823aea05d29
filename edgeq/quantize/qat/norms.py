"""Batch norms that stay in training.

Where one channel is much larger than the others, a folded kernel trains far more slowly than a kernel with its batch
norm, whatever the steps. Rounding is the same in both forms: a factor per output channel goes with the kernel's steps.
(Jacob et al., 2018, arXiv:1712.05877, section 3.1, also train with the batch's moments and fold the moving ones.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.model.keras.graph import Call, KerasGraph, build_model
from edgeq.model.runtime import keras3
from edgeq.quantize.fold import norm_after_all_uses, norm_scale_and_shift
from edgeq.quantize.qat.weighted import copied_layer, is_weighted
from edgeq.training.batch_norm import Moments, observed

if TYPE_CHECKING:
    from numpy.typing import NDArray


LARGEST_MOMENTUM = 0.99
"""Of the moving moments, as of activation ranges: with a norm's own 0.999 an epoch of 100 steps would be judged, and
the int8 model made, with moments that are 90 % those of the start."""


def is_trained(graph: KerasGraph, call: Call) -> bool:
    """Whether a weighted layer is trained with the batch norm after it: one that can be folded, and may be trained."""
    norm = norm_after_all_uses(graph, call) if is_weighted(call) else None
    return norm is not None and bool(norm.trainable)


def trained_norm_after(graph: KerasGraph, call: Call) -> Call | None:
    """The call of the batch norm that a weighted layer is trained with; None if there is none."""
    return graph.only_consumer(call.output) if is_trained(graph, call) else None


def with_new_moments(graph: KerasGraph, x: tuple[NDArray[np.generic], ...]) -> KerasGraph:
    """The graph with other moments in the batch norms that are trained; in inference it computes the same.

    The moments become those of the layers' outputs on the samples `x`, so that in training, too, the start computes the
    same but for what differs from batch to batch. Scale and shift make up for the difference: a norm that had none
    (`scale` or `center` was False) has both now, and they are trained.
    """
    calls = [call for call in graph.calls if is_trained(graph, call)]
    layers = {id(call.operation): call for call in calls}
    moments = {key: Moments() for key in layers}
    if calls:
        probe = build_model(graph.returning([call.output for call in calls]))
        for results in observed(probe, x):
            for call, (result, kept) in zip(calls, results, strict=True):
                moments[id(call.operation)].add(result, kept)
    for key, call in layers.items():
        norm = norm_after_all_uses(graph, call)
        pair = _pair(call, norm, moments[key])
        for use in graph.uses(call.operation):
            follower = trained_norm_after(graph, use)
            if follower is not None:
                graph = graph.replaced([use, follower], pair)
    return graph


def _pair(call: Call, norm: Any, moments: Moments) -> list[Any]:
    """The layer and the norm with the moments.

    The layer has no bias, which the norm takes away again; but if its output has a regularizer, that is about the
    values as they are.
    """
    layer = call.operation
    kernel, *rest = layer.get_weights()
    biased = bool(rest) and layer.activity_regularizer is not None
    dropped = np.asarray(rest[0], np.float64) if rest and not biased else 0.0
    scale, shift = norm_scale_and_shift(norm)
    mean = moments.mean - dropped
    gamma, beta = scale * np.sqrt(moments.variance + norm.epsilon), shift + scale * moments.mean
    made = keras3().layers.BatchNormalization(
        momentum=min(norm.momentum, LARGEST_MOMENTUM), epsilon=norm.epsilon, name=norm.name,
        gamma_regularizer=norm.gamma_regularizer if norm.scale else None,
        beta_regularizer=norm.beta_regularizer if norm.center else None,
        activity_regularizer=norm.activity_regularizer,
    )  # fmt: skip
    made.build(call.output.shape)
    made.set_weights([a.astype(np.float32) for a in (gamma, beta, mean, moments.variance)])
    return [copied_layer(layer, call.inputs[0].shape, [kernel, *rest] if biased else [kernel], use_bias=biased), made]
