"""Ops on nothing but constants, computed here: tables, and what only moves values or gives them another shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import EdgeqError
from edgeq.lower.ops import LOWER
from edgeq.lower.passes.record import Passed, counted
from edgeq.lower.passes.tables import TABLE, table_of
from edgeq.lower.program import Alias, Constant, KernelCall
from edgeq.model.graph import Graph, Op

Bytes = NDArray[np.uint8]


def fold_constants(graph: Graph) -> Passed:
    """The graph with what such ops give as constants, and without the ops. Others (sums of constants) are computed at
    run time."""
    tensors = list(graph.tensors)
    kept = []
    for op in graph.ops:
        found = _values(replace(graph, tensors=tuple(tensors)), op)
        if found is None:
            kept.append(op)
        for tensor, content in (found or {}).items():
            t = tensors[tensor]
            tensors[tensor] = replace(t, data=content.view(t.dtype.value).reshape(t.shape))
    count = len(graph.ops) - len(kept)
    if not count:
        return Passed(graph=graph)
    folded = replace(graph, tensors=tuple(tensors), ops=tuple(kept))
    return Passed(graph=folded, count=count, saved=f"{counted(count, 'op')} on constants computed on the host")


def _values(graph: Graph, op: Op) -> dict[int, Bytes] | None:
    """Bytes of each of the op's outputs, if all follow from constants by what `_COMPUTE` has."""
    operands = [graph.tensors[i] for i in op.inputs if i >= 0]
    if not operands or any(t.data is None for t in operands) or op.name not in LOWER:
        return None
    try:
        made = LOWER[op.name](graph, op)
    except EdgeqError:  # lowering reports it, with the op's place
        return None
    found: dict[int, Bytes] = {}
    for part in made if isinstance(made, tuple) else (made,):
        if isinstance(part, Alias):
            found[part.output] = _bytes(graph.tensors[part.input].data)
            continue
        compute = _COMPUTE.get(part.kernel)
        if compute is None or len(part.outputs) != 1:
            return None
        inputs = [_bytes(i.data if isinstance(i, Constant) else graph.tensors[i].data) for i in part.inputs]
        found[part.outputs[0]] = compute(part, inputs)
    return found if set(found) == set(op.outputs) else None


def _bytes(data: NDArray[np.generic] | None) -> Bytes:
    return np.ascontiguousarray(cast(NDArray[np.generic], data)).reshape(-1).view(np.uint8)


def _looked_up(call: KernelCall, inputs: Sequence[Bytes]) -> Bytes:
    return _bytes(table_of(call).data[inputs[0]])


def _copied(call: KernelCall, inputs: Sequence[Bytes]) -> Bytes:
    loops = cast(tuple[tuple[int, int], ...], call.params["loops"])
    at: NDArray[np.int64] = np.full(1, cast(int, call.params["start"]))
    for extent, stride in (*loops, (cast(int, call.params["run"]), 1)):
        at = (at[:, None] + np.arange(extent) * stride).reshape(-1)
    return inputs[0].take(at)


def _padded(call: KernelCall, inputs: Sequence[Bytes]) -> Bytes:
    size, before, after = (cast(tuple[int, ...], call.params[name]) for name in ("size", "before", "after"))
    value = cast(int, call.params["value"]) & 0xFF
    widths = list(zip(before, after, strict=True))
    return np.pad(inputs[0].reshape(size), widths, constant_values=value).reshape(-1)


def _joined(call: KernelCall, inputs: Sequence[Bytes]) -> Bytes:
    rows = cast(int, call.params["rows"])
    return np.concatenate([part.reshape(rows, -1) for part in inputs], axis=1).reshape(-1)


_COMPUTE: Mapping[str, Callable[[KernelCall, Sequence[Bytes]], Bytes]] = {
    TABLE: _looked_up,
    "edgeq_concatenation_int8": _joined,
    "edgeq_copy": _copied,
    "edgeq_pad_int8": _padded,
}
