"""Frozen dataclasses to JSON values and back, driven by their annotations; strict in both directions."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any

NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
"""JSON has no such numbers: they are written as these strings."""


class DecodeError(Exception):
    """A value is not what its field allows; the message names the field."""


def encode(value: Any) -> Any:
    """JSON values of a record: objects in field order, enums by value, mappings as objects with sorted keys."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {json_name(f): encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): encode(value[key]) for key in sorted(value)}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        # A lone surrogate, from a file's name, cannot be written as UTF-8.
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    raise TypeError(f"{type(value).__name__} has no place in a report")


def decode(kind: Any, value: Any, path: str) -> Any:
    """The record, or plain value, of type `kind` that `value` stands for.

    Raises:
        DecodeError: it stands for none; `path` names the field in the message.
    """
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        return _decode_union([a for a in arguments if a is not type(None)], value, path)
    if dataclasses.is_dataclass(kind):
        return _decode_record(typing.cast("type[Any]", kind), value, path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join(repr(m.value) for m in kind)
            raise DecodeError(f"{path or 'the file'}: {value!r} is none of {allowed}.") from None
    if origin is tuple:
        return _decode_tuple(arguments, value, path)
    if origin is Mapping:
        return _decode_mapping(arguments, value, path)
    if kind is float and isinstance(value, str) and value in NON_FINITE:
        return NON_FINITE[value]
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise DecodeError(f"{path}: {value} is no JSON number.")
        return float(value)
    if kind in (int, bool, str) and type(value) is kind:
        return value
    raise DecodeError(f"{path or 'the file'}: expected {_WORDS[kind]}, found {_show(value)}.")


def json_name(field: dataclasses.Field[Any]) -> str:
    """The key of a field in JSON."""
    return str(field.metadata.get("json", field.name))


def json_names(kind: Any) -> tuple[str, ...]:
    """The keys of a record in JSON."""
    return tuple(json_name(f) for f in dataclasses.fields(kind))


def field_types(kind: Any) -> dict[str, Any]:
    """Type of every field of a record class, by the field's name."""
    return _type_hints(kind)


@cache
def _type_hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


_WORDS = {int: "an integer", float: "a number", bool: "true or false", str: "a string"}


def _decode_union(kinds: list[Any], value: Any, path: str) -> Any:
    """One kind, or several plain ones of which the narrowest that fits is taken: 3 is an integer, "inf" a number."""
    if len(kinds) == 1:
        return decode(kinds[0], value, path)
    for kind in sorted(kinds, key=list(_WORDS).index):
        try:
            return decode(kind, value, path)
        except DecodeError:
            continue
    raise DecodeError(f"{path}: expected {' or '.join(_WORDS[k] for k in kinds)}, found {_show(value)}.")


def _decode_record(kind: type[Any], value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise DecodeError(f"{path or 'the file'}: expected an object, found {_show(value)}.")
    known = {json_name(f): f for f in dataclasses.fields(kind)}
    prefix = f"{path}." if path else ""
    for key in value:
        if key not in known:
            raise DecodeError(f"{prefix}{key}: there is no such field.")
    arguments, kinds = {}, field_types(kind)
    for key, field in known.items():
        if key not in value:
            raise DecodeError(f"{prefix}{key} is missing.")
        arguments[field.name] = decode(kinds[field.name], value[key], prefix + key)
    return kind(**arguments)


def _decode_tuple(arguments: tuple[Any, ...], value: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise DecodeError(f"{path}: expected a list, found {_show(value)}.")
    if arguments[-1] is Ellipsis:
        return tuple(decode(arguments[0], item, f"{path}[{i}]") for i, item in enumerate(value))
    if len(value) != len(arguments):
        raise DecodeError(f"{path}: expected {len(arguments)} values, found {len(value)}.")
    return tuple(decode(a, item, f"{path}[{i}]") for i, (a, item) in enumerate(zip(arguments, value, strict=True)))


def _decode_mapping(arguments: tuple[Any, ...], value: Any, path: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise DecodeError(f"{path}: expected an object, found {_show(value)}.")
    result = {}
    for key, item in value.items():
        try:
            name = arguments[0](key)
        except ValueError:
            raise DecodeError(f"{path}: expected {_WORDS[arguments[0]]} as key, found {_show(key)}.") from None
        result[name] = decode(arguments[1], item, f"{path}.{key}")
    return result


def _show(value: Any) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", type(None): "null"}
    return names.get(type(value)) or repr(value)[:60]
