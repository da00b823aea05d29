"""Where the int8 model will have int8 tensors, and which of them have one scale.

The rules are those of TensorFlow Lite's quantization specification and of the converter's fusions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from edgeq.model.keras.graph import Call, KerasGraph, Value
from edgeq.quantize.qat.norms import trained_norm_after
from edgeq.quantize.qat.weighted import is_weighted

FIXED_RANGES: Mapping[str, tuple[float, float]] = {
    "softmax": (0.0, 255.0 / 256.0), "sigmoid": (0.0, 255.0 / 256.0), "tanh": (-1.0, 127.0 / 128.0),
}  # fmt: skip
"""The real values of −128 and 127 that TFLite prescribes for an op's output."""

_FUSING_SUMS = {"Add", "Subtract", "Multiply"}
_SAME = {
    "MaxPooling1D", "MaxPooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "Flatten", "Reshape", "Permute",
    "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D", "RepeatVector", "UpSampling1D", "Dropout",
    "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "Identity", "ActivityRegularization",
    "Transpose", "Squeeze", "ExpandDims", "GetItem",
}  # fmt: skip
_SAME_ROUNDED = {"AveragePooling1D", "AveragePooling2D"}
_JOINING = {"Concatenate", "Maximum", "Minimum"}
_OWN = {
    *_FUSING_SUMS, "Average", "BatchNormalization", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "LeakyReLU",
    "PReLU", "Rescaling", "Normalization", "Mean", "LeakyRelu", "HardSwish", "HardSilu", "HardSigmoid", "Silu",
    "Negative", "Divide", "TrueDivide",
}  # fmt: skip
_FUNCTIONS = {"hard_swish", "hard_silu", "hard_sigmoid", "silu", "swish", "leaky_relu", "linear", "leaky relu"}
_AS_FUNCTION = {"Relu": "relu", "Relu6": "relu6", "Softmax": "softmax", "Sigmoid": "sigmoid", "Tanh": "tanh"}


class Kind(Enum):
    """What a call's output is in the int8 model."""

    FUSED = "no tensor: the activation or batch norm after it is part of the op"
    OWN = "a tensor with a scale of its own"
    SAME = "a tensor with the input's scale, and values that are on its steps already"
    SAME_ROUNDED = "a tensor with the input's scale, to which values are rounded"
    JOINED = "a tensor with one scale for all inputs and the output"
    FIXED = "a tensor whose scale TFLite prescribes"
    UNKNOWN = "nothing that is known here"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placement:
    """Where activations are rounded.

    `groups` has the values that are rounded to a trained range, those of one scale together; `fixed` those with a
    prescribed range. `left` has the calls of unknown kinds: their tensors' ranges come from calibration.
    """

    groups: tuple[tuple[Value, ...], ...]
    fixed: Mapping[Value, tuple[float, float]]
    left: tuple[Call, ...]


def place(graph: KerasGraph) -> Placement:
    """Find where a model of the training form is rounded.

    An output of the model that softmax or sigmoid makes is not rounded: the loss wants its gradients, and the int8
    values are the same whether the training knows of the last rounding or not.
    """
    kinds = {call: kind_of(graph, call) for call in graph.calls}
    sets = _Sets()
    rounded: list[Value] = [value for value in graph.inputs if value.dtype == "float32"]
    fixed: dict[Value, tuple[float, float]] = {}
    for call, kind in kinds.items():
        if kind in {Kind.OWN, Kind.SAME_ROUNDED}:
            rounded.append(call.output)
        if kind in {Kind.SAME, Kind.SAME_ROUNDED, Kind.JOINED}:
            for value in call.inputs:
                sets.join(value, call.output)
        if kind is Kind.FIXED and call.output not in graph.outputs:
            fixed[call.output] = FIXED_RANGES[function_name(call)]
    # A value with a prescribed range that is joined with others is rounded again, to the common range.
    joined = {sets.root(v) for call, kind in kinds.items() if kind is Kind.JOINED for v in call.inputs}
    rounded += [value for value in fixed if sets.root(value) in joined]
    groups: dict[Value, list[Value]] = {}
    for value in rounded:
        groups.setdefault(sets.root(value), []).append(value)
    left = tuple(call for call, kind in kinds.items() if kind is Kind.UNKNOWN)
    return Placement(groups=tuple(tuple(group) for group in groups.values()), fixed=fixed, left=left)


def kind_of(graph: KerasGraph, call: Call) -> Kind:
    """What becomes of a call's output."""
    name = _class_name(call)
    if len(call.outputs) != 1:
        return Kind.UNKNOWN
    if trained_norm_after(graph, call) is not None:
        return Kind.FUSED
    if is_weighted(call) or name in _FUSING_SUMS or _is_folded_later(graph, call):
        follower = graph.only_consumer(call.output)
        return Kind.FUSED if follower is not None and is_fusable(follower) else Kind.OWN
    function = function_name(call)
    if function in FIXED_RANGES:
        return Kind.FIXED
    if is_fusable(call):
        return _relu_kind(graph, call, function)
    if name == "UpSampling2D":
        return Kind.SAME if call.operation.interpolation == "nearest" else Kind.SAME_ROUNDED
    if name in _SAME:
        return Kind.SAME
    if name in _SAME_ROUNDED:
        return Kind.SAME_ROUNDED
    if name in _JOINING:
        return Kind.JOINED
    return Kind.OWN if name in _OWN or function in _FUNCTIONS else Kind.UNKNOWN


def _is_folded_later(graph: KerasGraph, call: Call) -> bool:
    """Whether a call is the batch norm that a weighted layer is trained with."""
    producer = graph.producer(call.inputs[0]) if call.inputs else None
    return producer is not None and trained_norm_after(graph, producer) is call


def is_fusable(call: Call) -> bool:
    """Whether a call is an activation that the converter makes part of the op before it.

    A ReLU with another limit than 6 becomes an op of its own, but one whose input has its output's scale.
    """
    return function_name(call) in {"relu", "relu6", "limited relu"}


def function_name(call: Call) -> str:
    """The function that an activation layer or operation computes, in Keras' spelling; "" for another call."""
    layer, name = call.operation, _class_name(call)
    if name == "Activation":
        return str(layer.activation.__name__)
    if name == "ReLU":
        plain = not layer.negative_slope and not layer.threshold
        limit = None if layer.max_value is None else float(layer.max_value)
        return {None: "relu", 6.0: "relu6"}.get(limit, "limited relu") if plain else "leaky relu"
    return _AS_FUNCTION.get(name, "")


def _relu_kind(graph: KerasGraph, call: Call, function: str) -> Kind:
    """Fused into a weighted op or a sum it has a range of its own; after pooling it keeps the scale of its input."""
    producer = graph.producer(call.inputs[0])
    if producer is None or kind_of(graph, producer) not in {Kind.SAME, Kind.SAME_ROUNDED, Kind.JOINED}:
        return Kind.OWN
    return Kind.SAME if function == "relu" else Kind.SAME_ROUNDED


def _class_name(call: Call) -> str:
    """The class's name if it is Keras' own; a user's subclass may compute anything."""
    kind: Any = type(call.operation)
    return str(kind.__name__) if kind.__module__.startswith("keras.") else ""


class _Sets:
    """Union-find over values."""

    def __init__(self) -> None:
        self._parent: dict[Value, Value] = {}

    def root(self, value: Value) -> Value:
        while value in self._parent:
            value = self._parent[value]
        return value

    def join(self, a: Value, b: Value) -> None:
        first, second = self.root(a), self.root(b)
        if first is not second:
            self._parent[second] = first
