"""The program of an interpreter: every op of the .tflite by itself, in its order, with its own kernel."""

from __future__ import annotations

from edgeq.lower.lower import ARENA_ALIGN
from edgeq.lower.program import KernelCall, Program
from edgeq.model.graph import Graph, Op
from edgeq.model.inspect import count_macs
from edgeq.model.naming import op_label


def interpreted(graph: Graph, *, arena_bytes: int, known_tensors: int, sha256: str) -> Program:
    """What TensorFlow Lite Micro does with a model, for profiles, fingerprints and reports.

    The interpreter plans its arena itself: `placements` is empty, and variables are in it.

    Args:
        graph: what it runs.
        arena_bytes: the size of its arena.
        known_tensors: tensors from this index on are not in the user's model, and have no fingerprint.
        sha256: of the user's .tflite.
    """
    shapes = {op.index for op in graph.shape_ops}
    calls = tuple(
        KernelCall(
            kernel=op.name,
            source="",
            params_type=None,
            params={},
            inputs=(),
            outputs=tuple(i for i in op.outputs if not graph.tensors[i].is_variable),
            source_ops=(op.index,),
            label=op_label(graph, op),
            macs=count_macs(graph, op),
            traced=op.index not in shapes and all(i < known_tensors for i in op.outputs),
            variant="interpreter",
        )
        for op in file_ops(graph)
    )
    return Program(
        calls=calls,
        inputs=graph.input_tensors,
        outputs=graph.output_tensors,
        placements={},
        scratch={},
        arena_bytes=arena_bytes,
        arena_align=ARENA_ALIGN,
        liveness_bound=least_arena(graph),
        vanished=(),
        model_sha256=sha256,
        macs=sum(call.macs for call in calls),
    )


def file_ops(graph: Graph) -> tuple[Op, ...]:
    """All ops of the .tflite's main subgraph, those too whose results are constants in a Graph, in the file's order."""
    return tuple(sorted((*graph.ops, *graph.shape_ops), key=lambda op: op.index))


def least_arena(graph: Graph) -> int:
    """Bytes that no arena can do without: the values that one op reads and writes."""
    return max((_values(graph, op) for op in graph.ops), default=0)


def _values(graph: Graph, op: Op) -> int:
    tensors = {i for i in (*op.inputs, *op.outputs) if i >= 0 and graph.tensors[i].data is None}
    return sum(graph.tensors[i].nbytes for i in tensors)
