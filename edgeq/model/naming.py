"""How messages name tensors and ops."""

from __future__ import annotations

from edgeq.model.graph import Graph, Op, Tensor

_LONGEST = 64


def quoted(name: str) -> str:
    """A name from a model file in quotes, printable and shortened: converters join the names of fused layers."""
    short = name if len(name) <= _LONGEST else name[:_LONGEST] + "…"
    return '"' + "".join(c if c.isprintable() else "?" for c in short) + '"'


def tensor_name(tensor: Tensor) -> str:
    """The tensor's name, quoted."""
    return quoted(tensor.name)


def op_place(graph: Graph, op: Op) -> str:
    """The op's index, kind and output tensor."""
    return f"op {op.index} {op.name} → {tensor_name(graph.tensors[op.outputs[0]])}"
