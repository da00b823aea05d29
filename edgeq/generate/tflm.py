"""What TensorFlow Lite Micro needs beside the model's bytes: the ops to register, and the arena's size."""

from __future__ import annotations

from edgeq.model.graph import Graph

# Methods of tflite::MicroMutableOpResolver whose names do not follow from the operator's.
_IRREGULAR = {
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "BATCH_MATMUL": "AddBatchMatMul",
    "CONV_2D": "AddConv2D",
    "CUMSUM": "AddCumSum",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "L2_POOL_2D": "AddL2Pool2D",
    "MAX_POOL_2D": "AddMaxPool2D",
    "PADV2": "AddPadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
}

_ARENA_ALIGN = 16


def resolver_method(op: str) -> str:
    """The method of MicroMutableOpResolver that registers a builtin operator: "CONV_2D" -> "AddConv2D"."""
    return _IRREGULAR.get(op) or "Add" + "".join(word.capitalize() for word in op.split("_"))


def resolver_methods(graph: Graph) -> tuple[str, ...]:
    """The methods for all operators of a model's file, sorted, each once."""
    names = {op.name for op in (*graph.ops, *graph.shape_ops)}
    if "CALL_ONCE" in names:  # its subgraph has these two
        names |= {"VAR_HANDLE", "ASSIGN_VARIABLE"}
    return tuple(sorted(map(resolver_method, names)))


def arena_estimate(measured: int) -> int:
    """Arena bytes to begin with on a device, from what the interpreter took on the host.

    An eighth and 2 KiB more: the host's figure has no scratch buffers of CMSIS-NN, and its pointers are wider.
    """
    return -(-(measured + measured // 8 + 2048) // _ARENA_ALIGN) * _ARENA_ALIGN
