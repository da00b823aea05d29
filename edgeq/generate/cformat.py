"""Values as C source text: literals, strings, comments, arrays. These are the templates' filters."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

_C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "float32": "float",
}
_WIDTH = 108


def c_type(dtype: np.dtype[Any] | str) -> str:
    """The C type of an array's elements.

    Raises:
        KeyError: a type that the engine has no use for.
    """
    return _C_TYPES[np.dtype(dtype).name]


def c_int(value: int) -> str:
    """An int32_t or uint32_t literal; INT32_MIN has none of its own in C."""
    if value == -(2**31):
        return "INT32_MIN"
    return f"{value}u" if value >= 2**31 else str(value)


def c_float(value: float) -> str:
    """A float literal that reads back to the same bits: nine significant digits always do.

    Raises:
        ValueError: not finite.
    """
    single = np.float32(value)
    if not np.isfinite(single):
        raise ValueError(f"no C literal for {value}")
    text = f"{float(single):.9g}"
    return (text if re.search(r"[.e]", text) else f"{text}.0") + "f"


def c_string(text: str) -> str:
    """A string literal with the text's UTF-8 bytes. No trigraphs, and no escape that swallows what follows."""
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\?':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def c_comment(text: str) -> str:
    """Text that can neither end a comment nor begin one, nor break the line."""
    visible = "".join(c if c.isprintable() else " " for c in text)
    return visible.replace("*/", "* /").replace("/*", "/ *").strip().rstrip("\\ ")


def code_span(text: str) -> str:
    """Text as code in Markdown, also in a table: nothing in it is markup, or ends the code, the cell or the line."""
    visible = "".join(c if c.isprintable() else " " for c in text).replace("|", "/").replace("`", "'").strip()
    return f"`{visible}`" if visible else "–"


def c_array(values: NDArray[np.generic]) -> str:
    """The elements of an array, comma-separated, in lines of a sensible length and without a trailing comma."""
    flat = np.ascontiguousarray(values).reshape(-1)
    if flat.dtype == np.uint8:
        table = [f"0x{i:02x}" for i in range(256)]
        words = [table[i] for i in flat.tolist()]
        per_line = _WIDTH // 6
    elif flat.dtype.kind == "f":
        words = [c_float(float(v)) for v in flat]
        per_line = 6
    else:
        words = [c_int(v) for v in flat.tolist()] if flat.itemsize == 4 else list(map(str, flat.tolist()))
        widest = max(len(str(flat.min())), len(str(flat.max()))) if flat.size else 1
        per_line = max(1, _WIDTH // (widest + 2))
    lines = [", ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
    return ",\n    ".join(lines)


FILTERS = {
    "c_array": c_array,
    "c_comment": c_comment,
    "code_span": code_span,
    "c_float": c_float,
    "c_int": c_int,
    "c_string": c_string,
    "c_type": c_type,
}
