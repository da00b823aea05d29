"""What the templates see of a program: names and values, ready to be written down."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError
from edgeq.generate import signatures
from edgeq.generate.cformat import c_float, c_int, c_type
from edgeq.generate.names import op_number, op_symbol
from edgeq.lower.program import (
    Constant,
    Enumerator,
    KernelCall,
    Param,
    Placement,
    Program,
    constants_in,
    constants_of,
)
from edgeq.lower.trace import trace_points
from edgeq.model.graph import DType, Graph, Tensor

_DTYPES = {
    DType.INT8: "EDGEQ_DTYPE_INT8",
    DType.INT16: "EDGEQ_DTYPE_INT16",
    DType.INT32: "EDGEQ_DTYPE_INT32",
    DType.FLOAT32: "EDGEQ_DTYPE_FLOAT32",
}
_LONGEST_NAME = 56
_HELPERS = {DType.INT8: "int8", DType.INT16: "int16"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConstantView:
    """An array in flash. `name` is the program's, `symbol` the C array; `note` says what reads it."""

    name: str
    symbol: str
    c_type: str
    data: NDArray[np.generic]
    note: str

    @property
    def count(self) -> int:
        """Number of elements."""
        return int(self.data.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperandView:
    """A buffer in the arena (`offset`), or a constant (`symbol`). `c_type` is what the kernel's pointer points to."""

    offset: int | None
    symbol: str | None
    c_type: str

    @property
    def place(self) -> str:
        """The macro of the generated code for a pointer into the arena."""
        return place_macro(self.c_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceView:
    """A trace point after a call."""

    point: int
    offset: int
    nbytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """One kernel call. `params` are (field, C literal) pairs; `title` is its layer's name."""

    symbol: str
    number: str
    kernel: str
    title: str
    params_type: str | None
    params: tuple[tuple[str, str], ...]
    inputs: tuple[OperandView, ...]
    array_inputs: bool
    outputs: tuple[OperandView, ...]
    scratch: OperandView | None
    traces: tuple[TraceView, ...]
    source: str
    shapes: str
    macs: int
    weight_bytes: int
    offsets: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateView:
    """A variable in the arena: `symbol` is the array that it begins with; None: bytes of `fill`."""

    name: str
    offset: int
    nbytes: int
    fill: int
    symbol: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueView:
    """One input or output of the model. `suffix` and `macro` tell several apart ("_1", "INPUT_1")."""

    kind: str
    suffix: str
    macro: str
    index: int
    name: str
    c_type: str
    dtype: str
    helper: str | None
    offset: int
    nbytes: int
    elements: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    @property
    def place(self) -> str:
        """The macro of the generated code for a pointer into the arena."""
        return place_macro(self.c_type)


def place_macro(c_type: str) -> str:
    """What a macro for pointers of a type is called, behind the model's prefix: "int8_t" -> "int8"."""
    return "at" if c_type == "void" else c_type.removesuffix("_t")


def constant_views(program: Program, graph: Graph, prefix: str) -> tuple[ConstantView, ...]:
    """Every constant once, in the order of the program's first use, named after its part there: `kws_weights_03`."""
    views: dict[str, ConstantView] = {}
    taken: set[str] = set()
    for i, call in enumerate(program.calls):
        number = op_number(i, len(program.calls))
        for role, constant in _roles(call):
            if constant.name in views:
                continue
            symbol, copies = f"{prefix}_{role}_{number}", 1
            while symbol in taken:
                copies += 1
                symbol = f"{prefix}_{role}{copies}_{number}"
            taken.add(symbol)
            views[constant.name] = ConstantView(
                name=constant.name,
                symbol=symbol,
                c_type=c_type(constant.data.dtype),
                data=constant.data,
                note=f"{_shape(constant.data.shape)}, of {layer_name(graph, call)}",
            )
    for state in program.states:
        if state.initial is not None:
            data, tensor = state.initial.data, graph.tensors[state.tensor]
            views[state.initial.name] = ConstantView(
                name=state.initial.name,
                symbol=f"{prefix}_{state.initial.name}",
                c_type=c_type(data.dtype),
                data=data,
                note=f"{_shape(data.shape)}, what {tensor.name} begins with",
            )
    return tuple(views.values())


def state_views(program: Program, graph: Graph, constants: Sequence[ConstantView]) -> tuple[StateView, ...]:
    """The variables, in the order of their tensors."""
    symbols = {c.name: c.symbol for c in constants}
    return tuple(
        StateView(
            name=graph.tensors[state.tensor].name,
            offset=program.placements[state.tensor].offset,
            nbytes=program.placements[state.tensor].nbytes,
            fill=state.fill,
            symbol=None if state.initial is None else symbols[state.initial.name],
        )
        for state in program.states
    )


def _roles(call: KernelCall) -> Iterator[tuple[str, Constant]]:
    """The constants of a call and what they are to it: the parameter's name; operands are weights."""
    yield from (("weights", operand) for operand in call.inputs if isinstance(operand, Constant))
    for field, value in call.params.items():
        # The generated code has arrays of its own under these names.
        role = f"{field}_data" if field in {"params", "inputs"} else field
        yield from ((role, constant) for constant in constants_in((value,)))


def layer_name(graph: Graph, call: KernelCall) -> str:
    """A call's layer for comments: the first output's name, of which converters join those of all fused layers."""
    first = graph.tensors[call.outputs[0]].name.split(";", maxsplit=1)[0]
    return first if len(first) <= _LONGEST_NAME else "..." + first[-_LONGEST_NAME + 3 :]


def call_views(program: Program, graph: Graph, prefix: str, constants: Sequence[ConstantView]) -> tuple[CallView, ...]:
    """Every kernel call; `constants` gives the names of the arrays that they read."""
    points = trace_points(program)
    symbols = {c.name: c.symbol for c in constants}

    def operand(value: int | Constant, c_type: str) -> OperandView:
        if isinstance(value, Constant):
            return OperandView(offset=None, symbol=symbols[value.name], c_type=c_type)
        return OperandView(offset=program.placements[value].offset, symbol=None, c_type=c_type)

    views, names = [], {op.index: op.name for op in graph.ops}
    for i, call in enumerate(program.calls):
        symbol = op_symbol(prefix, i, len(program.calls), call.kernel)
        read = {c.name: c.data.nbytes for c in constants_of(call)}
        scratch = program.scratch.get(i)
        types = signatures.operand_types(call.kernel, has_params=call.params_type is not None)
        if call.array_inputs:
            types = (types[0],) * len(call.inputs) + types[1:]
        views.append(
            CallView(
                symbol=symbol,
                number=op_number(i, len(program.calls)),
                kernel=call.kernel,
                title=layer_name(graph, call),
                params_type=call.params_type,
                params=_params(call, symbols),
                inputs=tuple(map(operand, call.inputs, types)),
                array_inputs=call.array_inputs,
                outputs=tuple(map(operand, call.outputs, types[len(call.inputs) :])),
                scratch=None if scratch is None else OperandView(offset=scratch.offset, symbol=None, c_type=types[-1]),
                traces=tuple(
                    TraceView(point=p.point, offset=place.offset, nbytes=place.nbytes)
                    for p, place in ((p, program.placements[p.tensor]) for p in points if p.call == i)
                ),
                source=" + ".join(f"op {op} {names[op]}" for op in call.source_ops),
                shapes=_shapes(graph, call),
                macs=call.macs,
                weight_bytes=sum(read.values()),
                offsets=_offsets(program.placements, call, scratch),
            )
        )
    return tuple(views)


def _params(call: KernelCall, symbols: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(field, C literal) in the order of the struct; every field has a value.

    Raises:
        KeyError: lowering gave none to a field.
    """
    if call.params_type is None:
        return ()
    return tuple((name, param_literal(call.params[name], symbols)) for name in signatures.fields(call.params_type))


def value_views(program: Program, tensors: Sequence[Tensor], kind: str) -> tuple[ValueView, ...]:
    """The model's inputs or outputs; `kind` is "input" or "output". An interpreter places them itself: offset 0."""
    views = []
    for i, tensor in enumerate(tensors):
        quantization = tensor.quantization if tensor.dtype is not DType.FLOAT32 else None
        per_tensor = quantization if quantization is not None and not quantization.per_channel else None
        suffix = f"_{i}" if len(tensors) > 1 else ""
        views.append(
            ValueView(
                kind=kind,
                suffix=suffix,
                macro=(kind + suffix).upper(),
                index=i,
                name=tensor.name,
                c_type=c_type(tensor.dtype.value),
                dtype=_DTYPES[tensor.dtype],
                helper=_HELPERS.get(tensor.dtype) if per_tensor else None,
                offset=program.placements[tensor.index].offset if tensor.index in program.placements else 0,
                nbytes=tensor.nbytes,
                elements=tensor.elements,
                shape=tensor.shape,
                scale=per_tensor.scale if per_tensor else 0.0,
                zero_point=per_tensor.zero_point if per_tensor else 0,
            )
        )
    return tuple(views)


def places(calls: Sequence[CallView], values: Sequence[ValueView]) -> tuple[tuple[str, str], ...]:
    """(macro, C type) of every typed pointer into the arena that the generated code takes, sorted."""
    operands = (o for c in calls for o in (*c.inputs, *c.outputs, *((c.scratch,) if c.scratch else ())))
    types = {o.c_type for o in operands if o.offset is not None} | {v.c_type for v in values}
    return tuple(sorted((place_macro(t), t) for t in types - {"void"}))


def param_literal(value: Param, symbols: Mapping[str, str]) -> str:
    """A kernel's parameter as a C initializer; `symbols` has the C name of every constant.

    Raises:
        TypeError: not a value that a parameter can have.
    """
    match value:
        case None:
            return "0"
        case Constant():
            return symbols[value.name]
        case Enumerator():
            return value.name
        case bool():
            return str(int(value))
        case float():
            return c_float(value)
        case int():
            return c_int(value)
        case tuple():
            return "{" + ", ".join(param_literal(v, symbols) for v in value) + "}"
    if isinstance(value, np.integer):
        return c_int(int(value))
    if isinstance(value, np.floating):
        return c_float(float(value))
    raise TypeError(f"no C literal for {value!r}")


def golden_arrays(values: Sequence[NDArray[np.generic]], tensors: Sequence[Tensor]) -> tuple[NDArray[np.generic], ...]:
    """One sample's values, flat, checked against the model's tensors.

    Raises:
        DataError: another number of arrays, another type or size.
    """
    if len(values) != len(tensors):
        raise DataError(f"{len(values)} golden arrays for {len(tensors)} tensors of the model.")
    for array, tensor in zip(values, tensors, strict=True):
        if array.dtype != np.dtype(tensor.dtype.value) or array.size != tensor.elements:
            raise DataError(
                f'The golden values of "{tensor.name}" are {array.size} {array.dtype}; the model has '
                f"{tensor.elements} {tensor.dtype.value}."
            )
    return tuple(np.ascontiguousarray(a).reshape(-1) for a in values)


def output_crc(outputs: Sequence[NDArray[np.generic]]) -> int:
    """CRC-32 of all outputs, one behind the other, little-endian."""
    crc = 0
    for array in outputs:
        crc = zlib.crc32(array.astype(array.dtype.newbyteorder("<")).tobytes(), crc)
    return crc


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _shapes(graph: Graph, call: KernelCall) -> str:
    sources = [_shape(graph.tensors[v].shape) for v in call.inputs if isinstance(v, int)]
    targets = [_shape(graph.tensors[v].shape) for v in call.outputs]
    return f"{', '.join(sources)} -> {', '.join(targets)}"


def _offsets(placements: Mapping[int, Placement], call: KernelCall, scratch: Placement | None) -> str:
    sources = [str(placements[v].offset) for v in call.inputs if isinstance(v, int)]
    targets = [str(placements[v].offset) for v in call.outputs]
    extra = f" ({scratch.nbytes} scratch at {scratch.offset})" if scratch else ""
    return f"{', '.join(sources)} -> {', '.join(targets)}{extra}"
