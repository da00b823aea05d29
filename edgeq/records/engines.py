"""What another engine took for the same model."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.records.firmware import Section, Toolchain
from edgeq.records.runs import LayerCost


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCost:
    """A build with the other engine, in figures. `passed`: all of its checks did. Cycles are None where they were not
    estimated or measured; `arena_used_bytes` where the engine is no interpreter."""

    engine: str
    board: str
    device: str
    toolchain: Toolchain | None
    passed: bool
    cycles_estimated: int | None
    cycles_measured: int | None
    instructions: int | None
    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    arena_used_bytes: int | None
    stack_bytes: int
    sections: tuple[Section, ...]
    layers: tuple[LayerCost, ...]
