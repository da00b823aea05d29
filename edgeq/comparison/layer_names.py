"""What reports call the ops of a .tflite: by the Keras layer that they come from, so that arms stand side by side.

Tensors are named by the paths of TensorFlow's operations, "model_1/conv_1/convolution", and by several of them with ";"
in between where ops were fused. An export of Keras 3 puts a number behind every name, tfmot "quant_" before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from edgeq.model.graph import Graph, Op
from edgeq.model.naming import op_label
from edgeq.records import FloatModel

_WRAPPED = "quant_"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNames:
    """The names of a Keras model's layers, in its order; none for a model whose layers are not known."""

    model: str = ""
    layers: tuple[str, ...] = ()

    def label(self, graph: Graph, op: Op) -> str:
        """An op's name: "conv (CONV_2D 8×8×16)", the layer being the first of those that were fused; without a layer
        `op_label`."""
        label = op_label(graph, op)
        constants = [graph.tensors[i].name for i in op.inputs if i >= 0 and graph.tensors[i].data is not None]
        for name in (graph.tensors[op.outputs[0]].name, *constants):
            layer = self.layer_of(name)
            if layer is not None:
                return f"{layer} ({label.partition(' ')[2]})"
        return label

    def layer_of(self, tensor: str) -> str | None:
        """The first of the layers in a tensor's name; None if none of them is in it."""
        return min(set(self._layers_in(tensor)), key=self.layers.index, default=None)

    def _layers_in(self, tensor: str) -> Iterator[str]:
        for path in tensor.split(";"):
            scope, *parts = path.split("/")
            found = (self._layer(part, numbered=scope != self.model) for part in parts[:-1])
            layer = next((layer for layer in found if layer is not None), None)
            if layer is not None:
                yield layer

    def _layer(self, part: str, *, numbered: bool) -> str | None:
        """The layer of one step of a path: of this name, or a piece of it that was made a layer of its own."""
        name = part.removeprefix(_WRAPPED)
        if numbered:
            name = re.sub(r"_\d+$", "", name)
        fitting = [layer for layer in self.layers if name == layer or name.startswith(layer + "_")]
        return max(fitting, key=len, default=None)


def input_label(graph: Graph, tensor: int) -> str:
    """What reports call an input."""
    return "input" if len(graph.inputs) == 1 else f"input {graph.inputs.index(tensor) + 1}"


def layer_names(model: FloatModel | None) -> LayerNames:
    """The names of a model's layers, those of nested models included."""
    flat = getattr(model.handle, "_flatten_layers", None) if model is not None else None
    if model is None or flat is None:
        return LayerNames()
    layers = flat(include_self=False)
    return LayerNames(
        model=model.handle.name, layers=tuple(layer.name for layer in layers if not hasattr(layer, "get_layer"))
    )
