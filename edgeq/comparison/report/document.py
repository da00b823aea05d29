"""compare.json: a `Comparison` as JSON values and back. docs/compare.md explains every field."""

from __future__ import annotations

from typing import Any

from edgeq.comparison.record import SCHEMA_VERSION, Comparison
from edgeq.report import codec
from edgeq.report.document import Document, check_version, decode_document

COMPARISON = Document(
    root=Comparison, version=SCHEMA_VERSION, word="comparison", name="compare", command="edgeq compare"
)


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON values, keys in the order of docs/compare.md; evidence is sorted by name.

    There is no NaN and no infinity: such numbers are the strings "nan", "inf" and "-inf".
    """
    encoded: dict[str, Any] = codec.encode(comparison)
    return encoded


def from_json(value: Any, *, name: str = "compare.json") -> Comparison:
    """Read what `to_json` wrote.

    Args:
        value: the parsed JSON.
        name: the file, for messages.

    Raises:
        InputError: not a comparison, from another schema version, or a field is missing, unknown or of another type;
            the message names the field.
    """
    content = check_version(COMPARISON, value, file=name)
    comparison: Comparison = decode_document(COMPARISON, content, file=name)
    return comparison
