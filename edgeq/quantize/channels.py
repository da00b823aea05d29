"""Which layers of a Keras 3 model share their channels, so that a channel can be rescaled in all of them at once.

A channel that one layer makes and others read can be divided by any s > 0 where it is made and multiplied by s where it
is read, if everything between is positively homogeneous, f(s·x) = s·f(x): ReLU and leaky ReLU, pooling, padding,
reshaping, sums of values that are rescaled alike (Nagel et al., 2019, Data-Free Quantization Through Weight
Equalization and Bias Correction, arXiv:1906.04721, section 4.1.1; residual sums are this module's addition).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeq.model.keras.graph import Call, KerasGraph, Value
from edgeq.model.runtime import keras3

WEIGHTED = frozenset({"Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "Conv2DTranspose", "Dense"})
"""Layers whose weights can take a factor per channel."""

UNREAD = 1e-20
"""Weights below this share of a group's largest are none: what an optimizer's decay leaves of a dead channel. Larger
ones count, since a channel may be made as much larger as it is read by smaller weights."""

_TRANSPARENT = {
    "AveragePooling1D", "AveragePooling2D", "Cropping1D", "Cropping2D", "Dropout", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "Identity", "MaxPooling1D", "MaxPooling2D",
    "SpatialDropout1D", "SpatialDropout2D", "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D",
}  # fmt: skip
_RESHAPING = {"Flatten", "Reshape"}
_SUMS = {"Add", "Subtract"}  # the layers, and the operations behind `x + y` and `x − y`
_HOMOGENEOUS_FUNCTIONS = {"linear", "relu", "leaky_relu"}
_HOMOGENEOUS_OPERATIONS = {"LeakyRelu", "Relu"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelGroup:
    """Layers that make, and layers that read, the same `channels` channels.

    A reader's input may be a flattened map: then its feature j belongs to channel j modulo `channels`.
    """

    channels: int
    makers: tuple[Call, ...]
    readers: tuple[Call, ...]


def find_groups(graph: KerasGraph) -> tuple[ChannelGroup, ...]:
    """All groups whose channels can be rescaled without changing what the model computes, in the order of the calls.

    Left out is a group that the model's inputs or outputs belong to; that something inhomogeneous reads or makes
    (ReLU6, hard-swish, softmax, a product, a batch norm that was not folded); or that a shared layer, a grouped
    convolution's input or a layer with its channels first touches.
    """
    return _Search(graph).groups()


class _Search:
    """Union-find over the graph's values."""

    def __init__(self, graph: KerasGraph) -> None:
        self._graph = graph
        self._parent: dict[Value, Value] = {}
        self._fixed: set[Value] = set()
        self._makers: list[tuple[Call, Value]] = []
        self._readers: list[tuple[Call, Value]] = []

    def groups(self) -> tuple[ChannelGroup, ...]:
        for value in (*self._graph.inputs, *self._graph.outputs):
            self._fixed.add(value)
        for call in self._graph.calls:
            self._visit(call)
        fixed = {self._root(value) for value in self._fixed}
        made: dict[Value, list[Call]] = {}
        read: dict[Value, list[Call]] = {}
        for call, value in self._makers:
            made.setdefault(self._root(value), []).append(call)
        for call, value in self._readers:
            read.setdefault(self._root(value), []).append(call)
        found = []
        for root, makers in made.items():
            channels = min(int(call.output.shape[-1] or 0) for call in makers)
            readers = read.get(root, [])
            widths = [int(call.inputs[0].shape[-1] or 0) for call in readers]
            alike = all(int(call.output.shape[-1] or 0) == channels for call in makers)
            if root in fixed or not readers or not alike or any(width % channels for width in widths):
                continue
            found.append(ChannelGroup(channels=channels, makers=tuple(makers), readers=tuple(readers)))
        return tuple(found)

    def _visit(self, call: Call) -> None:
        kind = _kind(call)
        if kind == "weighted":
            own = len(self._graph.uses(call.operation)) == 1
            self._makers.append((call, call.output))
            self._readers.append((call, call.inputs[0]))
            if not own or not _is_homogeneous(call.operation):
                self._fixed.add(call.output)
            if not own or getattr(call.operation, "groups", 1) != 1:
                self._fixed.add(call.inputs[0])
        elif kind == "through" or (kind == "reshape" and self._keeps_channels(call)):
            self._join(call.inputs[0], call.output)
        elif kind == "sum" and len({value.shape for value in (*call.inputs, call.output)}) == 1:
            for value in call.inputs:
                self._join(value, call.output)
        else:
            self._fixed.update((*call.inputs, *call.outputs))

    def _keeps_channels(self, call: Call) -> bool:
        """Whether the last index after the reshape, modulo the channels before it, is the channel."""
        before, after = call.inputs[0].shape[-1], call.output.shape[-1]
        return before is not None and after is not None and after % before == 0

    def _root(self, value: Value) -> Value:
        while (parent := self._parent.get(value)) is not None:
            value = parent
        return value

    def _join(self, a: Value, b: Value) -> None:
        first, second = self._root(a), self._root(b)
        if first is not second:
            self._parent[second] = first


def _kind(call: Call) -> str:
    """What a call does to its channels: "weighted", "through", "reshape", "sum", or "" for anything else."""
    operation = call.operation
    name = type(operation).__name__
    channels_last = getattr(operation, "data_format", None) in (None, "channels_last")
    if not type(operation).__module__.startswith("keras.") or not channels_last:
        return ""
    one = len(call.inputs) == 1 and len(call.outputs) == 1
    if name in WEIGHTED and one:
        return "weighted"
    if name in _RESHAPING and one:
        return "reshape"
    if one and (name in _TRANSPARENT or _is_activation(operation, name)):
        return "through"
    given = len(keras3().tree.flatten((call.args, dict(call.kwargs))))
    return "sum" if name in _SUMS and len(call.inputs) == given and len(call.outputs) == 1 else ""


def _is_activation(operation: Any, name: str) -> bool:
    """A homogeneous activation as a layer or operation of its own."""
    if name == "ReLU":
        return operation.max_value is None and float(operation.threshold or 0.0) == 0.0
    if name == "Activation":
        return _is_homogeneous(operation)
    return name == "LeakyReLU" or name in _HOMOGENEOUS_OPERATIONS


def _is_homogeneous(layer: Any) -> bool:
    """Whether the layer's activation is one of Keras' own homogeneous ones, or it has none."""
    function = layer.activation
    if function is None:
        return True
    own = getattr(function, "__module__", "").startswith("keras.")
    return own and getattr(function, "__name__", "") in _HOMOGENEOUS_FUNCTIONS
