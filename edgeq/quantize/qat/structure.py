"""The form in which a model is trained on: every op that will be an int8 op is a layer of its own, or will be folded.

Quantization-aware training and its float control both start from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.model.keras.graph import Call, KerasGraph, Value, build_model, read_graph
from edgeq.model.keras.legacy import to_keras3
from edgeq.model.keras.probe import require_equal
from edgeq.model.runtime import keras3, quiet
from edgeq.quantize.fold import folded_graph, norm_scale_and_shift
from edgeq.quantize.qat.balance import with_balanced_readers
from edgeq.quantize.qat.norms import is_trained, trained_norm_after, with_new_moments
from edgeq.quantize.qat.weighted import copied_layer, is_weighted
from edgeq.records import FloatModel

if TYPE_CHECKING:
    from numpy.typing import NDArray


def training_form(model: FloatModel, x: tuple[NDArray[np.generic], ...] | None = None) -> FloatModel:
    """An equal Keras 3 model of the form that is trained; the user's model is left alone.

    - Separable convolutions become two layers, nested models are taken apart.
    - A batch norm that can be folded into the layer before it stays if it may be trained and `x` is given: training
      uses the batch's moments and moves its own, which begin as those of `x`. Else it is folded.
    - Channels are rescaled where the weights which read them are far from the usual size (`balance`).
    - A batch norm that cannot be folded backward is folded into a Dense layer that alone reads it, or becomes a 1×1
      depthwise convolution; what is left (on features, before something else, or with a Keras mask, which a convolution
      would lose) stays a batch norm with frozen statistics.
    - An activation that is part of a layer becomes a layer after it, `<layer>_<activation>`.

    The result is compared with the original on random inputs.

    Args:
        model: of Keras 3 or tf_keras.
        x: training samples, one array per input; None: all batch norms stay folded, with the moments that they had.

    Raises:
        UnsupportedError: as `edgeq.quantize.fold.fold_batch_norm`.
    """
    source = to_keras3(model)
    with quiet():
        graph = read_graph(source.handle, what=model.path.name)
        graph, _ = folded_graph(graph, (lambda *_: False) if x is None else is_trained)
        graph = _without_norms(graph, keep=x is not None)
        graph = _with_separate_activations(graph)
        graph = with_balanced_readers(graph if x is None else with_new_moments(graph, x))
        made = replace(source, handle=build_model(graph))
    require_equal(model, made, what="Preparing")
    return made


def _without_norms(graph: KerasGraph, *, keep: bool) -> KerasGraph:
    keras = keras3()
    kept = {trained_norm_after(graph, call) for call in graph.calls} if keep else set()
    norms = [c for c in graph.calls if isinstance(c.operation, keras.layers.BatchNormalization) and c not in kept]
    masked = _masked(graph, [call.output for call in norms])
    for call in norms:
        norm = call.operation
        rank = len(call.output.shape)
        axis = norm.axis[0] if isinstance(norm.axis, list | tuple) else norm.axis
        last = axis % rank == rank - 1
        reader = graph.only_consumer(call.output)
        if call.kwargs:
            continue  # called with training=True: no function of its input alone
        if reader is not None and last and rank == 2 and _is_dense(graph, reader):
            graph = graph.replaced([call, reader], [_dense_after(norm, reader.operation)])
        elif last and rank in {3, 4} and call.output not in masked:
            graph = graph.replaced([call], [_as_depthwise(norm, rank - 2, call.output.shape)])
        else:
            graph = graph.replaced([call], [_frozen(norm, call.output.shape)])
    return graph


def _masked(graph: KerasGraph, values: Sequence[Value]) -> set[Value]:
    """The values that have a Keras mask, which says what of a sample is only padding."""
    tensors = build_model(graph.returning(values)).outputs if values else []
    return {v for v, tensor in zip(values, tensors, strict=True) if getattr(tensor, "_keras_mask", None) is not None}


def _is_dense(graph: KerasGraph, call: Call) -> bool:
    return type(call.operation).__name__ == "Dense" and is_weighted(call) and len(graph.uses(call.operation)) == 1


def _dense_after(norm: Any, dense: Any) -> Any:
    """A Dense layer that computes `norm` and then `dense`."""
    scale, shift = norm_scale_and_shift(norm)
    kernel, *rest = (np.asarray(w, np.float64) for w in dense.get_weights())
    bias = rest[0] if rest else 0.0
    return copied_layer(dense, (None, len(scale)), [kernel * scale[:, None], bias + shift @ kernel], use_bias=True)


def _as_depthwise(norm: Any, dims: int, shape: tuple[int | None, ...]) -> Any:
    """A 1×1 depthwise convolution that scales and shifts each channel as `norm` does."""
    scale, shift = norm_scale_and_shift(norm)
    kind = getattr(keras3().layers, f"DepthwiseConv{dims}D")
    layer = kind(1, name=norm.name, trainable=norm.trainable)
    layer.build(shape)
    layer.set_weights([scale.reshape(*[1] * dims, -1, 1).astype(np.float32), shift.astype(np.float32)])
    return layer


def _frozen(norm: Any, shape: tuple[int | None, ...]) -> Any:
    return copied_layer(norm, shape, norm.get_weights(), trainable=False)


def _with_separate_activations(graph: KerasGraph) -> KerasGraph:
    keras = keras3()
    for call in graph.calls:
        layer = call.operation
        if call not in graph.calls or not is_weighted(call) or layer.activation in {None, keras.activations.linear}:
            continue
        linear = copied_layer(
            layer, call.inputs[0].shape, layer.get_weights(), activation=None, activity_regularizer=None
        )
        function = keras.layers.Activation(
            layer.activation, name=f"{layer.name}_{layer.activation.__name__}",
            activity_regularizer=layer.activity_regularizer,
        )  # fmt: skip
        for use in graph.uses(layer):
            graph = graph.replaced([use], [linear, function])
    return graph
