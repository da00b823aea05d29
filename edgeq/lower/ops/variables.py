"""VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE and CALL_ONCE: variables have a place of their own in the arena."""

from __future__ import annotations

from edgeq.lower.ops import common
from edgeq.lower.program import KernelCall
from edgeq.model.graph import Graph, Op, Tensor


def declared(graph: Graph, op: Op) -> tuple[KernelCall, ...]:
    """VAR_HANDLE and CALL_ONCE: nothing is left to do at run time."""
    del graph, op
    return ()


def read(graph: Graph, op: Op) -> KernelCall:
    """READ_VARIABLE: a copy, so that a later assignment leaves the value as it was."""
    return _copied(graph, op, common.present(graph, op, 0), common.result(graph, op))


def assign(graph: Graph, op: Op) -> KernelCall:
    """ASSIGN_VARIABLE."""
    return _copied(graph, op, common.present(graph, op, 1), common.result(graph, op))


def _copied(graph: Graph, op: Op, source: Tensor, target: Tensor) -> KernelCall:
    common.require_int8(graph, op, source, target)
    common.require_same_quantization(graph, op, source, target)
    return KernelCall(
        kernel="edgeq_copy",
        source="copy.c",
        params_type="edgeq_copy_params",
        params={"start": 0, "run": source.nbytes, "loop_count": 1, "loops": ((1, 0),)},
        inputs=(source.index,),
        outputs=(target.index,),
        source_ops=(op.index,),
        label=common.label(graph, op),
        traced=not target.is_variable,
    )
