"""The JSON Schema and the Markdown page of a JSON file, written from its records and the texts about their fields."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from edgeq.report import codec
from edgeq.report.document import Document

_PLAIN = {int: {"type": "integer"}, bool: {"type": "boolean"}, str: {"type": "string"}}
_NUMBER = {"anyOf": [{"type": "number"}, {"enum": sorted(codec.NON_FINITE)}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a field is in JSON where its annotation does not say it: in words, and as JSON Schema."""

    words: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Everything to be said about a file. Keys of `fields` and `shapes` are "Record.key", as the key is in JSON.

    `fields` has unit and meaning of every field. `merged` names records whose fields also stand in another one.
    `remarks` follow a record's table. `command` writes the pages.
    """

    document: Document
    command: str
    fields: Mapping[str, tuple[str, str]]
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    merged: Mapping[type[Any], type[Any]] = field(default_factory=dict)
    remarks: Mapping[type[Any], str] = field(default_factory=dict)


def write_pages(about: Description, folder: Path) -> None:
    """Write both pages into the folder."""
    schema, page = page_names(about.document)
    (folder / schema).write_text(json.dumps(json_schema(about), indent=2, ensure_ascii=False) + "\n", "utf-8")
    (folder / page).write_text(markdown(about), "utf-8")


def page_names(document: Document) -> tuple[str, str]:
    """The names of the JSON Schema and of the Markdown page."""
    return f"{document.name}.schema.json", f"{document.name}.md"


def json_schema(about: Description) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the file."""
    document = about.document
    kinds = sorted(record_types(document.root), key=_name)
    definitions = {_name(kind): _record_schema(kind, about) for kind in kinds}
    definitions[_name(document.root)]["properties"]["schema_version"]["const"] = document.version
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"edgeq {document.word}, schema version {document.version}",
        "$ref": f"#/$defs/{_name(document.root)}",
        "$defs": definitions,
    }


def record_types(root: type[Any]) -> list[type[Any]]:
    """Every record of a file, in the order of their first use."""
    found: list[type[Any]] = []
    queue: list[Any] = [root]
    while queue:
        kind = queue.pop(0)
        if dataclasses.is_dataclass(kind) and kind not in found:
            found.append(typing.cast("type[Any]", kind))
            queue += codec.field_types(kind).values()
        queue += typing.get_args(kind)
    return found


def markdown(about: Description) -> str:
    """The page: every field with its type, unit and meaning."""
    document = about.document
    schema, _ = page_names(document)
    lines = [
        f"# {document.json_name}",
        "",
        f"Schema version {document.version}; the JSON Schema is [{schema}]({schema}). Both pages are "
        f"written from the code by `{about.command}`.",
        "",
        'All fields are always there; "or null" says where a value may be missing. JSON has no infinity and no NaN: '
        'such numbers are the strings `"inf"`, `"-inf"` and `"nan"`. The keys have a fixed order. '
        f"A {document.word} holds no path of the machine that made it.",
    ]
    for kind in record_types(document.root):
        lines += ["", f"## {_name(kind)}", "", *_table(kind, about)]
        if kind in about.remarks:
            lines += ["", about.remarks[kind]]
    return "\n".join(lines) + "\n"


def _table(kind: type[Any], about: Description) -> list[str]:
    rows = ["| field | type | unit | meaning |", "|---|---|---|---|"]
    for item in dataclasses.fields(kind):
        name = codec.json_name(item)
        unit, meaning = about.fields[f"{_name(kind)}.{name}"]
        shape = about.shapes.get(f"{_name(kind)}.{name}")
        shown = shape.words if shape else _words(codec.field_types(kind)[item.name])
        rows.append(f"| `{name}` | {shown} | {unit} | {meaning} |")
    return rows


def _words(kind: Any) -> str:
    arguments = typing.get_args(kind)
    if _is_union(kind):
        return " or ".join("null" if a is type(None) else _words(a) for a in arguments)
    if dataclasses.is_dataclass(kind):
        return f"[{_name(kind)}](#{_name(kind).lower()})"
    if typing.get_origin(kind) is tuple:
        return (
            f"list of {_words(arguments[0])}"
            if arguments[-1] is Ellipsis
            else f"{len(arguments)} × {_words(arguments[0])}"
        )
    if typing.get_origin(kind) is Mapping:
        return f"object of {_words(arguments[1])}"
    if issubclass(kind, Enum):
        return " / ".join(f"`{m.value}`" for m in kind)
    return {int: "integer", float: "number", bool: "boolean", str: "string"}[kind]


def _record_schema(kind: type[Any], about: Description) -> dict[str, Any]:
    properties = {}
    for item in dataclasses.fields(kind):
        name = codec.json_name(item)
        unit, meaning = about.fields[f"{_name(kind)}.{name}"]
        shape = about.shapes.get(f"{_name(kind)}.{name}")
        schema = shape.schema if shape else _schema(codec.field_types(kind)[item.name])
        properties[name] = {**schema, "description": f"{meaning} [{unit}]" if unit else meaning}
    if kind in about.merged:
        properties = {**_record_schema(about.merged[kind], about)["properties"], **properties}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _schema(kind: Any) -> dict[str, Any]:
    arguments = typing.get_args(kind)
    if _is_union(kind):
        return {"anyOf": [{"type": "null"} if a is type(None) else _schema(a) for a in arguments]}
    if dataclasses.is_dataclass(kind):
        return {"$ref": f"#/$defs/{_name(kind)}"}
    if typing.get_origin(kind) is tuple:
        items = {"type": "array", "items": _schema(arguments[0])}
        return items if arguments[-1] is Ellipsis else {**items, "minItems": len(arguments), "maxItems": len(arguments)}
    if typing.get_origin(kind) is Mapping:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if kind is float:
        return dict(_NUMBER)
    return {"enum": [m.value for m in kind]} if issubclass(kind, Enum) else dict(_PLAIN[kind])


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (types.UnionType, typing.Union)


def _name(kind: Any) -> str:
    return str(kind.__name__)
