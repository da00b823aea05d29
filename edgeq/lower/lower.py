"""Graph to Program: ops become kernel calls, reshapes disappear, and every value gets its place in the arena."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from edgeq.errors import ModelError, UnsupportedError
from edgeq.lower.choose import Limits, choose, flash_of
from edgeq.lower.layout import Layout, Lifetimes, root_of
from edgeq.lower.names import Pass
from edgeq.lower.program import Alias, Constant, KernelCall, Lowering, Operand, Program, State, Vanished, constants_of
from edgeq.lower.select import candidates
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
        passes: those (`edgeq.lower.passes`) that run on the graph first; None takes all.
        table: for each op name, what makes a kernel call or an alias of it; None takes edgeq's own.

    Raises:
        UnsupportedError: an op or attribute that the aot engine does not have, or an output that no op computes.
        ModelError: an input or output that cannot be one.
    """
    if table is None:
        from edgeq.lower.ops import LOWER

        table = LOWER
    _check_edges(graph)
    model = graph
    passed = _run_passes(graph, passes)
    graph = passed.graph
    live, needed = _live_ops(graph)
    graph = _fold_constant_aliases(graph, live, table)
    lowered = [part for op in live if not _is_folded(graph, op) for part in _lower_op(graph, op, table, needed)]
    roots = {a.output: a.input for a in lowered if isinstance(a, Alias)}
    portable = [_with_roots(graph, c, roots, passed.read) for c in lowered if isinstance(c, KernelCall)]
    _check_outputs(graph, roots)
    options = [candidates(c, features) for c in portable]
    lifetimes = Lifetimes(graph, tuple(portable), roots)
    alive = [[lifetimes.alive(i, c.call.in_place) for c in found] for i, found in enumerate(options)]
    tensors = max((lifetimes.alive(i, ()) for i in range(len(portable))), default=0)
    chosen = choose(options, alive, tensors=tensors, optimize=optimize, limits=limits or Limits())
    calls = tuple(_with_passes(c.call, passed) for c in chosen)
    lifetimes = Lifetimes(graph, calls, roots)
    layout = Layout(lifetimes)
    states = tuple(_state(graph.tensors[i]) for i in lifetimes.states)
    constants = {c.name: c for call in calls for c in constants_of(call)}
    constants |= {s.initial.name: s.initial for s in states if s.initial is not None}
    return Program(
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
        vanished=tuple(_vanished(model, calls, [a for a in lowered if isinstance(a, Alias)], needed)),
        model_sha256=graph.sha256,
        macs=sum(c.macs for c in calls),
        constants=tuple(constants[name] for name in sorted(constants)),
        saved=passed.saved,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Passes:
    """What all passes together did: the graph, tensors that changed, ops that others compute, words for reports, and
    how many channels are read where not all are."""

    graph: Graph
    changed: frozenset[int]
    merged: Mapping[int, int]
    saved: Mapping[str, str]
    read: Mapping[int, int]


def _run_passes(graph: Graph, names: Collection[Pass] | None) -> _Passes:
    from edgeq.lower.passes import PASSES

    changed: frozenset[int] = frozenset()
    merged: dict[int, int] = {}
    saved: dict[str, str] = {}
    read: dict[int, int] = {}
    for name, run in PASSES.items():
        if names is None or name in names:
            found = run(graph)
            graph, changed = found.graph, changed | found.changed
            merged |= found.merged
            read |= found.read
            saved |= {name.value: found.saved} if found.saved else {}
    return _Passes(graph=graph, changed=changed, merged=merged, saved=saved, read=read)


def _with_passes(call: KernelCall, passed: _Passes) -> KernelCall:
    """The call, with the ops that passes merged into it; not traced if its output has lost channels."""
    merged = tuple(sorted(op for op, into in passed.merged.items() if into in call.source_ops))
    traced = call.traced and not passed.changed & set(call.outputs)
    return replace(call, source_ops=(*call.source_ops, *merged), traced=traced)


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
    if any(isinstance(part, KernelCall) and not _reads_values(graph, part) for part in parts):
        raise UnsupportedError(
            f"{op.name} (op {op.index}, output {names}) has nothing but constants as its input.",
            hint="Compute it before the conversion, so that the model holds its result instead.",
        )
    return tuple(
        part for part in parts if needed & set(part.outputs if isinstance(part, KernelCall) else (part.output,))
    )


def _reads_values(graph: Graph, call: KernelCall) -> bool:
    return any(isinstance(i, int) and graph.tensors[i].data is None for i in call.inputs)


def _is_folded(graph: Graph, op: Op) -> bool:
    return all(graph.tensors[i].data is not None for i in op.outputs)


def _fold_constant_aliases(graph: Graph, ops: list[Op], table: Mapping[str, Lowering]) -> Graph:
    """A reshape of a constant is that constant in another shape, exactly."""
    for op in ops:
        data_inputs = [graph.tensors[i] for i in op.inputs if i >= 0]
        if not data_inputs or any(t.data is None for t in data_inputs):
            continue
        for alias in _lower_op(graph, op, table, set(op.outputs)):
            data = graph.tensors[alias.input].data if isinstance(alias, Alias) else None
            if not isinstance(alias, Alias) or data is None:
                continue
            target = graph.tensors[alias.output]
            folded = replace(target, data=data.reshape(target.shape))
            graph = replace(graph, tensors=tuple(folded if t is target else t for t in graph.tensors))
    return graph


def _with_roots(graph: Graph, call: KernelCall, roots: Mapping[int, int], read: Mapping[int, int]) -> KernelCall:
    """Reads through aliases, so that operands are tensors that have a place of their own; knows what is read of it."""

    def through(operand: Operand) -> Operand:
        if isinstance(operand, Constant):
            return operand
        root = root_of(operand, roots)
        data = graph.tensors[root].data
        return root if data is None else Constant(name=f"tensor_{root}", data=data)

    return replace(call, inputs=tuple(through(i) for i in call.inputs), channels_read=read.get(call.outputs[0]))


def _check_outputs(graph: Graph, roots: Mapping[int, int]) -> None:
    for index in graph.outputs:
        if graph.tensors[root_of(index, roots)].data is not None:
            raise UnsupportedError(
                f'The model\'s output "{graph.tensors[index].name}" is a constant: no input can change it.',
                hint="Remove that output from the model.",
            )


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
