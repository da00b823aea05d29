"""Ops that only give values another shape: no code, or a copy."""

from __future__ import annotations

from dataclasses import replace

from edgeq.lower.layout import root_of
from edgeq.lower.ops.common import operand
from edgeq.lower.passes.record import Stepped, Steps, counted
from edgeq.lower.program import Alias, KernelCall
from edgeq.model.graph import Graph
from edgeq.model.naming import op_label


def free_reshapes(steps: Steps) -> Stepped:
    """Outputs of such ops lie where their inputs lie. A constant's stays a copy in the arena: `fold-constants` has left
    it as it was."""
    tensors = steps.graph.tensors
    roots = dict(steps.roots)
    parts: list[KernelCall | Alias] = []
    for part in steps.parts:
        if isinstance(part, Alias) and tensors[part.input].data is None:
            roots[part.output] = part.input
        else:
            parts.append(part)
    count = len(roots) - len(steps.roots)
    read = tuple(_through(part, roots) for part in parts)
    copied = sum(tensors[t].nbytes for t in roots)
    words = f"{counted(count, 'op')} without code, {copied:,} bytes not copied" if count else ""
    return Stepped(steps=Steps(graph=steps.graph, parts=read, roots=roots), count=count, saved=words)


def copied(graph: Graph, alias: Alias) -> KernelCall:
    """The op as a copy."""
    source = graph.tensors[alias.input]
    op = next(op for op in graph.ops if op.index == alias.source_op)
    return KernelCall(
        kernel="edgeq_copy",
        source="copy.c",
        params_type="edgeq_copy_params",
        params={"start": 0, "run": source.nbytes, "loop_count": 1, "loops": ((1, 0),)},
        inputs=(operand(graph, alias.input),),
        outputs=(alias.output,),
        source_ops=(alias.source_op,),
        label=op_label(graph, op, op.outputs.index(alias.output)),
    )


def _through(part: KernelCall | Alias, roots: dict[int, int]) -> KernelCall | Alias:
    if isinstance(part, Alias):
        return replace(part, input=root_of(part.input, roots))
    return replace(part, inputs=tuple(root_of(i, roots) if isinstance(i, int) else i for i in part.inputs))
