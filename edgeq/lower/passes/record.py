"""What passes work on, and what they give back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from edgeq.lower.layout import root_of
from edgeq.lower.program import Alias, KernelCall
from edgeq.model.graph import Graph

# Of two calls, the second of which alone reads what the first one gives: the call that computes both, or None.
Merge = Callable[[KernelCall, KernelCall], KernelCall | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passed:
    """The graph after a pass. `changed` has the tensors that no longer hold what the model's do (fewer channels), and
    `merged` the ops, by index, that another op (the value) now computes too. `count` says how often the pass found what
    it looks for, `saved` what that means, in words; 0 and empty if nothing. `read` has, of tensors with channels that
    only fill up fours, how many others there are: as `edgeq.lower.program.KernelCall` says where they are."""

    graph: Graph
    changed: frozenset[int] = frozenset()
    merged: Mapping[int, int] = field(default_factory=dict)
    count: int = 0
    saved: str = ""
    read: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """What lowering made of a graph's live ops, in order. `roots` has, for each tensor that is but another name of
    another's bytes, that other one; calls read through them."""

    graph: Graph
    parts: tuple[KernelCall | Alias, ...]
    roots: Mapping[int, int] = field(default_factory=dict)

    def readers(self) -> dict[int, int]:
        """How many readers each tensor has: parts, and the model's outputs."""
        found: dict[int, int] = {}
        for part in self.parts:
            for operand in {part.input} if isinstance(part, Alias) else {i for i in part.inputs if isinstance(i, int)}:
                found[operand] = found.get(operand, 0) + 1
        for tensor in self.graph.outputs:
            root = root_of(tensor, self.roots)
            found[root] = found.get(root, 0) + 1
        return found

    def merged_pairs(self, merge: Merge) -> tuple[Steps, int]:
        """The steps with calls merged in twos, again and again, and how many are gone."""
        readers = self.readers()
        parts: list[KernelCall | Alias] = []
        made_at: dict[int, int] = {}
        for part in self.parts:
            if isinstance(part, KernelCall) and len(part.outputs) == 1 and not self._is_kept(part.outputs[0]):
                at = self._only_source(part, readers, made_at)
                before = None if at is None else parts[at]
                both = merge(before, part) if isinstance(before, KernelCall) else None
                if at is not None and both is not None:
                    parts[at], made_at[part.outputs[0]] = both, at
                    continue
                made_at[part.outputs[0]] = len(parts)
            parts.append(part)
        return replace(self, parts=tuple(parts)), len(self.parts) - len(parts)

    def _only_source(self, call: KernelCall, readers: Mapping[int, int], made_at: Mapping[int, int]) -> int | None:
        """Where the call is whose output is this one's only input, and is read by nothing else."""
        source = call.inputs[0] if len(call.inputs) == 1 else None
        return made_at.get(source) if isinstance(source, int) and readers[source] == 1 else None

    def _is_kept(self, tensor: int) -> bool:
        """A variable: what is written to it, and when, must stay."""
        return self.graph.tensors[tensor].is_variable


def counted(count: int, what: str) -> str:
    """How many, in words: "1 op", "2 ops"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stepped:
    """The steps after a pass; `count` and `saved` as in `Passed`."""

    steps: Steps
    count: int = 0
    saved: str = ""
    read: Mapping[int, int] = field(default_factory=dict)
