"""What a pass gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeq.model.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passed:
    """The graph after a pass. `changed` has the tensors that no longer hold what the model's do (fewer channels), and
    `merged` the ops, by index, that another op (the value) now computes too. `saved` says what the pass saved, in
    words; empty if nothing. `read` has, of tensors with channels that only fill up fours, how many others there are:
    as `edgeq.lower.program.KernelCall` says where they are."""

    graph: Graph
    changed: frozenset[int] = frozenset()
    merged: Mapping[int, int] = field(default_factory=dict)
    saved: str = ""
    read: Mapping[int, int] = field(default_factory=dict)
