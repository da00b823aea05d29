"""A .tflite model as plain records: what the flatbuffer says, nothing derived.

One subgraph per model; edgeq refuses control flow. numpy is the only import, so that every stage can use these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray


class DType(Enum):
    """Element type of a tensor; the value is numpy's name for it."""

    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT16 = "float16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BOOL = "bool"

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return int(np.dtype(self.value).itemsize)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantization:
    """real = scale · (q − zero_point), TFLite's quantization specification.

    `scales` holds one float32 value per tensor, or one per channel along `axis` (then every zero point is 0).
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None = None

    @property
    def per_channel(self) -> bool:
        """More than one scale."""
        return self.axis is not None

    @property
    def scale(self) -> float:
        """The one scale of a per-tensor quantization."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The one zero point of a per-tensor quantization."""
        return self.zero_points[0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tensor:
    """One tensor. `data` is set for constants only: shape `shape`, dtype `dtype`, read-only.

    `signature` is the shape with −1 where the converter left a size free; empty if every size is fixed. A variable
    keeps its value from one inference to the next; `initial` is its first one, None: its zero point or 0.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: DType
    quantization: Quantization | None = None
    data: NDArray[np.generic] | None = None
    is_variable: bool = False
    signature: tuple[int, ...] = ()
    initial: NDArray[np.generic] | None = None

    @property
    def elements(self) -> int:
        """Number of elements (1 for a scalar)."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor's values."""
        return self.elements * self.dtype.size


OptionValue = int | float | bool | str | tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Op:
    """One operator; −1 among `inputs` marks an optional input that is absent.

    `name` is the builtin's name in the TFLite schema ("CONV_2D"), or "CUSTOM:" and the custom code.
    `options` has the schema's fields in snake_case ("stride_w", "fused_activation_function", …), enums as the
    schema's names ("SAME", "RELU6").
    """

    index: int
    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Graph:
    """A whole model. `sha256` is the hex digest of the .tflite's bytes.

    `shape_ops` are those of the file that only compute a shape which never changes: they are not among `ops`, and what
    they give is a constant here (`edgeq.model.static_shapes`). An interpreter of the file runs them all the same.
    """

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    sha256: str
    size: int
    shape_ops: tuple[Op, ...] = ()

    @property
    def is_stateful(self) -> bool:
        """An inference leaves values for the next one: samples are one sequence."""
        return any(tensor.is_variable for tensor in self.tensors)

    @property
    def input_tensors(self) -> tuple[Tensor, ...]:
        """The model's inputs, in order."""
        return tuple(self.tensors[i] for i in self.inputs)

    @property
    def output_tensors(self) -> tuple[Tensor, ...]:
        """The model's outputs, in order."""
        return tuple(self.tensors[i] for i in self.outputs)


def computed_tensors(graph: Graph) -> tuple[int, ...]:
    """Indices of what an interpreter computes of its input: all outputs of all ops but variables, and but those that
    follow from constants alone (float16 weights as float32, which XNNPACK makes for itself), in order of execution."""
    constant = {tensor.index for tensor in graph.tensors if tensor.data is not None}
    found = []
    for op in graph.ops:
        operands = [i for i in op.inputs if i >= 0]
        if operands and constant.issuperset(operands):
            constant.update(op.outputs)
        else:
            found += [tensor for tensor in op.outputs if not graph.tensors[tensor].is_variable]
    return tuple(found)
