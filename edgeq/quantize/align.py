"""Which float tensor belongs to which tensor of an integer .tflite."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher

from edgeq.errors import UnsupportedError
from edgeq.model.graph import DType, Graph
from edgeq.model.roles import Role, input_of
from edgeq.quantize.twin import Twin

_INTEGERS = (DType.INT8, DType.INT16)


def align(graph: Graph, twin: Twin) -> Mapping[int, int]:
    """Activations of `graph` to those of the twin, inputs first, then in the order of `graph`'s ops.

    Inputs and outputs go by position, the rest by name and shape: the converter keeps the names. Where another
    converter made the .tflite and names tell too little, ops go by the longest common sequence of kind and output
    shape.

    Raises:
        UnsupportedError: the inputs or outputs differ, or an op with weights has no counterpart: the .tflite was made
            from another model.
    """
    other = twin.graph
    shapes = [tuple(t.shape for t in tensors) for tensors in (graph.input_tensors, graph.output_tensors)]
    if shapes != [tuple(t.shape for t in tensors) for tensors in (other.input_tensors, other.output_tensors)]:
        raise _another(twin, f"its inputs and outputs have the shapes {shapes[0]} and {shapes[1]}")
    edges = dict(zip((*graph.inputs, *graph.outputs), (*other.inputs, *other.outputs), strict=True))
    weighted = {op.outputs[0] for op in graph.ops if input_of(graph, op, Role.WEIGHTS) is not None}
    pairs = edges | _by_name(graph, other)
    if weighted - set(pairs):
        pairs = edges | _by_order(graph, other)
    missing = [graph.tensors[i].name for i in sorted(weighted - set(pairs))]
    if missing:
        raise _another(twin, f"{len(missing)} of its {len(weighted)} layers with weights are not there ({missing[0]})")
    order = (*graph.inputs, *(i for op in graph.ops for i in op.outputs))
    return {i: pairs[i] for i in order if i in pairs and graph.tensors[i].dtype in _INTEGERS}


def _by_name(graph: Graph, other: Graph) -> dict[int, int]:
    known = {(t.name, t.shape): t.index for t in other.tensors if t.data is None}
    produced = [graph.tensors[i] for op in graph.ops for i in op.outputs]
    return {t.index: known[t.name, t.shape] for t in produced if (t.name, t.shape) in known}


def _by_order(graph: Graph, other: Graph) -> dict[int, int]:
    mine, theirs = ([(op.name, g.tensors[op.outputs[0]].shape) for op in g.ops] for g in (graph, other))
    pairs: dict[int, int] = {}
    for block in SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks():
        for i in range(block.size):
            pairs[graph.ops[block.a + i].outputs[0]] = other.ops[block.b + i].outputs[0]
    return pairs


def _another(twin: Twin, reason: str) -> UnsupportedError:
    return UnsupportedError(
        f"The .tflite was not made from {twin.what}: {reason}.",
        hint="Compare it with the float model that it was converted from.",
    )
