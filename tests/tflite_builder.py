"""Builds small .tflite files directly, without TensorFlow: for tests of the parser, the verifier and the kernels.

::

    model = ModelBuilder()
    x = model.tensor("x", (1, 8, 8, 3), scale=0.5, zero_point=-3)
    w = model.tensor("w", (4, 3, 3, 3), data=weights, scale=(0.1, 0.2, 0.3, 0.4), axis=0)
    b = model.tensor("b", (4,), "int32", data=bias, scale=(0.05, 0.1, 0.15, 0.2), axis=0)
    y = model.tensor("y", (1, 8, 8, 4), scale=0.25)
    model.op("CONV_2D", [x, w, b], [y], padding="SAME", stride_w=1, stride_h=1, fused_activation_function="RELU")
    content = model.finish([x], [y])
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import ArrayLike

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "float64": schema.TensorType.FLOAT64,
    "int4": schema.TensorType.INT4,
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "bool": schema.TensorType.BOOL,
    "string": schema.TensorType.STRING,
    "resource": schema.TensorType.RESOURCE,
}

# The options table of each builtin; ops that are not listed have none (RELU, LOGISTIC, TANH, ELU, PRELU, …).
OPTIONS = {
    "ADD": "AddOptions",
    "ADD_N": "AddNOptions",
    "ARG_MAX": "ArgMaxOptions",
    "ARG_MIN": "ArgMinOptions",
    "ASSIGN_VARIABLE": "AssignVariableOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
    "CALL_ONCE": "CallOnceOptions",
    "CAST": "CastOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "DEQUANTIZE": "DequantizeOptions",
    "EXPAND_DIMS": "ExpandDimsOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "GATHER": "GatherOptions",
    "HARD_SWISH": "HardSwishOptions",
    "IF": "IfOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "LOG_SOFTMAX": "LogSoftmaxOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MEAN": "ReducerOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MIRROR_PAD": "MirrorPadOptions",
    "MUL": "MulOptions",
    "PACK": "PackOptions",
    "PAD": "PadOptions",
    "PADV2": "PadV2Options",
    "QUANTIZE": "QuantizeOptions",
    "READ_VARIABLE": "ReadVariableOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "RESHAPE": "ReshapeOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "SHAPE": "ShapeOptions",
    "SLICE": "SliceOptions",
    "SOFTMAX": "SoftmaxOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "SPLIT": "SplitOptions",
    "SPLIT_V": "SplitVOptions",
    "SQUEEZE": "SqueezeOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SUB": "SubOptions",
    "SVDF": "SVDFOptions",
    "SUM": "ReducerOptions",
    "TRANSPOSE": "TransposeOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "UNPACK": "UnpackOptions",
    "VAR_HANDLE": "VarHandleOptions",
    "WHILE": "WhileOptions",
}

# The enum that a field's string value belongs to.
_ENUMS = {
    "padding": schema.Padding,
    "fused_activation_function": schema.ActivationFunctionType,
    "weights_format": schema.FullyConnectedOptionsWeightsFormat,
    "mode": schema.MirrorPadMode,
    "in_data_type": schema.TensorType,
    "out_data_type": schema.TensorType,
    "quantized_bias_type": schema.TensorType,
    "output_type": schema.TensorType,
}


class _Buffer(schema.BufferT):  # type: ignore[misc]
    """A buffer whose data start at a multiple of 16, as the schema asks and the converter does."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 (the generated code's name)
        vector = None
        if self.data is not None:
            raw = bytes(self.data)
            builder.StartVector(1, len(raw), 16)
            builder.head -= len(raw)
            builder.Bytes[builder.head : builder.head + len(raw)] = raw
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


class ModelBuilder:
    """Collects tensors and ops; `finish` writes the .tflite. Nothing is checked: wrong models can be built too."""

    def __init__(self) -> None:
        """An empty model: one subgraph, and the empty buffer 0."""
        self.model = schema.ModelT(version=3, operatorCodes=[], buffers=[_Buffer()], description="edgeq test")
        self.graph = schema.SubGraphT(tensors=[], operators=[], inputs=[], outputs=[], name="main")
        self.model.subgraphs = [self.graph]
        self._codes: dict[tuple[str, int], int] = {}

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str = "int8",
        *,
        scale: float | Iterable[float] | None = None,
        zero_point: int | Iterable[int] = 0,
        axis: int = 0,
        data: ArrayLike | bytes | None = None,
        variable: bool = False,
        signature: Sequence[int] | None = None,
    ) -> int:
        """Adds a tensor and gives its index.

        `scale` is one number (per tensor), a sequence (per channel along `axis`), or None (not quantized).
        `data` is an array of `shape`, or the buffer's raw bytes; None: not a constant. `signature` is the shape
        signature (−1 marks a dynamic size).
        """
        t = schema.TensorT(name=name, type=_TYPES[dtype], shape=np.asarray(shape, np.int32), hasRank=True)
        t.isVariable = variable
        if signature is not None:
            t.shapeSignature = np.asarray(signature, np.int32)
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale if isinstance(scale, float | int) else list(scale), np.float32))
            zeros = np.atleast_1d(np.asarray(zero_point if isinstance(zero_point, int) else list(zero_point), np.int64))
            zeros = np.broadcast_to(zeros, scales.shape) if zeros.size == 1 else zeros
            t.quantization = schema.QuantizationParametersT(
                scale=scales, zeroPoint=np.ascontiguousarray(zeros), quantizedDimension=axis
            )
        if data is not None:
            raw = data if isinstance(data, bytes) else np.ascontiguousarray(data, np.dtype(dtype)).tobytes()
            self.model.buffers.append(_Buffer(data=raw))
            t.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def op(self, name: str, inputs: Sequence[int], outputs: Sequence[int], *, version: int = 1, **options: Any) -> int:
        """Adds an operator (builtin name, or "CUSTOM:" and a code) and gives its index.

        `options` are the schema's fields in snake_case; enums by name ("SAME", "RELU6").
        """
        key = (name, version)
        if key not in self._codes:
            custom = name.startswith("CUSTOM:")
            code = getattr(schema.BuiltinOperator, "CUSTOM" if custom else name)
            entry = schema.OperatorCodeT(deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=version)
            if custom:
                entry.customCode = name.removeprefix("CUSTOM:")
            self.model.operatorCodes.append(entry)
            self._codes[key] = len(self.model.operatorCodes) - 1
        operator = schema.OperatorT(
            opcodeIndex=self._codes[key], inputs=np.asarray(inputs, np.int32), outputs=np.asarray(outputs, np.int32)
        )
        table = OPTIONS.get(name)
        if table is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            operator.builtinOptions = getattr(schema, table + "T")()
            for field, value in options.items():
                self._set(operator.builtinOptions, field, value)
        elif options:
            raise TypeError(f"{name} has no options")
        self.graph.operators.append(operator)
        return len(self.graph.operators) - 1

    @staticmethod
    def _set(table: Any, field: str, value: Any) -> None:
        attribute = re.sub(r"_(\w)", lambda m: m[1].upper(), field)
        if not hasattr(table, attribute):
            raise TypeError(f"{type(table).__name__} has no field {field}")
        if field in _ENUMS and isinstance(value, str):
            value = getattr(_ENUMS[field], value)
        elif isinstance(value, list | tuple | np.ndarray):
            value = np.asarray(value, np.int32)
        setattr(table, attribute, value)

    def variable(self, name: str) -> int:
        """A handle of the resource variable of this shared name: VAR_HANDLE's output."""
        handle = self.tensor(f"handle {len(self.graph.tensors)}", (), "resource")
        self.op("VAR_HANDLE", [], [handle], shared_name=name, container="")
        return handle

    def call_once(self, values: Mapping[str, tuple[ArrayLike, Mapping[str, Any]]]) -> None:
        """CALL_ONCE of a subgraph that assigns constants (data, and arguments of `tensor`) to resource variables."""
        main, self.graph = self.graph, schema.SubGraphT(tensors=[], operators=[], inputs=[], outputs=[], name="init")
        for name, (data, options) in values.items():
            array = np.asarray(data)
            constant = self.tensor(name, array.shape, str(array.dtype), data=array, **options)
            self.op("ASSIGN_VARIABLE", [self.variable(name), constant], [])
        self.graph.inputs = self.graph.outputs = np.zeros(0, np.int32)
        self.model.subgraphs.append(self.graph)
        self.graph = main
        self.op("CALL_ONCE", [], [], init_subgraph_index=len(self.model.subgraphs) - 1)

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The .tflite's bytes, with the given tensors as the model's inputs and outputs."""
        self.graph.inputs = np.asarray(inputs, np.int32)
        self.graph.outputs = np.asarray(outputs, np.int32)
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
