"""What integers a quantized model is made of."""

from __future__ import annotations

from enum import Enum

from edgeq.model.graph import DType, Graph


class Scheme(Enum):
    """TFLite's two full-integer schemes; weights are int8, symmetric, per channel in both."""

    INT8 = "int8"
    INT16X8 = "16x8"  # int16 activations with zero point 0

    @property
    def activation(self) -> DType:
        """Of inputs, outputs and everything between."""
        return DType.INT8 if self is Scheme.INT8 else DType.INT16

    @property
    def biases(self) -> tuple[DType, ...]:
        """What a bias may be; the first is what the converter makes."""
        return (DType.INT32,) if self is Scheme.INT8 else (DType.INT64, DType.INT32)


def scheme_of(graph: Graph) -> Scheme:
    """The scheme that a model is meant to follow, by its inputs and outputs."""
    edges = (*graph.input_tensors, *graph.output_tensors)
    return Scheme.INT16X8 if any(tensor.dtype is DType.INT16 for tensor in edges) else Scheme.INT8
