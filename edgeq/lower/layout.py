"""Where a program's values lie: lifetimes, buffers that calls may share, and the planner's offsets."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.lower import planner
from edgeq.lower.program import KernelCall, Placement
from edgeq.model.graph import Graph, Tensor


def root_of(tensor: int, roots: Mapping[int, int]) -> int:
    """The tensor whose place an alias has; `roots` has each alias's source."""
    while tensor in roots:
        tensor = roots[tensor]
    return tensor


class Lifetimes:
    """First and last call of every tensor that has a place of its own; aliases (`roots`) lie where their source lies.

    `first` is -1 for what is there before the first call, `last` the number of calls for what is read after the last.
    """

    def __init__(self, graph: Graph, calls: tuple[KernelCall, ...], roots: Mapping[int, int]) -> None:
        """Of a graph's calls, whose operands are roots."""
        self.graph, self.calls, self.roots = graph, calls, roots
        first: dict[int, int] = dict.fromkeys(graph.inputs, -1)
        last: dict[int, int] = dict.fromkeys(graph.inputs, -1)
        for i, call in enumerate(calls):
            for tensor in call.inputs:
                if isinstance(tensor, int):
                    last[tensor] = i
            for tensor in call.outputs:
                first[tensor] = last[tensor] = i
        for tensor in graph.outputs:
            last[root_of(tensor, roots)] = len(calls)
        # Variables are filled by init, and hold their value between inferences.
        self.states = tuple(sorted(t for t in last if graph.tensors[t].is_variable))
        for tensor in self.states:
            first[tensor], last[tensor] = -1, len(calls)
        self.first, self.last = first, last

    def tensor(self, index: int) -> Tensor:
        """A tensor of the graph."""
        return self.graph.tensors[index]

    def donor(self, tensor: int, in_place: tuple[int, ...] | None = None) -> int | None:
        """The input whose buffer the call that computes `tensor` may write its result to, if there is one.

        Args:
            tensor: one that has a place of its own.
            in_place: the positions among the call's inputs that may give theirs; None takes the call's own.
        """
        step = self.first[tensor]
        if step < 0 or self.calls[step].outputs != (tensor,):
            return None
        call = self.calls[step]
        for position in call.in_place if in_place is None else in_place:
            source = call.inputs[position]
            if (
                isinstance(source, int)
                and self.last[source] == step
                and self.tensor(source).nbytes == self.tensor(tensor).nbytes
            ):
                return source
        return None

    def alive(self, step: int, in_place: tuple[int, ...]) -> int:
        """Bytes of the tensors that call `step` leaves or needs, if it may write to its inputs at `in_place`."""
        total = sum(self.tensor(t).nbytes for t in self.first if self.first[t] <= step <= self.last[t])
        shared = sum(self.tensor(t).nbytes for t in self.calls[step].outputs if self.donor(t, in_place) is not None)
        return total - shared


class Layout:
    """Offsets. Aliases lie where their source lies; an output may take over a dying input's buffer; a variable's bytes
    are never used for anything else."""

    def __init__(self, lifetimes: Lifetimes) -> None:
        """The smaller of two plans, with and without outputs in their inputs' places."""
        self._lifetimes = lifetimes
        calls, roots, first = lifetimes.calls, lifetimes.roots, lifetimes.first
        plans = [self._plan(in_place=False)]
        if any(call.in_place for call in calls):
            plans.append(self._plan(in_place=True))
        smallest = min(plans, key=lambda p: p[0].size)
        plan, group_of = smallest
        # Tensors that lie where an input of their call lay.
        self.in_place = tuple(t for t in first if smallest is not plans[0] and lifetimes.donor(t) is not None)
        self.bound = plan.bound
        self.arena_bytes = max(plan.size, 1)
        self.placements = {
            tensor: self._placement(tensor, plan.offsets[group_of[root_of(tensor, roots)]])
            for tensor in sorted({*first, *roots})
            if root_of(tensor, roots) in first
        }
        scratches = [i for i, c in enumerate(calls) if c.scratch_bytes]
        offsets = plan.offsets[len(plan.offsets) - len(scratches) :]
        self.scratch = {
            i: Placement(name=f"{calls[i].label} (scratch)", offset=o, nbytes=calls[i].scratch_bytes, first=i, last=i)
            for i, o in zip(scratches, offsets, strict=True)
        }

    def _plan(self, *, in_place: bool) -> tuple[planner.Plan, dict[int, int]]:
        """A plan, and which of its buffers each tensor lives in. Scratch buffers are the last ones."""
        lives = self._lifetimes
        group_of: dict[int, int] = {}
        members: list[list[int]] = []
        for tensor in sorted(lives.first, key=lambda t: (lives.first[t], t)):
            donor = lives.donor(tensor) if in_place else None
            if donor is None:
                group_of[tensor] = len(members)
                members.append([tensor])
            else:
                group_of[tensor] = group_of[donor]
                members[group_of[donor]].append(tensor)
        buffers = [
            planner.Buffer(
                nbytes=lives.tensor(group[0]).nbytes,
                first=min(lives.first[t] for t in group),
                last=max(lives.last[t] for t in group),
            )
            for group in members
        ]
        buffers += [
            planner.Buffer(nbytes=c.scratch_bytes, first=i, last=i)
            for i, c in enumerate(lives.calls)
            if c.scratch_bytes
        ]
        return planner.plan(buffers), group_of

    def _placement(self, tensor: int, offset: int) -> Placement:
        lives = self._lifetimes
        root = root_of(tensor, lives.roots)
        t = lives.tensor(tensor)
        return Placement(name=t.name, offset=offset, nbytes=t.nbytes, first=lives.first[root], last=lives.last[root])
