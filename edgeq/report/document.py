"""A JSON file of ours: which record it holds, and how a wrong one is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeq.errors import InputError
from edgeq.report import codec


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One kind of file. `word` is what people call it, `name` its name without the ending, `command` writes it."""

    root: type[Any]
    version: int
    word: str
    name: str
    command: str

    @property
    def json_name(self) -> str:
        """The file."""
        return f"{self.name}.json"

    @property
    def html_name(self) -> str:
        """The page beside it."""
        return f"{self.name}.html"

    @property
    def hint(self) -> str:
        """What to give instead of something else."""
        return f"Give the {self.json_name} that `{self.command}` wrote."


def check_version(document: Document, value: Any, *, file: str) -> dict[str, Any]:
    """The parsed JSON, if it is of this kind and schema version.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, dict) or "schema_version" not in value:
        raise InputError(f"{file} is not an edgeq {document.word}.", hint=document.hint)
    version = value["schema_version"]
    if version != document.version:
        raise InputError(
            f"{file} has schema version {version!r}; this edgeq reads version {document.version}.",
            hint=f"Make the {document.word} again with this edgeq.",
        )
    known = codec.json_names(document.root)
    if len(value.keys() & set(known)) < len(known) / 2:
        raise InputError(f"{file} is another file of edgeq, no {document.word}.", hint=document.hint)
    return dict(value)


def decode_document(document: Document, value: Any, *, file: str) -> Any:
    """The record that the parsed JSON stands for.

    Raises:
        InputError: a field is missing, unknown or of another type; the message names file and field.
    """
    try:
        return codec.decode(document.root, value, "")
    except codec.DecodeError as exc:
        raise InputError(
            f"{file}: {exc}", hint=f"The file was changed or cut; make the {document.word} again."
        ) from exc
