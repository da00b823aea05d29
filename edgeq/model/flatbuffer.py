"""Parses a .tflite into a Graph, without TensorFlow. Any bytes end in a Graph or a ModelError, in linear time.

Slots are the fields' numbers in the TFLite schema (tensorflow/compiler/mlir/lite/schema/schema.fbs).
"""

from __future__ import annotations

import hashlib
import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import ModelError
from edgeq.model.graph import DType, Graph, Op, Quantization, Tensor
from edgeq.model.naming import quoted, tensor_name
from edgeq.model.static_shapes import with_constant_shapes
from edgeq.model.tables import Bytes, Corrupt, Table
from edgeq.model.variables import WITHOUT_OUTPUT, Body, VariableError, with_variables

SCHEMA_VERSION = 3
_MAX_RANK = 8  # TFLM's kernels know at most 6 dimensions (RuntimeShape); 8 leaves room to say so later
_MAX_BYTES = 2**31 - 1
_LONGEST_CUSTOM_CODE = 100

_CONTROL_FLOW = {"IF", "WHILE", "CALL"}

# What the first bytes of files say that people pass by mistake.
_OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip archive, such as a Keras 3 .keras file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, such as a legacy .h5 model"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a Git LFS pointer, not the model itself"),
)


def parse_tflite(content: bytes, *, where: str = "the model") -> Graph:
    """The graph in a .tflite's bytes. Shapes that it computes although they never change are constants.

    Checked here: the file's layout, every index, that constants have the bytes their shapes ask for, that ops come
    after the ops that feed them. What the model computes, and whether it is full-integer, is for
    `edgeq.model.verify`.

    Args:
        content: the whole file. Constants of the graph are views of it.
        where: how messages name it ("model.tflite").

    Raises:
        ModelError: not a .tflite, damaged, or with parts that edgeq does not support (several subgraphs, control
            flow, sparse or blockwise tensors, element types such as int4 and string).
    """
    if not isinstance(content, bytes):
        content = bytes(content)
    if not content:
        raise ModelError(f"{where} is empty (0 bytes).", hint="Convert or copy the model again.")
    if content[4:8] != b"TFL3":
        known = next((name for magic, name in _OTHER_FORMATS if content.startswith(magic)), None)
        found = f"it looks like {known}" if known else 'bytes 4 to 7 are not the identifier "TFL3"'
        raise ModelError(f"{where} is not a .tflite model: {found}.", hint="Pass a TensorFlow Lite model (.tflite).")
    try:
        return _Parser(content).graph()
    except Corrupt as exc:
        raise ModelError(
            f"{where} is damaged: {exc}.", hint="Convert or copy the model again, and compare the sizes of the files."
        ) from exc
    except VariableError as exc:
        raise ModelError(f"{where} cannot be used: {exc}.", hint="Convert the model again.") from exc
    except _Refused as exc:
        raise ModelError(f"{where} cannot be used: {exc}.", hint=exc.fix) from exc


class _Refused(Exception):  # noqa: N818 (a private signal, translated at the edge)
    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.fix = fix


@cache
def _operators() -> dict[int, str]:
    from edgeq.model.options import names_of

    return names_of("BuiltinOperator")


@cache
def _types() -> dict[int, str]:
    from edgeq.model.options import names_of

    return names_of("TensorType")


class _Parser:
    """Reads one file; fields hold what later tables refer to by index."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        model = Bytes(content).root()
        version = model.integer(0, "I")
        if version != SCHEMA_VERSION:
            raise Corrupt(f"its schema version is {version}; .tflite files have version {SCHEMA_VERSION}")
        subgraphs = model.tables(2)
        if not subgraphs:
            raise Corrupt("it has no subgraph")
        self.codes = tuple(self._code(table) for table in model.tables(1))
        self.buffers = model.tables(4)
        self.subgraphs = subgraphs

    def graph(self) -> Graph:
        tensors, ops = self._body(0)
        once = {int(op.options["init_subgraph_index"]) for op in ops if op.name == "CALL_ONCE"}  # type: ignore[arg-type]
        if once != set(range(1, len(self.subgraphs))):
            raise _Refused(
                f"it has {len(self.subgraphs)} subgraphs, which means control flow (if, while, recurrent layers)",
                "edgeq runs straight-line models: unroll the loop (for Keras recurrent layers: unroll=True), or export "
                "one branch.",
            )
        tensors, ops = with_variables(tensors, ops, {i: self._body(i) for i in sorted(once)})
        main = self.subgraphs[0]
        inputs = self._indices(main.numbers(1, "int32"), len(tensors), "the model's inputs")
        outputs = self._indices(main.numbers(2, "int32"), len(tensors), "the model's outputs")
        if not ops:
            raise Corrupt("it has no operators")
        if not inputs or not outputs:
            raise Corrupt(f"it has {len(inputs)} inputs and {len(outputs)} outputs")
        _check_order(tensors, ops, inputs, outputs)
        return with_constant_shapes(
            Graph(
                tensors=tensors,
                ops=ops,
                inputs=inputs,
                outputs=outputs,
                sha256=hashlib.sha256(self.content).hexdigest(),
                size=len(self.content),
            )
        )

    def _body(self, subgraph: int) -> Body:
        """Tensors and ops of one subgraph."""
        tables = self.subgraphs[subgraph].tables(0)
        ops = tuple(self._op(i, table, len(tables)) for i, table in enumerate(self.subgraphs[subgraph].tables(3)))
        handles = {i for op in ops if op.name == "VAR_HANDLE" for i in op.outputs}
        return tuple(self._tensor(i, table, i in handles) for i, table in enumerate(tables)), ops

    @staticmethod
    def _code(table: Table) -> tuple[str, int]:
        """Name and version. Codes above 127 are in `builtin_code` only, older files have the deprecated field only."""
        number = max(table.integer(0, "b"), table.integer(3, "i"))
        name = _operators().get(number)
        if name is None:
            raise Corrupt(f"it uses operator number {number}, which the schema does not know")
        if name == "CUSTOM":
            name = "CUSTOM:" + table.text(1)[:_LONGEST_CUSTOM_CODE]
        return name, table.integer(2, "i", 1)

    def _tensor(self, index: int, table: Table, is_handle: bool) -> Tensor:
        name = table.text(3)
        label = f"tensor {index} {quoted(name)}"
        number = table.integer(1, "b")
        type_name = _types().get(number)
        if type_name is None:
            raise Corrupt(f"{label} has element type {number}, which the schema does not know")
        if is_handle and type_name == "RESOURCE":  # what it refers to is known later
            return Tensor(index=index, name=name, shape=(), dtype=DType.INT32, is_variable=True)
        if type_name not in DType.__members__:
            raise _Refused(
                f"{label} has element type {type_name}", "Convert the model as full-integer int8 (edgeq build does)."
            )
        if table.table(6) is not None:
            raise _Refused(f"{label} is stored sparsely", "Convert the model without sparsity.")
        if table.integer(10, "I"):
            raise _Refused(f"{label} is stored outside the file", "Convert the model into one .tflite file.")
        dtype = DType[type_name]
        shape = table.numbers(0, "int32")
        if len(shape) > _MAX_RANK:
            raise Corrupt(f"{label} has {len(shape)} dimensions")
        if any(size < 0 for size in shape) or math.prod(shape) * dtype.size > _MAX_BYTES:
            raise Corrupt(f"{label} has the impossible shape {shape}")
        signature = table.numbers(7, "int32")
        if signature and len(signature) != len(shape):
            raise Corrupt(f"{label} has {len(shape)} dimensions in its shape and {len(signature)} in its signature")
        return Tensor(
            index=index,
            name=name,
            shape=shape,
            dtype=dtype,
            quantization=_quantization(table.table(4), shape, label),
            data=self._data(table.integer(2, "I"), shape, dtype, label),
            is_variable=table.boolean(5),
            signature=signature if -1 in signature else (),
        )

    def _data(self, buffer: int, shape: tuple[int, ...], dtype: DType, label: str) -> NDArray[np.generic] | None:
        if buffer >= len(self.buffers):
            raise Corrupt(f"{label} uses buffer {buffer} of {len(self.buffers)}")
        table = self.buffers[buffer]
        if table.integer(1, "Q") > 1:  # 0 and 1: the bytes are in the vector
            raise _Refused(f"the values of {label} are stored behind the flatbuffer", "Models over 2 GB do not fit.")
        data = table.array(0, "uint8")
        if data is None or data.size == 0:
            return None
        expected = math.prod(shape) * dtype.size
        if data.size != expected:
            raise Corrupt(f"{label} of shape {shape} takes {expected} bytes, its buffer has {data.size}")
        values = data.view(np.dtype(dtype.value).newbyteorder("<")).reshape(shape)
        return values.view(np.dtype(dtype.value)) if np.little_endian else values.astype(dtype.value)

    @staticmethod
    def _indices(values: tuple[int, ...], count: int, label: str, *, optional: bool = False) -> tuple[int, ...]:
        for value in values:
            if value >= count or value < (-1 if optional else 0):
                raise Corrupt(f"{label} refer to tensor {value} of {count}")
        return values

    def _op(self, index: int, table: Table, tensor_count: int) -> Op:
        from edgeq.model.options import read_options

        code = table.integer(0, "I")
        if code >= len(self.codes):
            raise Corrupt(f"op {index} uses operator code {code} of {len(self.codes)}")
        name, version = self.codes[code]
        if name in _CONTROL_FLOW:
            raise _Refused(f"op {index} is {name}: control flow", "Export a model without branches and loops.")
        inputs = self._indices(table.numbers(1, "int32"), tensor_count, f"op {index} {name}: its inputs", optional=True)
        outputs = self._indices(table.numbers(2, "int32"), tensor_count, f"op {index} {name}: its outputs")
        if not outputs and name not in WITHOUT_OUTPUT:
            raise Corrupt(f"op {index} {name} has no output")
        kind = table.integer(3, "B")
        options = table.table(4) if kind else None
        found = read_options(self.content, name, kind, None if options is None else options.position)
        if name == "VAR_HANDLE" and options is not None:
            found |= {"container": options.text(0), "shared_name": options.text(1)}
        return Op(
            index=index,
            name=name,
            version=version,
            inputs=inputs,
            outputs=outputs,
            options=found,
        )


def _quantization(table: Table | None, shape: tuple[int, ...], label: str) -> Quantization | None:
    if table is None:
        return None
    if table.integer(4, "B"):
        raise _Refused(f"{label} is quantized by blocks", "Convert the model per channel or per tensor.")
    scales = table.floats(2)
    zero_points = table.numbers(3, "int64")
    if not scales:
        return None
    if len(zero_points) != len(scales):
        raise Corrupt(f"{label} has {len(scales)} scales and {len(zero_points)} zero points")
    if len(scales) == 1:
        return Quantization(scales=scales, zero_points=zero_points)
    axis = table.integer(6, "i")
    if not 0 <= axis < len(shape) or shape[axis] != len(scales):
        raise Corrupt(f"{label} of shape {shape} has {len(scales)} scales along axis {axis}")
    return Quantization(scales=scales, zero_points=zero_points, axis=axis)


def _check_order(
    tensors: tuple[Tensor, ...], ops: tuple[Op, ...], inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> None:
    """Every value is written once, before it is read."""
    if len(set(inputs)) != len(inputs):
        raise Corrupt("one tensor is given twice as the model's input")
    for i in inputs:
        if tensors[i].data is not None:
            raise Corrupt(f"tensor {i} {tensor_name(tensors[i])} is both an input and a constant")
    known = {t.index for t in tensors if t.data is not None or t.is_variable} | set(inputs)
    for op in ops:
        for i in op.inputs:
            if i >= 0 and i not in known and tensors[i].elements:
                raise Corrupt(
                    f"op {op.index} {op.name} reads tensor {i} {tensor_name(tensors[i])} before any op computes it"
                )
        for i in op.outputs:
            if i in known and not tensors[i].is_variable:
                raise Corrupt(
                    f"op {op.index} {op.name} writes tensor {i} {tensor_name(tensors[i])}, which has a value already"
                )
            known.add(i)
    for i in outputs:
        if i not in known:
            raise Corrupt(f"no op computes the model's output, tensor {i} {tensor_name(tensors[i])}")
