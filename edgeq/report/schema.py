"""docs/report.schema.json and docs/report.md, written from the records: `python -m edgeq.report.schema docs`."""

from __future__ import annotations

import dataclasses
import json
import sys
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from edgeq.records import Drift
from edgeq.report import codec
from edgeq.report.fields import FIELDS
from edgeq.report.record import SCHEMA_VERSION, DriftInfo, Report

_PLAIN = {int: {"type": "integer"}, bool: {"type": "boolean"}, str: {"type": "string"}}
_NUMBER = {"anyOf": [{"type": "number"}, {"enum": sorted(codec.NON_FINITE)}]}


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of report.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"edgeq report, schema version {SCHEMA_VERSION}",
        "$ref": "#/$defs/Report",
        "$defs": {kind.__name__: _record_schema(kind) for kind in sorted(record_types(), key=lambda k: k.__name__)},
    }


def record_types() -> list[type[Any]]:
    """Every record of a report, in the order of their first use."""
    found: list[type[Any]] = []
    queue: list[Any] = [Report]
    while queue:
        kind = queue.pop(0)
        if dataclasses.is_dataclass(kind) and kind not in found:
            found.append(typing.cast("type[Any]", kind))
            queue += codec.field_types(kind).values()
        queue += typing.get_args(kind)
    return found


def markdown() -> str:
    """docs/report.md: every field with its type, unit and meaning."""
    lines = [
        "# report.json",
        "",
        f"Schema version {SCHEMA_VERSION}; the JSON Schema is [report.schema.json](report.schema.json). Both pages are "
        "written from the code by `python -m edgeq.report.schema docs`.",
        "",
        'All fields are always there; "or null" says where a value may be missing. JSON has no infinity and no NaN: '
        'such numbers are the strings `"inf"`, `"-inf"` and `"nan"`. The keys have a fixed order. A report holds no '
        "path of the machine that made it.",
    ]
    for kind in record_types():
        lines += ["", f"## {kind.__name__}", "", *_table(kind)]
        if kind is DriftInfo:
            lines += [
                "",
                "Beside these, all fields of [Drift](#drift) stand here for the primary reference, the one that "
                "decides; they equal those under `references`.",
            ]
    return "\n".join(lines) + "\n"


def _table(kind: type[Any]) -> list[str]:
    rows = ["| field | type | unit | meaning |", "|---|---|---|---|"]
    for field in dataclasses.fields(kind):
        name = codec.json_name(field)
        unit, meaning = FIELDS[f"{kind.__name__}.{name}"]
        shown = _words(codec.field_types(kind)[field.name])
        if kind is DriftInfo and name == "references":
            shown = "object of [Drift](#drift)"
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


def _record_schema(kind: type[Any]) -> dict[str, Any]:
    properties = {}
    for field in dataclasses.fields(kind):
        name = codec.json_name(field)
        unit, meaning = FIELDS[f"{kind.__name__}.{name}"]
        schema = _schema(codec.field_types(kind)[field.name])
        if kind is DriftInfo and name == "references":
            schema = {"type": "object", "additionalProperties": {"$ref": "#/$defs/Drift"}, "minProperties": 1}
        properties[name] = {**schema, "description": f"{meaning} [{unit}]" if unit else meaning}
    if kind is DriftInfo:
        properties = {**_record_schema(Drift)["properties"], **properties}
    if kind is Report:
        properties["schema_version"]["const"] = SCHEMA_VERSION
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


def main(folder: Path) -> None:
    """Write both pages."""
    (folder / "report.schema.json").write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", "utf-8")
    (folder / "report.md").write_text(markdown(), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
