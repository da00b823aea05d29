"""Which ops XNNPACK runs, and why it left the others to LiteRT's own kernels.

LiteRT replaces what XNNPACK takes by DELEGATE nodes and says which tensors go in and out of each. Walking backwards
from what comes out to what goes in meets exactly the ops inside. XNNPACK does not say why it left one; the other
variants do: where it took the same op with other types, the types are the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from edgeq.model.graph import Graph, Op
from edgeq.model.inspect import count_macs
from edgeq.model.naming import op_label
from edgeq.records import FallenOp, Placement

Partition = tuple[frozenset[int], frozenset[int]]
"""Tensors that go into a DELEGATE node, and that come out of it."""

Taken = Mapping[str, Sequence[str]]
"""The operands' types with which XNNPACK took each kind of op."""


def inside(graph: Graph, partitions: Iterable[Partition]) -> frozenset[int]:
    """The indices of the ops that run in the partitions."""
    makers = {tensor: op for op in graph.ops for tensor in op.outputs}
    found: set[int] = set()
    for inputs, outputs in partitions:
        waiting = list(outputs)
        while waiting:
            op = makers.get(waiting.pop())
            if op is not None and op.index not in found:
                found.add(op.index)
                waiting += [i for i in op.inputs if i not in inputs]
    return frozenset(found)


def taken(models: Iterable[tuple[Graph, Sequence[Partition]]]) -> Taken:
    """What XNNPACK took of several models."""
    found: dict[str, dict[str, None]] = {}
    for graph, partitions in models:
        within = inside(graph, partitions)
        for op in graph.ops:
            if op.index in within:
                found.setdefault(op.name, {})[types_of(graph, op)] = None
    return {name: tuple(types) for name, types in found.items()}


def place(graph: Graph, partitions: Sequence[Partition], known: Taken) -> Placement:
    """Where a model's ops run; `known` is what XNNPACK took of all variants."""
    within = inside(graph, partitions)
    fallen = tuple(
        FallenOp(label=op_label(graph, op), name=op.name, types=types_of(graph, op), reason=_reason(graph, op, known))
        for op in graph.ops
        if op.index not in within
    )
    macs = {op.index: count_macs(graph, op) for op in graph.ops}
    return Placement(
        ops=len(graph.ops),
        partitions=len(partitions),
        fallen_macs=sum(n for i, n in macs.items() if i not in within) / max(1, sum(macs.values())),
        fallen=fallen,
    )


def types_of(graph: Graph, op: Op) -> str:
    """The types of an op's operands without its bias and shapes: "int16 × int8 → int16"."""
    wide = [graph.tensors[i].dtype.value for i in op.inputs if i >= 0 and graph.tensors[i].dtype.value not in _SIDE]
    results = dict.fromkeys(graph.tensors[i].dtype.value for i in op.outputs)
    shown = [*wide[:2], *(t for t in wide[2:] if t not in wide[:2])] or ["integers"]
    if op.name in _WEIGHTED:
        shown = wide[:2]
    return f"{' × '.join(dict.fromkeys(shown) if op.name not in _WEIGHTED else shown)} → {', '.join(results)}"


_SIDE = ("int32", "int64")  # biases, shapes and axes
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def _reason(graph: Graph, op: Op, known: Taken) -> str:
    types = types_of(graph, op)
    others = [form for form in known.get(op.name, ()) if form != types]
    if op.name.startswith("CUSTOM:"):
        return "a custom op"
    if types in known.get(op.name, ()):
        return f"by its shape or options: XNNPACK took others with {types}"
    if others:
        return f"by its types, {types}: XNNPACK took {' and '.join(others)}"
    return f"with {types}: XNNPACK took none in any variant of this model"
