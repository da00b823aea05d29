"""Resource variables: a handle becomes the variable that it refers to, with its type, shape and first value.

The .tflite names variables: VAR_HANDLE makes a handle of a name, READ_VARIABLE and ASSIGN_VARIABLE take it, and
CALL_ONCE runs a subgraph that assigns the first values. In a Graph, a variable is a tensor, an op that changes it has
it among its outputs, and the subgraph is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from edgeq.model.graph import Op, Tensor

Body = tuple[tuple[Tensor, ...], tuple[Op, ...]]

# Ops that have no output in the file; in a Graph they have the variables that they write.
WITHOUT_OUTPUT = ("ASSIGN_VARIABLE", "CALL_ONCE")


class VariableError(Exception):
    """What is wrong with a model's variables, for the message of a ModelError."""


def with_variables(tensors: tuple[Tensor, ...], ops: tuple[Op, ...], initial: Mapping[int, Body]) -> Body:
    """The main subgraph with its variables.

    Args:
        tensors: of the main subgraph.
        ops: its ops.
        initial: the subgraphs that CALL_ONCE runs, by index.

    Raises:
        VariableError: a variable that nothing reads or writes, of several types or sizes, or whose first value is not
            a constant.
    """
    names = {op.outputs[0]: _name(op) for op in ops if op.name == "VAR_HANDLE"}
    first: dict[str, int] = {}
    same = {tensor: first.setdefault(name, tensor) for tensor, name in names.items()}
    moved = [_with_handles(op, same) for op in ops]
    values = {index: dict(_assigned(*body)) for index, body in initial.items()}
    found: dict[int, Tensor] = {}
    for op in moved:
        for handle, value in _uses(op):
            if handle not in names:
                raise VariableError(f"op {op.index} {op.name} has an input that is no variable")
            found[handle] = _merged(op, found.get(handle), tensors[value], names[handle])
    used = False
    for i, op in enumerate(moved):
        used = used or any(True for _ in _uses(op))
        if op.name != "CALL_ONCE":
            continue
        if used:
            raise VariableError(f"op {op.index} CALL_ONCE comes behind an op that uses a variable")
        given = values[int(op.options["init_subgraph_index"])]  # type: ignore[arg-type] # an integer in the schema
        written = []
        for name, constant in given.items():
            if name not in first:
                continue
            handle = first[name]
            found[handle] = replace(_merged(op, found.get(handle), constant, name), initial=constant.data)
            written.append(handle)
        if not written:
            raise VariableError(f"op {op.index} CALL_ONCE sets no variable that the model has")
        moved[i] = replace(op, outputs=tuple(written))
    changed = tuple(_variable(tensor, found[tensor.index]) if tensor.index in found else tensor for tensor in tensors)
    return changed, tuple(moved)


def _name(op: Op) -> str:
    return f"{op.options.get('container', '')}/{op.options.get('shared_name', '')}"


def _with_handles(op: Op, same: Mapping[int, int]) -> Op:
    inputs = tuple(same.get(i, i) for i in op.inputs)
    outputs = tuple(same.get(i, i) for i in op.outputs)
    if op.name == "ASSIGN_VARIABLE":
        if len(inputs) != 2 or min(inputs) < 0:
            raise VariableError(f"op {op.index} ASSIGN_VARIABLE has {len(inputs)} inputs")
        outputs = inputs[:1]
    return replace(op, inputs=inputs, outputs=outputs)


def _uses(op: Op) -> Iterator[tuple[int, int]]:
    """(variable, tensor of its type) that an op reads or writes."""
    if op.name == "ASSIGN_VARIABLE":
        yield op.inputs[0], op.inputs[1]
    if op.name == "READ_VARIABLE":
        if len(op.inputs) != 1 or len(op.outputs) != 1:
            raise VariableError(f"op {op.index} READ_VARIABLE has {len(op.inputs)} inputs")
        yield op.inputs[0], op.outputs[0]


def _merged(op: Op, known: Tensor | None, value: Tensor, name: str) -> Tensor:
    if known is None:
        return value
    if (known.dtype, known.elements) != (value.dtype, value.elements):
        raise VariableError(
            f"op {op.index} {op.name} takes variable {name!r} for {value.dtype.value} {value.shape}, "
            f"another op for {known.dtype.value} {known.shape}"
        )
    return known


def _variable(handle: Tensor, value: Tensor) -> Tensor:
    return replace(
        handle,
        shape=value.shape,
        dtype=value.dtype,
        quantization=value.quantization,
        initial=value.initial,
        is_variable=True,
    )


def _assigned(tensors: Sequence[Tensor], ops: Sequence[Op]) -> Iterator[tuple[str, Tensor]]:
    """(name, constant) of all assignments of a subgraph that does nothing else."""
    names = {op.outputs[0]: _name(op) for op in ops if op.name == "VAR_HANDLE"}
    for op in ops:
        if op.name == "VAR_HANDLE":
            continue
        handle, value = op.inputs if len(op.inputs) == 2 else (-1, -1)
        if op.name != "ASSIGN_VARIABLE" or handle not in names or value < 0 or tensors[value].data is None:
            raise VariableError(f"the first values of its variables are computed, by {op.name}, and not constants")
        yield names[handle], tensors[value]
