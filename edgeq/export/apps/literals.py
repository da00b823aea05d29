"""Values as source text of Kotlin and Swift; C++ has those of `edgeq.generate.cformat`. Templates' filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from edgeq.generate.cformat import c_string

_WIDTH = 108
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def kotlin_string(text: str) -> str:
    """A string literal; what cannot be seen is escaped as UTF-16 units, and no $ begins a template."""
    return '"' + "".join(_kotlin_character(c) for c in text) + '"'


def swift_string(text: str) -> str:
    """A string literal; what cannot be seen is escaped. A backslash never begins an interpolation."""
    return '"' + "".join(_SHORT.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text) + '"'


def digits(value: float) -> str:
    """The fewest digits that read back to the bits of a float32, through a double, too, as Swift's compiler reads them.

    Raises:
        ValueError: not finite.
    """
    single = np.float32(value)
    if not np.isfinite(single):
        raise ValueError(f"no literal for {value}")
    shortest = str(single)
    return shortest if np.float32(float(shortest)) == single else f"{float(single):.9g}"


def float_literal(value: float) -> str:
    """A literal of Kotlin's Float and of C++'s float."""
    return f"{digits(value)}f"


def float_bits(value: float) -> str:
    """The bits of a float32 as a decimal integer, which no rule of literals can change."""
    return str(int(np.float32(value).view(np.int32)))


def real(value: float) -> str:
    """A positive Double literal: with a point or an exponent."""
    return f"{value:.6e}"


def swift_type(dtype: str) -> str:
    """Swift's name of an element type: "uint8" -> "UInt8"."""
    return "Float" if dtype == "float32" else dtype.replace("uint", "UInt").replace("int", "Int")


def ruby_string(text: str) -> str:
    """A string literal of Ruby's without interpolation."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def wrapped(words: Iterable[str], indent: int) -> str:
    """Words with commas between them, in lines that all but the first begin with so many blanks."""
    lines, line = [], ""
    for word in words:
        if line and indent + len(line) + len(word) + 3 > _WIDTH:
            lines.append(f"{line},")
            line = word
        else:
            line = f"{line}, {word}" if line else word
    return f"\n{' ' * indent}".join([*lines, line])


def _list(write: Callable[[Any], str]) -> Callable[[Sequence[Any], int], str]:
    return lambda values, indent: wrapped(map(write, values), indent)


def _kotlin_character(character: str) -> str:
    if character == "$":
        return "\\$"
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


FILTERS: dict[str, Callable[..., str]] = {
    "kotlin_string": kotlin_string,
    "kotlin_strings": _list(kotlin_string),
    "floats": _list(float_literal),
    "float": float_literal,
    "digits": digits,
    "swift_string": swift_string,
    "swift_strings": _list(swift_string),
    "swift_floats": _list(digits),
    "c_strings": _list(c_string),
    "integers": _list(str),
    "float_bits": float_bits,
    "real": real,
    "g": lambda value: f"{value:g}",
    "swift_type": swift_type,
    "ruby_string": ruby_string,
}
