"""How messages name tensors and ops."""

from __future__ import annotations

from edgeq.model.graph import Graph, Op, Tensor

_LONGEST = 64


def quoted(name: str, longest: int = _LONGEST) -> str:
    """A name from a model file in quotes, printable and shortened in the middle to `longest` characters: converters
    join the names of fused layers."""
    head = longest // 2
    short = name if len(name) <= longest else f"{name[:head]}…{name[head + 1 - longest :]}"
    return '"' + "".join(c if c.isprintable() else "?" for c in short) + '"'


def view_of(tensor: Tensor) -> str:
    """Why an op that only shows the same bytes under another shape has no code, for a table's cell."""
    return f"no code (a view of {quoted(tensor.name, 24)})"


def tensor_name(tensor: Tensor) -> str:
    """The tensor's name, quoted."""
    return quoted(tensor.name)


def op_place(graph: Graph, op: Op) -> str:
    """The op's index, kind and output tensor."""
    return f"op {op.index} {op.name} → {tensor_name(graph.tensors[op.outputs[0]])}"


def op_label(graph: Graph, op: Op, output: int = 0) -> str:
    """An op's name in reports: its index, kind and output's shape without the batch, "4 CONV_2D 8×8×16"; of several
    outputs, the one meant: "4 SPLIT 8×8×2 (2 of 3)"."""
    shape = graph.tensors[op.outputs[output]].shape
    sizes = "×".join(str(size) for size in (shape[1:] if shape[:1] == (1,) else shape))
    part = f"({output + 1} of {len(op.outputs)})" if len(op.outputs) > 1 else ""
    return " ".join(word for word in (str(op.index), op.name, sizes, part) if word)
