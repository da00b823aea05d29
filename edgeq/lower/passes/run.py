"""Runs the passes that are asked for, and keeps count of what they find."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from edgeq.lower.dsp.candidate import Candidate
from edgeq.lower.layout import Layout
from edgeq.lower.names import Pass
from edgeq.lower.passes import IN_CHOICE, ON_CALLS, ON_GRAPH
from edgeq.lower.passes.record import Steps, counted
from edgeq.lower.passes.reshapes import copied
from edgeq.lower.program import Alias, KernelCall, Saving
from edgeq.lower.select import PORTABLE, portable
from edgeq.model.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnGraph:
    """What all passes on the graph did: fields as in `Passed`."""

    graph: Graph
    changed: frozenset[int]
    merged: Mapping[int, int]
    read: Mapping[int, int]
    saved: tuple[Saving, ...]

    def told(self, call: KernelCall) -> KernelCall:
        """The call, with the ops that passes merged into it; not traced if its output has lost channels."""
        merged = tuple(sorted(op for op, into in self.merged.items() if into in call.source_ops))
        traced = call.traced and not self.changed & set(call.outputs)
        return replace(call, source_ops=(*call.source_ops, *merged), traced=traced)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnCalls:
    """What all passes on the calls left: calls, and tensors that are other names of another's bytes."""

    calls: tuple[KernelCall, ...]
    roots: Mapping[int, int]
    saved: tuple[Saving, ...]


def on_graph(graph: Graph, names: Collection[Pass]) -> OnGraph:
    """Runs those of `names` that work on the graph."""
    changed: frozenset[int] = frozenset()
    merged: dict[int, int] = {}
    read: dict[int, int] = {}
    saved = []
    for name in (name for name in ON_GRAPH if name in names):
        found = ON_GRAPH[name](graph)
        graph, changed = found.graph, changed | found.changed
        merged |= found.merged
        read |= found.read
        saved += _saving(name, found.count, found.saved)
    return OnGraph(graph=graph, changed=changed, merged=merged, read=read, saved=tuple(saved))


def on_calls(graph: Graph, parts: Sequence[KernelCall | Alias], names: Collection[Pass]) -> OnCalls:
    """Runs those of `names` that work on calls; ops that give values another shape are copies where none took them."""
    steps = Steps(graph=graph, parts=tuple(parts))
    saved = []
    for name in (name for name in ON_CALLS if name in names):
        found = ON_CALLS[name](steps)
        steps = found.steps
        saved += _saving(name, found.count, found.saved)
    calls = tuple(copied(graph, part) if isinstance(part, Alias) else part for part in steps.parts)
    return OnCalls(calls=calls, roots=steps.roots, saved=tuple(saved))


def allowed(call: KernelCall, candidates: Sequence[Candidate], names: Collection[Pass]) -> tuple[Candidate, ...]:
    """What is left of a call's candidates where `names` are all the passes that there are."""
    for name in (name for name in IN_CHOICE if name not in names):
        kept = [IN_CHOICE[name].without(call, candidate) for candidate in candidates]
        found = [candidate for candidate in kept if candidate is not None]
        candidates = found or [portable(call, f"{PORTABLE}: without {name.value}")]
    return tuple(candidates)


def in_choice(
    calls: Sequence[tuple[KernelCall, KernelCall]], layout: Layout, names: Collection[Pass]
) -> Iterator[Saving]:
    """What those of `names` did that are up to kernels and the planner; arguments as of `Habit.count`."""
    for name in (name for name in IN_CHOICE if name in names):
        count = IN_CHOICE[name].count(calls, layout)
        yield from _saving(name, count, f"{counted(count, IN_CHOICE[name].what)} {IN_CHOICE[name].how}")


def _saving(name: Pass, count: int, words: str) -> list[Saving]:
    return [Saving(name=name, count=count, words=words)] if count else []
