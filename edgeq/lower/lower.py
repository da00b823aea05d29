"""Graph to Program: ops become kernel calls, reshapes disappear, and every value gets its place in the arena."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgeq.errors import ModelError, UnsupportedError
from edgeq.lower.choose import Limits, choose, flash_of
from edgeq.lower.dsp.candidate import Candidate
from edgeq.lower.estimate import cycles_of
from edgeq.lower.layout import Layout, Lifetimes, root_of
from edgeq.lower.names import Pass
from edgeq.lower.ops import LOWER
from edgeq.lower.ops.common import operand
from edgeq.lower.passes.run import allowed, in_choice, on_calls, on_graph
from edgeq.lower.program import Alias, Constant, KernelCall, Lowering, Program, State, Vanished, constants_of
from edgeq.lower.select import candidates
from edgeq.lower.trades import Lowered, best
from edgeq.model.graph import DType, Graph, Op, Tensor
from edgeq.records import Optimize

# The arena's start; each buffer in it is aligned to planner.BUFFER_ALIGN.
ARENA_ALIGN = 16

_VALUE_TYPES = (DType.INT8, DType.INT16, DType.INT32, DType.FLOAT32)


def lower(
    graph: Graph,
    *,
    features: frozenset[str] = frozenset(),
    optimize: Optimize = Optimize.BALANCED,
    limits: Limits | None = None,
    passes: Collection[Pass] | None = None,
    table: Mapping[str, Lowering] | None = None,
) -> Program:
    """The program that computes a model. The same arguments give the same program.

    Args:
        graph: a model that passed verification: full-integer, every shape fixed.
        features: what the core has, as in board.toml ("dsp"); none takes kernels that run everywhere.
        optimize: what the choice of kernels prefers.
        limits: what constants and arena should fit, as far as other kernels can make them; None: anything.
        passes: those (`edgeq.lower.passes`) that run; None takes all.
            One that trades flash for cycles (`edgeq.lower.trades`) is left out where the program is better without it.
        table: for each op name, what makes a kernel call or an alias of it; None takes edgeq's own.

    Raises:
        UnsupportedError: an op or attribute that the aot engine does not have, or an output that no op computes.
        ModelError: an input or output that cannot be one.
    """
    _check_edges(graph)
    wanted = frozenset(Pass if passes is None else passes)
    limits = limits or Limits()

    def with_passes(names: frozenset[Pass]) -> Lowered:
        return _lowered(graph, names, features=features, optimize=optimize, limits=limits, table=table or LOWER)

    return best(with_passes(wanted), lambda name: with_passes(wanted - {name}), optimize=optimize, limits=limits)


def _lowered(
    graph: Graph,
    wanted: frozenset[Pass],
    *,
    features: frozenset[str],
    optimize: Optimize,
    limits: Limits,
    table: Mapping[str, Lowering],
) -> Lowered:
    """With all passes that are wanted."""
    passed = on_graph(graph, wanted)
    model, graph = graph, passed.graph
    live, needed = _live_ops(graph)
    lowered = [part for op in live for part in _lower_op(graph, op, table, needed)]
    made = on_calls(graph, [_with_operands(graph, part, passed.read) for part in lowered], wanted)
    _check_outputs(graph, made.roots)
    options = [allowed(c, candidates(c, features), wanted) for c in made.calls]
    lifetimes = Lifetimes(graph, made.calls, made.roots)
    alive = [_alive(lifetimes, i, found) for i, found in enumerate(options)]
    tensors = max((lifetimes.alive(i, ()) for i in range(len(made.calls))), default=0)
    chosen = choose(options, alive, tensors=tensors, optimize=optimize, limits=limits)
    calls = tuple(passed.told(c.call) for c in chosen)
    lifetimes = Lifetimes(graph, calls, made.roots)
    layout = Layout(lifetimes)
    states = tuple(_state(graph.tensors[i]) for i in lifetimes.states)
    initial = (s.initial for s in states if s.initial is not None)
    constants = _by_name((*(c for call in calls for c in constants_of(call)), *initial))
    aliases = [part for part in lowered if isinstance(part, Alias) and part.output in made.roots]
    saved = (*passed.saved, *made.saved, *in_choice(list(zip(made.calls, calls, strict=True)), layout, wanted))
    cycles = cycles_of(graph, chosen, features)
    program = Program(
        calls=calls,
        inputs=graph.input_tensors,
        outputs=graph.output_tensors,
        placements=layout.placements,
        states=states,
        scratch=layout.scratch,
        arena_bytes=layout.arena_bytes,
        arena_align=ARENA_ALIGN,
        flash_bytes=flash_of(chosen),
        liveness_bound=layout.bound,
        vanished=tuple(_vanished(model, calls, aliases, _live_ops(model)[1])),
        model_sha256=graph.sha256,
        macs=sum(c.macs for c in calls),
        constants=tuple(constants[name] for name in sorted(constants)),
        cycles=cycles,
        saved=saved,
    )
    return Lowered(program=program, cycles=sum(c.cycles for c in chosen) if cycles is None else cycles)


def _alive(lifetimes: Lifetimes, step: int, found: Sequence[Candidate]) -> list[int]:
    """Of each candidate; they differ in few places."""
    by_place = {place: lifetimes.alive(step, place) for place in {c.call.in_place for c in found}}
    return [by_place[c.call.in_place] for c in found]


def _check_edges(graph: Graph) -> None:
    if not graph.inputs or not graph.outputs:
        raise ModelError(
            f"The model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs.",
            hint="Export it with at least one of each.",
        )
    for tensor in (*graph.input_tensors, *graph.output_tensors):
        if tensor.dtype not in _VALUE_TYPES:
            raise UnsupportedError(
                f'"{tensor.name}", an input or output of the model, is {tensor.dtype.value}.',
                hint="Quantize the model full-integer, with int8 inputs and outputs.",
            )
        if tensor.elements < 1:
            raise ModelError(f'"{tensor.name}", an input or output of the model, is empty: shape {tensor.shape}.')


def _live_ops(graph: Graph) -> tuple[list[Op], set[int]]:
    """The ops that some output depends on, in the model's order, and all tensors that it depends on."""
    needed = set(graph.outputs)
    while True:  # what an op writes into a variable, an op before it reads in the next inference
        live, known = [], len(needed)
        for op in reversed(graph.ops):
            if needed & set(op.outputs):
                live.append(op)
                needed |= set(op.inputs)
        if len(needed) == known:
            return live[::-1], needed


def _lower_op(graph: Graph, op: Op, table: Mapping[str, Lowering], needed: set[int]) -> tuple[KernelCall | Alias, ...]:
    """The op's calls whose outputs something needs."""
    names = ", ".join(f'"{graph.tensors[i].name}"' for i in op.outputs)
    lowering = table.get(op.name)
    if lowering is None:
        raise UnsupportedError(
            f"The aot engine has no {op.name} (op {op.index}, output {names}).",
            hint=f"Replace it in the model. Supported operators: {', '.join(sorted(table))}.",
        )
    found = lowering(graph, op)
    parts = found if isinstance(found, tuple) else (found,)
    return tuple(
        part for part in parts if needed & set(part.outputs if isinstance(part, KernelCall) else (part.output,))
    )


def _with_operands(graph: Graph, part: KernelCall | Alias, read: Mapping[int, int]) -> KernelCall | Alias:
    """A call whose operands are constants where the graph has them as such; knows what is read of its output."""
    if isinstance(part, Alias):
        return part
    inputs = tuple(i if isinstance(i, Constant) else operand(graph, i) for i in part.inputs)
    return replace(part, inputs=inputs, channels_read=read.get(part.outputs[0]))


def _check_outputs(graph: Graph, roots: Mapping[int, int]) -> None:
    for index in graph.outputs:
        if graph.tensors[root_of(index, roots)].data is not None:
            raise UnsupportedError(
                f'The model\'s output "{graph.tensors[index].name}" is a constant: no input can change it.',
                hint="Remove that output from the model.",
            )


def _by_name(constants: Iterable[Constant]) -> dict[str, Constant]:
    """Each once; two of one name must be the same, or a kernel would read the other's values."""
    found: dict[str, Constant] = {}
    for constant in constants:
        first = found.setdefault(constant.name, constant)
        if first is not constant and not np.array_equal(first.data, constant.data):
            raise AssertionError(f'Two constants that differ are called "{constant.name}".')
    return found


def _state(tensor: Tensor) -> State:
    """A variable: what TFLite Micro resets it to, its zero point or 0, or what the model assigns first."""
    quantization = tensor.quantization if tensor.dtype is DType.INT8 else None
    return State(
        tensor=tensor.index,
        fill=quantization.zero_point if quantization is not None else 0,
        initial=None if tensor.initial is None else Constant(name=f"state_{tensor.index}", data=tensor.initial),
    )


def _vanished(
    graph: Graph, calls: tuple[KernelCall, ...], aliases: list[Alias], needed: set[int]
) -> Iterator[Vanished]:
    """Every op output that has no fingerprint, in the model's order, and why."""
    reasons = {a.output: a.reason for a in aliases}
    own = {tensor for call in calls if call.traced for tensor in call.outputs}
    other_form = {tensor: call.label for call in calls if not call.traced for tensor in call.outputs}
    fused = {i: call.label for call in calls for i in call.source_ops}
    for op in graph.ops:
        for tensor in op.outputs:
            if tensor in own or graph.tensors[tensor].is_variable:
                continue
            if tensor in reasons:
                reason = reasons[tensor]
            elif tensor in other_form:
                reason = f"computed in another form by {other_form[tensor]}"
            elif tensor not in needed:
                reason = "unused: no output of the model depends on it"
            elif op.index in fused:
                reason = f"fused into {fused[op.index]}"
            else:
                reason = "constant: computed before the program runs"
            yield Vanished(tensor=tensor, reason=reason)
