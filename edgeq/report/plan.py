"""The memory plan of a Program, as the report shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgeq.lower.program import Constant, Param, Placement, Program
from edgeq.report.record import ArenaPlan, PassSaving, PlanBlock, PlanCall


def arena_plan(program: Program) -> ArenaPlan:
    """Who is where in the arena, and when; per kernel call, the bytes alive and the constants it reads."""
    inputs, outputs = ({t.index for t in tensors} for tensors in (program.inputs, program.outputs))
    blocks = [
        _block(place, "input" if tensor in inputs else "output" if tensor in outputs else "tensor")
        for tensor, place in program.placements.items()
    ]
    blocks += [_block(place, "scratch") for place in program.scratch.values()]
    blocks.sort(key=lambda b: (b.first, b.offset, b.last, b.name))
    calls = []
    for i, call in enumerate(program.calls):
        constants = {c.name: c for c in _constants((*call.inputs, *call.params.values()))}
        calls.append(
            PlanCall(
                label=call.label,
                kernel=call.kernel,
                variant=call.variant,
                expected_cycles=call.expected_cycles,
                weight_bytes=sum(int(c.data.nbytes) for c in constants.values()),
                live_bytes=live_bytes(b for b in blocks if b.first <= i <= b.last),
            )
        )
    return ArenaPlan(
        arena_bytes=program.arena_bytes,
        liveness_bound=program.liveness_bound,
        saved=tuple(
            PassSaving(
                name=s.name.value,
                about=s.name.about,
                count=s.count,
                words=s.words,
                flash_bytes=s.flash_bytes,
                arena_bytes=s.arena_bytes,
                cycles=s.cycles,
            )
            for s in program.saved
        ),
        calls=tuple(calls),
        blocks=tuple(blocks),
    )


def live_bytes(blocks: Iterable[PlanBlock]) -> int:
    """Bytes of the arena that the blocks cover: aliases share theirs, and count once."""
    total = end = 0
    for block in sorted(blocks, key=lambda b: b.offset):
        total += max(0, block.offset + block.nbytes - max(end, block.offset))
        end = max(end, block.offset + block.nbytes)
    return total


def _block(place: Placement, kind: str) -> PlanBlock:
    return PlanBlock(
        name=place.name, kind=kind, offset=place.offset, nbytes=place.nbytes, first=place.first, last=place.last
    )


def _constants(values: Iterable[Param]) -> Iterator[Constant]:
    for value in values:
        if isinstance(value, Constant):
            yield value
        elif isinstance(value, tuple):
            yield from _constants(value)
