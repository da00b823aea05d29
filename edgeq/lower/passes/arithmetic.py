"""Operators of two inputs that unary ops made of one value, or of it and itself, are one table of that value.

That is what activations are that a converter writes as several ops: x · sigmoid(x), x · relu6(x + 3) / 6, max(x, a·x).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.passes.record import Stepped, Steps, counted
from edgeq.lower.passes.scalars import ALL, table_call, takes_two
from edgeq.lower.passes.tables import TABLE, table_of
from edgeq.lower.program import Alias, KernelCall, Operand

_Tables = dict[int, KernelCall]  # the call of the table that gives a tensor


def fuse_arithmetic(steps: Steps) -> Stepped:
    """Such operators as tables; the tables that only they read are gone."""
    tables: _Tables = {}
    parts: list[KernelCall | Alias] = []
    between: dict[int, int] = {}  # of a tensor that an operator no longer needs: the operator's
    for part in steps.parts:
        made = part
        if isinstance(part, KernelCall):
            made = _of_one_value(part, tables) or part
            if made is not part:
                needed = (t for operand in part.inputs for t, _ in _made_of(operand, tables))
                between |= dict.fromkeys(needed, part.outputs[0])
            if made.kernel == TABLE and not _changes(steps, made):
                tables[made.outputs[0]] = made
        parts.append(made)
    count = sum(a is not b for a, b in zip(parts, steps.parts, strict=True))
    words = f"{counted(count, 'operator')} on one value and functions of it as a table" if count else ""
    return Stepped(steps=_without_unread(replace(steps, parts=tuple(parts)), between), count=count, saved=words)


def _of_one_value(call: KernelCall, tables: _Tables) -> KernelCall | None:
    """The call as a table of the nearest value that both its inputs are made of; None if there is none."""
    if not takes_two(call):
        return None
    for (a, first), (b, second) in product(*(tuple(_made_of(operand, tables)) for operand in call.inputs)):
        if a == b:
            return table_call(call, a, first, second)
    return None


def _made_of(operand: Operand, tables: _Tables) -> Iterator[tuple[int, NDArray[np.int8]]]:
    """The operand itself and, one after the other, what it was looked up from, each with (256,) the operand's value
    where that value, as uint8, is the index."""
    if not isinstance(operand, int):
        return
    values, at = ALL, operand
    yield at, values
    while at in tables:
        source = tables[at].inputs[0]
        if not isinstance(source, int):
            return
        values, at = values[table_of(tables[at]).data.view(np.uint8)], source
        yield at, values


def _changes(steps: Steps, call: KernelCall) -> bool:
    """Whether a variable is read or written: later it may hold something else."""
    return any(steps.graph.tensors[t].is_variable for t in (*call.inputs, *call.outputs) if isinstance(t, int))


def _without_unread(steps: Steps, between: Mapping[int, int]) -> Steps:
    """The steps without the tables of tensors `between` that nothing reads; operators take over their ops."""
    readers = steps.readers()
    gone: set[int] = set()
    for part in reversed(steps.parts):
        if isinstance(part, KernelCall) and part.outputs[0] in between and not readers.get(part.outputs[0]):
            gone.add(part.outputs[0])
            for tensor in part.inputs:
                if isinstance(tensor, int):
                    readers[tensor] -= 1
    parts: list[KernelCall | Alias] = []
    computed: dict[int, tuple[int, ...]] = {}  # by an operator's tensor, ops of tables that are gone
    for part in steps.parts:
        if not isinstance(part, KernelCall):
            parts.append(part)
            continue
        ops = (*part.source_ops, *computed.get(part.outputs[0], ()))
        if part.outputs[0] in gone:
            into = between[part.outputs[0]]
            computed[into] = (*computed.get(into, ()), *ops)
        else:
            parts.append(replace(part, source_ops=ops))
    return replace(steps, parts=tuple(parts))
