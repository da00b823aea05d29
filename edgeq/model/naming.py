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


def op_label(graph: Graph, op: Op) -> str:
    """An op's name in reports: its index, kind and output's shape without the batch, "4 CONV_2D 8×8×16"."""
    shape = graph.tensors[op.outputs[0]].shape
    sizes = "×".join(str(size) for size in (shape[1:] if shape[:1] == (1,) else shape))
    return f"{op.index} {op.name} {sizes}".rstrip()
