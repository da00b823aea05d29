"""Reads an operator's options table: snake_case field names, enums by their name in the TFLite schema.

Field names, numbers and defaults come from the schema's generated Python code; it is called only field by field and
on numbers and vectors of numbers, so that nothing can recurse or loop over lengths that the file claims.
"""

from __future__ import annotations

import re
import struct
from functools import cache
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from edgeq.model.graph import OptionValue
from edgeq.model.tables import Corrupt

_MAX_VECTOR = 64  # ReshapeOptions.new_shape and SqueezeOptions.squeeze_dims have one element per dimension

# Enum of each field that holds one.
_ENUMS = {
    "padding": "Padding",
    "fused_activation_function": "ActivationFunctionType",
    "weights_format": "FullyConnectedOptionsWeightsFormat",
    "quantized_bias_type": "TensorType",
    "in_data_type": "TensorType",
    "out_data_type": "TensorType",
    "mode": "MirrorPadMode",
}

# Ops whose options table is not named after them.
_SHARED_TABLES = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_PROD": "ReducerOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "L2_NORMALIZATION": "L2NormOptions",
}


def names_of(enum: str) -> dict[int, str]:
    """Number to name of an enum in the schema."""
    return {value: name for name, value in vars(getattr(schema, enum)).items() if isinstance(value, int)}


@cache
def _tables() -> dict[int, str]:
    return names_of("BuiltinOptions")


@cache
def _enum(enum: str) -> dict[int, str]:
    return names_of(enum)


@cache
def _table_of(op: str) -> str | None:
    """The options table that belongs to a builtin op; None if it has none, or none by its name."""
    if op in _SHARED_TABLES:
        return _SHARED_TABLES[op]
    wanted = op.replace("_", "").lower() + "options"
    return next((table for table in _tables().values() if table.lower() == wanted), None)


@cache
def _fields(table: str) -> tuple[tuple[str, str, Any], ...]:
    """(snake_case name, accessor's name, default) of every field."""
    defaults = vars(getattr(schema, table + "T")())
    return tuple(
        (re.sub(r"[A-Z]", lambda m: "_" + m[0].lower(), name), name[0].upper() + name[1:], default)
        for name, default in defaults.items()
    )


def read_options(content: bytes, op: str, kind: int, position: int | None) -> dict[str, OptionValue]:
    """The options of one op.

    Args:
        content: the whole file.
        op: the builtin's name.
        kind: the file's BuiltinOptions number; 0: none. Then the schema's defaults of the op's own table hold.
        position: first byte of the table (its layout already checked), None if absent.

    Raises:
        Corrupt: the table is another op's, or a value is not readable.
    """
    expected = _table_of(op)
    table = _tables().get(kind)
    if table is None:
        raise Corrupt(f"{op} has options of unknown kind {kind}")
    present = kind != 0 and position is not None
    if present and expected is not None and table != expected:
        raise Corrupt(f"{op} has {table} where {expected} belong")
    if not present:
        if expected is None:
            return {}
        table = expected
    reader = None
    if present:
        reader = getattr(schema, table)()
        reader.Init(content, position)
    options: dict[str, OptionValue] = {}
    for name, accessor, default in _fields(table):
        try:
            value = default if reader is None else _read(reader, accessor, default)
        except (struct.error, ValueError, TypeError, OverflowError) as exc:
            raise Corrupt(f"{op}'s option {name} is not readable") from exc
        if name in _ENUMS and isinstance(value, int):
            value = _enum(_ENUMS[name]).get(value)
            if value is None:
                raise Corrupt(f"{op}'s option {name} has a value that the schema does not know")
        if value is not None:
            options[name] = value
    return options


def _read(reader: Any, accessor: str, default: Any) -> OptionValue | None:
    """One field; None for an absent vector and for kinds of fields that no supported op has."""
    if default is not None:
        value: OptionValue = getattr(reader, accessor)()
        return value
    if not hasattr(reader, accessor + "AsNumpy") or getattr(reader, accessor + "IsNone")():
        return None
    if getattr(reader, accessor + "Length")() > _MAX_VECTOR:
        raise ValueError(accessor)
    return tuple(getattr(reader, accessor + "AsNumpy")().tolist())
