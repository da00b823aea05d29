"""Ops that only move values: SLICE, STRIDED_SLICE, SPLIT, SPLIT_V, UNPACK, PACK and TRANSPOSE."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgeq.lower.ops import common
from edgeq.lower.ops.shape import joined
from edgeq.lower.program import Alias, KernelCall
from edgeq.model import geometry
from edgeq.model.graph import Graph, Op, Tensor
from edgeq.model.naming import view_of

_MAX_LOOPS = 8  # EDGEQ_MAX_LOOPS


def cut(graph: Graph, op: Op) -> tuple[KernelCall | Alias, ...]:
    """SLICE, STRIDED_SLICE, SPLIT, SPLIT_V and UNPACK: a copy for each output."""
    source = _checked(graph, op, geometry.cut_input(op))
    strides = geometry.strides_of(source.shape)
    calls = []
    for output, part in enumerate(geometry.cuts(graph, op)):
        axes = [(s.count, s.step * stride) for s, stride in zip(part.axes, strides, strict=True)]
        start = sum(s.first * stride for s, stride in zip(part.axes, strides, strict=True))
        calls.append(_copy(graph, op, source, output, start, axes))
    return tuple(calls)


def transpose(graph: Graph, op: Op) -> KernelCall | Alias:
    """TRANSPOSE; one that moves nothing but dimensions of 1 is an alias."""
    common.arity(graph, op, 2)
    source = _checked(graph, op, 0)
    strides = geometry.strides_of(source.shape)
    axes = [(source.shape[i], strides[i]) for i in geometry.permutation(graph, op)]
    return _copy(graph, op, source, 0, 0, axes)


def pack(graph: Graph, op: Op) -> KernelCall:
    """PACK: a concatenation along an axis that its inputs do not have yet."""
    target = common.result(graph, op)
    sources = [common.present(graph, op, i) for i in range(len(op.inputs))]
    dtype = common.require_values(graph, op, *sources, target)
    common.require_consistent(graph, op)
    for source in sources:
        common.require_same_quantization(graph, op, source, target)
    axis = geometry.packed_axis(graph, op)
    row = math.prod(target.shape[axis + 1 :]) * dtype.size
    return joined(graph, op, math.prod(target.shape[:axis]), [row] * len(sources))


def _checked(graph: Graph, op: Op, position: int) -> Tensor:
    """The input that is moved; all outputs have its quantization."""
    source = common.present(graph, op, position)
    targets = [graph.tensors[i] for i in op.outputs]
    common.require_values(graph, op, source, *targets)
    common.require_consistent(graph, op)
    for target in targets:
        common.require_same_quantization(graph, op, source, target)
        if not target.elements:
            common.refuse(graph, op, f'gives "{target.name}" of shape {target.shape}.', "It must not be empty.")
    return source


def _copy(
    graph: Graph, op: Op, source: Tensor, output: int, start: int, axes: Sequence[tuple[int, int]]
) -> KernelCall | Alias:
    """A dense output out of (extent, stride) of the input along each of its axes, from element `start` on."""
    loops, run = _loops(axes)
    if run == source.elements:
        return Alias(output=op.outputs[output], input=source.index, source_op=op.index, reason=view_of(source))
    if len(loops) > _MAX_LOOPS:
        common.refuse(graph, op, f"moves {len(axes)} dimensions.", "Reshape the input to fewer dimensions.")
    return KernelCall(
        kernel="edgeq_copy",
        source="copy.c",
        params_type="edgeq_copy_params",
        params={
            "start": start * source.dtype.size,
            "run": run * source.dtype.size,
            "loop_count": len(loops),
            "loops": tuple((extent, stride * source.dtype.size) for extent, stride in loops),
        },
        inputs=(source.index,),
        outputs=(op.outputs[output],),
        source_ops=(op.index,),
        label=common.label(graph, op, output),
    )


def _loops(axes: Sequence[tuple[int, int]]) -> tuple[tuple[tuple[int, int], ...], int]:
    """Loops of copies of `run` elements that lie together, outermost first; neighbours that go on are merged."""
    loops: list[tuple[int, int]] = []
    run = 1
    for extent, stride in reversed(axes):
        if extent == 1:
            continue
        if not loops and stride == run:
            run *= extent
        elif loops and stride == loops[-1][0] * loops[-1][1]:
            loops[-1] = (loops[-1][0] * extent, loops[-1][1])
        else:
            loops.append((extent, stride))
    return tuple(reversed(loops)) or ((1, 0),), run
