"""Trace points: where a traced build hands out a tensor for its fingerprint."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.lower.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class TracePoint:
    """Point `point` (the device counts from 0 in the order of execution) shows tensor `tensor` of the .tflite, right
    after kernel call `call` computed it. `label` is the call's name in reports."""

    point: int
    call: int
    tensor: int
    label: str


def trace_points(program: Program) -> tuple[TracePoint, ...]:
    """All trace points, in the order in which the generated code reaches them."""
    shown = [(i, tensor, call.label) for i, call in enumerate(program.calls) if call.traced for tensor in call.outputs]
    return tuple(
        TracePoint(point=point, call=i, tensor=tensor, label=label) for point, (i, tensor, label) in enumerate(shown)
    )
