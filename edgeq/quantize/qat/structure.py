"""The form in which a model is trained on: folded, equalized, every op that will be an int8 op a layer of its own.

Quantization-aware training and its float control both start from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.model.keras.graph import Call, KerasGraph, build_model, read_graph
from edgeq.model.keras.probe import require_equal
from edgeq.model.runtime import keras3, quiet
from edgeq.quantize.equalize import equalize
from edgeq.quantize.fold import norm_scale_and_shift
from edgeq.records import FloatModel

WEIGHTED = frozenset({
    "Dense", "Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "Conv1DTranspose", "Conv2DTranspose",
})  # fmt: skip
"""Layers whose kernels become int8 with a scale per output channel."""


def training_form(model: FloatModel) -> FloatModel:
    """An equal Keras 3 model of the form that is trained; the user's model is left alone.

    - Batch norms are folded into the layers before them, and neighbouring layers are equalized: ranges that differ
      between the channels of a tensor cost int8 steps, and rescaling them away costs nothing.
    - A batch norm that cannot be folded backward is folded into a Dense layer that alone reads it, or becomes a 1×1
      depthwise convolution; what is left (on features, before something else) stays a batch norm with frozen
      statistics.
    - An activation that is part of a layer becomes a layer after it, `<layer>_<activation>`.

    The result is compared with the original on random inputs.

    Raises:
        UnsupportedError: as `edgeq.quantize.fold.fold_batch_norm` and `edgeq.quantize.equalize.equalize`.
    """
    source = equalize(model).model
    with quiet():
        graph = read_graph(source.handle, what=model.path.name)
        graph = _without_norms(graph)
        graph = _with_separate_activations(graph)
        made = replace(source, handle=build_model(graph))
    require_equal(model, made, what="Preparing")
    return made


def is_weighted(call: Call) -> bool:
    """Whether a call is of one of Keras' own layers in `WEIGHTED`, with its channels last."""
    layer = call.operation
    own = type(layer).__module__.startswith("keras.") and type(layer).__name__ in WEIGHTED
    return own and getattr(layer, "data_format", "channels_last") == "channels_last"


def _without_norms(graph: KerasGraph) -> KerasGraph:
    keras = keras3()
    for call in graph.calls:
        norm = call.operation
        if call not in graph.calls or not isinstance(norm, keras.layers.BatchNormalization):
            continue
        rank = len(call.output.shape)
        axis = norm.axis[0] if isinstance(norm.axis, list | tuple) else norm.axis
        last = axis % rank == rank - 1
        reader = graph.only_consumer(call.output)
        if call.kwargs:
            continue  # called with training=True: no function of its input alone
        if reader is not None and last and rank == 2 and _is_dense(graph, reader):
            graph = graph.replaced([call, reader], [_dense_after(norm, reader.operation)])
        elif last and rank in {3, 4}:
            graph = graph.replaced([call], [_as_depthwise(norm, rank - 2, call.output.shape)])
        else:
            graph = graph.replaced([call], [_frozen(norm, call.output.shape)])
    return graph


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
        linear = copied_layer(layer, call.inputs[0].shape, layer.get_weights(), activation=None)
        function = keras.layers.Activation(layer.activation, name=f"{layer.name}_{layer.activation.__name__}")
        for use in graph.uses(layer):
            graph = graph.replaced([use], [linear, function])
    return graph


def copied_layer(layer: Any, shape: tuple[int | None, ...], weights: list[Any], **changes: Any) -> Any:
    """A built layer of the same kind with other settings and weights; it has no constraints."""
    config = {**layer.get_config(), **changes}
    config.update({key: None for key in config if key.endswith("_constraint")})
    made = type(layer).from_config(config)
    made.build(shape)
    made.set_weights([np.asarray(w, np.float32) for w in weights])
    return made
