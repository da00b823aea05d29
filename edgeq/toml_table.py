"""TOML files read key by key: what is missing or wrong is said with the file's name and the key's."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from edgeq.errors import InputError

_T = TypeVar("_T")


def read_toml(file: Path, *, hint: str) -> Table:
    """The file's top table. `hint` follows every complaint.

    Raises:
        InputError: it cannot be read, or is no TOML.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise InputError(f"{file}: cannot be read: {exc}", hint=hint) from exc
    return Table(file, "", values, hint)


class Table:
    """One table. Every read raises InputError, with the file and the key, if the value is missing or wrong."""

    def __init__(self, file: Path, where: str, values: dict[str, Any], hint: str) -> None:
        """`where` is what its keys' names begin with: "uart." in the table [uart], "" at the top."""
        self.file, self.where, self.values, self.hint = file, where, values, hint

    def only(self, *known: str) -> None:
        """Refuse every key but the known ones."""
        for key in self.values:
            if key not in known:
                raise self.wrong(key, "is not a key that edgeq knows")

    def wrong(self, key: str, what: str) -> InputError:
        """The error for one of its keys, to be raised."""
        return InputError(f"{self.file}: {self.where}{key} {what}.", hint=self.hint)

    def get(self, key: str, kind: type[_T]) -> _T:
        """A value of a type that must be there."""
        if key not in self.values:
            raise self.wrong(key, "is missing")
        value = self.values[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.wrong(key, f"must be a {'number' if kind is int else 'text'}, not {value!r}")
        return value

    def number(self, key: str, low: int, high: int) -> int:
        """A number that must be there, from `low` to `high`."""
        value = self.get(key, int)
        if not low <= value <= high:
            raise self.wrong(key, f"is {value:#x}, out of the range {low:#x} to {high:#x}")
        return value

    def optional_text(self, key: str) -> str | None:
        """A text, or None where it is missing."""
        return self.get(key, str) if key in self.values else None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where it is missing."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self.wrong(key, f"must be a list of texts, not {value!r}")
        return tuple(value)

    def table(self, key: str) -> Table | None:
        """A table in it, or None where it is missing."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(key, f"must be a table, not {value!r}")
        return Table(self.file, f"{self.where}{key}.", value, self.hint)

    def part(self, key: str, *known: str) -> Table:
        """A table with none but the known keys; empty where it is missing."""
        found = self.table(key) or Table(self.file, f"{self.where}{key}.", {}, self.hint)
        found.only(*known)
        return found

    def tables(self, key: str) -> tuple[Table, ...]:
        """A list of tables; empty where it is missing."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise self.wrong(key, f"must be a list of tables, not {value!r}")
        return tuple(Table(self.file, f"{self.where}{key}[{i}].", v, self.hint) for i, v in enumerate(value))
