"""Which layers tfmot can quantize, asked before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgeq.errors import UnsupportedError
from edgeq.model.runtime import legacy_keras, tfmot_keras
from edgeq.records import FloatModel

HINT = "Use --method qat, which has these layers too, or --method ptq; or replace them."
"""What to do about a model that tfmot refuses."""

# tfmot accepts more, but leaves them with a part that the converter cannot make int8 ("swish" inside of a layer), or
# that TensorFlow Lite Micro does not have ("gelu").
INNER_ACTIVATIONS = frozenset({"linear", "relu", "sigmoid", "softmax", "tanh"})
"""What may be the `activation` of a convolution or dense layer."""

ACTIVATIONS = INNER_ACTIVATIONS | {"relu6", "swish"}
"""What may be an Activation layer."""

_REPLACED = "SeparableConv2D"  # by a DepthwiseConv2D and a Conv2D, before tfmot looks it up
_FOLDED_INTO = ("Conv2D", "DepthwiseConv2D", _REPLACED)
_OPERATIONS = ("TFOpLambda", "SlicingOpLambda")


def require_supported(model: FloatModel) -> None:
    """Nothing, if tfmot can quantize every layer.

    Args:
        model: a tf_keras model.

    Raises:
        UnsupportedError: names all layers that it cannot quantize, and why.
    """
    handle = model.handle
    keras = legacy_keras()
    if not isinstance(handle, keras.Sequential) and not getattr(handle, "_is_graph_network", False):
        raise UnsupportedError(
            f"{model.path.name} is no functional or sequential model; tfmot takes no others.",
            hint="Rebuild it with an Input layer, or use --method ptq.",
        )
    problems = [f"layer {layer.name!r} ({type(layer).__name__}): {why}" for layer, why in _problems(handle)]
    if problems:
        lines = [f"tensorflow_model_optimization cannot quantize {model.path.name}:"]
        raise UnsupportedError("\n".join([*lines, *(f"  {problem}" for problem in problems)]), hint=HINT)


def _problems(handle: Any) -> Iterator[tuple[Any, str]]:
    registry = tfmot_keras().default_8bit.Default8BitQuantizeRegistry()
    inside = {id(node) for nodes in handle._nodes_by_depth.values() for node in nodes}
    for layer in handle.layers:
        why = _problem(layer, registry, inside, handle)
        if why is not None:
            yield layer, why


def _problem(layer: Any, registry: Any, inside: set[int], handle: Any) -> str | None:
    keras = legacy_keras()
    kind = type(layer).__name__
    if isinstance(layer, keras.layers.InputLayer):
        return None
    if isinstance(layer, keras.Model):
        return "it is a model inside of the model; put its layers in its place."
    if kind in _OPERATIONS:
        function = layer.get_config().get("function", "an operation")
        return f"{function} is no layer; instead of x + y write Add()([x, y])."
    if isinstance(layer, keras.layers.BatchNormalization):
        return _unfoldable(layer, inside, handle)
    if kind != _REPLACED and not registry.supports(layer):
        return "tfmot does not know this kind of layer."
    if kind == "Add":
        used = [node for node in layer.inbound_nodes if id(node) in inside]
        if any(len(node.keras_inputs) > 2 for node in used):
            return "tfmot gives the sum of the first two of its inputs no range; add two tensors at a time."
    usual_bound = kind == "ReLU" and (layer.max_value is None or float(layer.max_value) == 6.0)
    if kind == "ReLU" and (layer.negative_slope or layer.threshold or not usual_bound):
        return "only a ReLU without slope and threshold, and without bound or with the bound of 6, has an int8 form."
    name = _activation_name(layer)
    if kind == "Activation" and name not in ACTIVATIONS:
        return f"the activation {name!r} does not become int8."
    if kind != "Activation" and name not in INNER_ACTIVATIONS:
        return f"the activation {name!r} inside of a {kind} does not become int8; a layer of its own may."
    return None


def _unfoldable(layer: Any, inside: set[int], handle: Any) -> str | None:
    """Why a batch norm is not folded into the layer before it, and then has no quantized form."""
    inbound = [node for node in layer.inbound_nodes if id(node) in inside]
    if len(inbound) != 1:
        return "a batch norm that is used several times cannot be folded into one layer."
    before = inbound[0].inbound_layers
    if isinstance(before, list) or type(before).__name__ not in _FOLDED_INTO:
        return "a batch norm must follow a Conv2D or DepthwiseConv2D directly."
    if _activation_name(before) != "linear":
        return f"layer {before.name!r} before it has an activation of its own; put it after the batch norm."
    uses = [node for node in before.outbound_nodes if id(node) in inside]
    if len(uses) != 1 or any(before is tensor.node.layer for tensor in handle.outputs):
        return f"the output of layer {before.name!r} is used without the batch norm, too."
    return None


def _activation_name(layer: Any) -> str:
    activation = getattr(layer, "activation", None)
    return "linear" if activation is None else str(getattr(activation, "__name__", type(activation).__name__))
