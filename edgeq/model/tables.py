"""Reads flatbuffer tables from bytes that may be damaged or hostile.

Python's flatbuffers package has no verifier. Here every offset, length and size is checked against the file before it
is used, and all vectors and strings together may not be larger than a small multiple of the file: tables that share
one long vector many times cannot make reading slow.
Layout: https://flatbuffers.dev/internals/ (little-endian; offsets are relative to where they are stored).
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray


class Corrupt(Exception):  # noqa: N818 (a private signal, translated at the edge)
    """What is wrong with the bytes, for the message of a ModelError."""


class Bytes:
    """The file, and how many bytes of vectors may still be read from it."""

    __slots__ = ("_budget", "content")

    def __init__(self, content: bytes) -> None:
        """`content` is the whole file."""
        self.content = content
        self._budget = 8 * len(content) + 4096

    def charge(self, count: int) -> None:
        """Counts bytes that somebody is about to loop over."""
        self._budget -= count
        if self._budget < 0:
            raise Corrupt("its tables overlap over and over, which no converter does")

    def unpack(self, layout: str, position: int) -> int | float | bool:
        """One little-endian number; `layout` is its struct code."""
        size = struct.calcsize(layout)
        if position < 0 or position + size > len(self.content):
            raise Corrupt(f"an offset points to byte {position} of {len(self.content)}")
        value: int | float | bool = struct.unpack_from("<" + layout, self.content, position)[0]
        return value

    def integer(self, layout: str, position: int) -> int:
        """One little-endian integer."""
        return int(self.unpack(layout, position))

    def root(self) -> Table:
        """The root table."""
        return Table(self, self.integer("I", 0))


class Table:
    """One table, its vtable checked. `slot` is the field's number in the schema."""

    __slots__ = ("_file", "_vtable", "_vtable_size", "position")

    def __init__(self, file: Bytes, position: int) -> None:
        """`position` is the table's first byte."""
        self._file = file
        self.position = position
        self._vtable = position - file.integer("i", position)
        self._vtable_size = file.integer("H", self._vtable)
        table_size = file.integer("H", self._vtable + 2)
        if self._vtable_size < 4 or self._vtable_size % 2 or table_size < 4:
            raise Corrupt(f"the table at byte {position} has a broken layout")
        if self._vtable + self._vtable_size > len(file.content) or position + table_size > len(file.content):
            raise Corrupt(f"the table at byte {position} reaches beyond the end of the file")

    def _field(self, slot: int) -> int | None:
        """Where the field is stored; None if it is absent (then the schema's default holds)."""
        entry = 4 + 2 * slot
        if entry + 2 > self._vtable_size:
            return None
        offset = self._file.integer("H", self._vtable + entry)
        return self.position + offset if offset else None

    def _target(self, slot: int) -> int | None:
        field = self._field(slot)
        return None if field is None else field + self._file.integer("I", field)

    def integer(self, slot: int, layout: str, default: int = 0) -> int:
        """An integer field; `layout` is its struct code."""
        field = self._field(slot)
        return default if field is None else self._file.integer(layout, field)

    def boolean(self, slot: int) -> bool:
        """A bool field whose default is false."""
        return self.integer(slot, "B") != 0

    def _vector(self, slot: int, item_size: int) -> tuple[int, int] | None:
        """First byte and number of elements of a vector, inside the file; None if absent."""
        start = self._target(slot)
        if start is None:
            return None
        count = self._file.integer("I", start)
        if start + 4 + count * item_size > len(self._file.content):
            raise Corrupt(f"the vector at byte {start} claims {count} elements and reaches beyond the end of the file")
        return start + 4, count

    def text(self, slot: int) -> str:
        """A string; empty if absent. Bytes that are no UTF-8 are replaced."""
        found = self._vector(slot, 1)
        if found is None:
            return ""
        self._file.charge(found[1])
        return self._file.content[found[0] : found[0] + found[1]].decode("utf-8", errors="replace")

    def array(self, slot: int, dtype: str) -> NDArray[np.generic] | None:
        """A vector of numbers as a read-only view of the file; None if absent."""
        found = self._vector(slot, np.dtype(dtype).itemsize)
        if found is None:
            return None
        return np.frombuffer(self._file.content, np.dtype(dtype).newbyteorder("<"), found[1], found[0])

    def numbers(self, slot: int, dtype: str) -> tuple[int, ...]:
        """A vector of integers as Python numbers; empty if absent."""
        values = self.array(slot, dtype)
        if values is None:
            return ()
        self._file.charge(values.nbytes)
        return tuple(values.tolist())

    def floats(self, slot: int) -> tuple[float, ...]:
        """A vector of float32 as Python numbers; empty if absent."""
        return self.numbers(slot, "float32")

    def table(self, slot: int) -> Table | None:
        """A table field; None if absent."""
        target = self._target(slot)
        return None if target is None else Table(self._file, target)

    def tables(self, slot: int) -> tuple[Table, ...]:
        """A vector of tables; empty if absent."""
        found = self._vector(slot, 4)
        if found is None:
            return ()
        start, count = found
        self._file.charge(4 * count)
        positions = range(start, start + 4 * count, 4)
        return tuple(Table(self._file, p + self._file.integer("I", p)) for p in positions)
