"""Batch norm folded into the layer before it: the form in which a model is quantized.

y = γ·(W·x + b − μ)/√(σ² + ε) + β is W'·x + b' with W' = s·W, b' = s·(b − μ) + β, s = γ/√(σ² + ε) per output channel
(Jacob et al., 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
equation 14).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.model.keras.graph import Call, KerasGraph, Value, build_model, read_graph
from edgeq.model.keras.legacy import to_keras3
from edgeq.model.keras.probe import TOLERANCE, gap, predict, random_inputs
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3
from edgeq.records import FloatModel, ModelFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KERNEL_AXES = {"Dense": 1, "Conv1D": 1, "Conv2D": 1, "Conv3D": 1, "Conv1DTranspose": 2, "Conv2DTranspose": 2,
                "DepthwiseConv1D": 0, "DepthwiseConv2D": 0}  # fmt: skip
"""Where a kernel has its output channels: the last axis, the last but one, or (0) the last two together."""


def fold_batch_norm(model: FloatModel) -> FloatModel:
    """An equal Keras 3 functional model without the batch norms that follow a layer they can be folded into.

    These layers are Dense, Conv1D/2D/3D, Conv1D/2DTranspose and DepthwiseConv1D/2D without activation whose result
    goes nowhere else; separable convolutions become a depthwise and a 1×1 convolution first. A shared layer is folded
    only if the same batch norm follows it everywhere. All other batch norms stay as they are. Nested models are taken
    apart. Layer names stay; a separable convolution `x` becomes `x_depthwise` and `x`.

    The result is compared with the original on random inputs, at every folded layer and at the outputs.

    Raises:
        UnsupportedError: no functional or sequential model, a layer that cannot be copied, or a tf_keras model that
            Keras 3 does not compute equally; the message names the layer.
    """
    source = to_keras3(model)
    graph = read_graph(source.handle, what=model.path.name)
    folded, pairs = folded_graph(graph)
    _verify(graph, folded, pairs, model)
    handle = build_model(folded)
    made = from_keras(handle, path=model.path, format=ModelFormat.KERAS3, sha256=model.sha256)
    return replace(made, inputs=model.inputs, outputs=model.outputs, compiled=model.compiled)


def folded_graph(
    graph: KerasGraph, kept: Callable[[KerasGraph, Call], bool] = lambda _graph, _call: False
) -> tuple[KerasGraph, tuple[tuple[Value, float], ...]]:
    """The graph with separable convolutions split and batch norms folded; nothing is verified.

    Args:
        graph: what is folded.
        kept: tells of a layer's call whether the batch norm after it stays.

    Returns:
        The graph, and each value that a folded layer makes (it is in both graphs) with the size of the largest term
        that was folded into its bias.
    """
    graph = without_separable(graph)
    pairs: list[tuple[Value, float]] = []
    done: dict[int, Any] = {}
    for call in graph.calls:
        layer = call.operation
        norm = norm_after_all_uses(graph, call)
        if norm is None or id(layer) in done or kept(graph, call):
            continue
        done[id(layer)], largest = _folded(layer, norm, call.inputs[0])
        for use in graph.uses(layer):
            follower = graph.only_consumer(use.output)
            if follower is not None:
                graph = graph.replaced([use, follower], [done[id(layer)]])
                pairs.append((follower.output, largest))
    return graph, tuple(pairs)


def without_separable(graph: KerasGraph) -> KerasGraph:
    """The graph with each separable convolution `x` split into `x_depthwise` and the 1×1 convolution `x`."""
    for call in graph.calls:
        layer = call.operation
        if type(layer).__name__ in {"SeparableConv1D", "SeparableConv2D"} and _is_keras_own(layer):
            parts = _split(layer)
            for use in graph.uses(layer):
                graph = graph.replaced([use], parts)
    return graph


def norm_scale_and_shift(norm: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """s and t of a batch norm in inference, y = s·x + t, one value per channel, in double precision."""
    mean, variance = (np.asarray(v, np.float64) for v in (norm.moving_mean, norm.moving_variance))
    gamma = np.asarray(norm.gamma, np.float64) if norm.scale else np.ones_like(mean)
    beta = np.asarray(norm.beta, np.float64) if norm.center else np.zeros_like(mean)
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - mean * scale


def scaled_kernel(kernel: NDArray[np.float64], kind: str, scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """A kernel of a layer of the class `kind` with each output channel multiplied by its `scale`."""
    axis = _KERNEL_AXES[kind]
    factor = scale if axis == 1 else scale[:, None] if axis == 2 else scale.reshape(kernel.shape[-2:])
    return kernel * factor


def norm_after_all_uses(graph: KerasGraph, call: Call) -> Any:
    """The batch norm that can be folded into a call's layer, a Keras layer; None if there is none."""
    layer = call.operation
    if (
        type(layer).__name__ not in _KERNEL_AXES
        or not _is_linear(layer)
        or type(layer).__module__.split(".")[0] != "keras"
    ):
        return None
    norms = {id(n): n for n in (_norm_after(graph, use) for use in graph.uses(layer))}
    norm = next(iter(norms.values())) if len(norms) == 1 else None
    if norm is None:
        return None
    rank = len(call.output.shape)
    axis = norm.axis[0] if isinstance(norm.axis, Sequence) else norm.axis
    channels = 1 if getattr(layer, "data_format", None) == "channels_first" else rank - 1
    return norm if axis % rank == channels else None


def _norm_after(graph: KerasGraph, call: Call) -> Any:
    follower = graph.only_consumer(call.output)
    is_norm = follower is not None and isinstance(follower.operation, keras3().layers.BatchNormalization)
    return follower.operation if is_norm and follower is not None and not follower.kwargs else None


def _is_keras_own(layer: Any) -> bool:
    """Whether a layer is Keras' own: a user's subclass may compute anything."""
    return type(layer).__module__.startswith("keras.")


def _is_linear(layer: Any) -> bool:
    return layer.activation is None or layer.activation is keras3().activations.linear


def _folded(layer: Any, norm: Any, value: Value) -> tuple[Any, float]:
    """A layer that computes `layer` and then `norm`, built; and the largest term of its bias."""
    scale, shift = norm_scale_and_shift(norm)
    kernel = np.asarray(layer.get_weights()[0], np.float64)
    bias = np.asarray(layer.get_weights()[1], np.float64) if layer.use_bias else np.zeros_like(scale)
    made = _rebuilt(layer, value.shape, use_bias=True)
    scaled = scaled_kernel(kernel, type(layer).__name__, scale)
    made.set_weights([scaled.astype(np.float32), (bias * scale + shift).astype(np.float32)])
    return made, float(max(np.abs(bias * scale).max(), np.abs(shift).max()))


def _split(layer: Any) -> list[Any]:
    """A separable convolution as a depthwise and a pointwise one, built."""
    keras = keras3()
    depthwise, pointwise, *bias = layer.get_weights()
    dims = layer.rank
    common = {"data_format": layer.data_format, "dtype": layer.dtype_policy.name, "trainable": layer.trainable}
    first = getattr(keras.layers, f"DepthwiseConv{dims}D")(
        layer.kernel_size if dims > 1 else layer.kernel_size[0],
        strides=layer.strides if dims > 1 else layer.strides[0],
        padding=layer.padding, dilation_rate=layer.dilation_rate if dims > 1 else layer.dilation_rate[0],
        depth_multiplier=layer.depth_multiplier, use_bias=False, name=f"{layer.name}_depthwise",
        depthwise_regularizer=layer.depthwise_regularizer, **common,
    )  # fmt: skip
    second = getattr(keras.layers, f"Conv{dims}D")(
        layer.filters, 1, use_bias=layer.use_bias, activation=layer.activation, name=layer.name,
        kernel_regularizer=layer.pointwise_regularizer, bias_regularizer=layer.bias_regularizer,
        activity_regularizer=layer.activity_regularizer, **common,
    )  # fmt: skip
    channels = depthwise.shape[-2]
    sizes = [None] * dims
    last = layer.data_format == "channels_last"
    first.build((None, *sizes, channels) if last else (None, channels, *sizes))
    wide = channels * layer.depth_multiplier
    second.build((None, *sizes, wide) if last else (None, wide, *sizes))
    first.set_weights([depthwise])
    second.set_weights([pointwise, *bias])
    return [first, second]


def _rebuilt(layer: Any, shape: tuple[int | None, ...], *, use_bias: bool) -> Any:
    """A layer like the given one, with a bias; without constraints, which held for weights that are no more."""
    config = dict(layer.get_config())
    config["use_bias"] = use_bias
    config.update({key: None for key in config if key.endswith("_constraint")})
    made = type(layer).from_config(config)
    made.build(shape)
    return made


def _verify(graph: KerasGraph, folded: KerasGraph, pairs: Sequence[tuple[Value, float]], model: FloatModel) -> None:
    values = [value for value, _ in pairs]
    x = random_inputs(model)
    before, after = (predict(build_model(g.returning([*values, *g.outputs])), x) for g in (graph, folded))
    names = [f"layer {producer.name!r}" for v in values if (producer := folded.producer(v))]
    names += [f"output {spec.name!r}" for spec in model.outputs]
    terms = [*(largest for _, largest in pairs), *(0.0 for _ in model.outputs)]
    for name, term, a, b in zip(names, terms, before, after, strict=True):
        found = gap(a, b, size=term)
        if not found <= TOLERANCE:
            raise UnsupportedError(
                f"Folding batch norm changes {name} of {model.path.name} by {found:.1e} of its largest value.",
                hint="Its batch-norm statistics are probably extreme: train the model further, or quantize it with "
                "--method ptq.",
            )
