"""Kernels' declarations, read from firmware/include: types of operands, and fields of parameters in their order.

C++ neither converts `void *` by itself nor has (before C++20) initializers that name their fields, so generated code
has typed pointers, and values in the order of the struct. The headers are edgeq's own and plain: one declarator a line.
"""

from __future__ import annotations

import re
from functools import cache

from edgeq import resources

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STRUCT = re.compile(r"typedef struct (?P<name>\w+) \{(?P<body>[^{}]*)\} (?P=name);")
_FIELD = re.compile(r"(?P<name>\w+)(?:\[[^\]]*\])*$")
_FUNCTION = re.compile(r"^void (?P<name>edgeq_\w+)\((?P<parameters>[^;{}]*)\);", re.MULTILINE)
_POINTER = re.compile(r"^(?:const )?(?P<type>\w+) \*")


@cache
def _headers() -> str:
    files = sorted((resources.firmware() / "include" / "edgeq").glob("kernels*.h"))
    return _COMMENT.sub("", "\n".join(f.read_text(encoding="utf-8") for f in files))


@cache
def _structs() -> dict[str, tuple[str, ...]]:
    return {m["name"]: tuple(_names(m["body"])) for m in _STRUCT.finditer(_headers())}


@cache
def _functions() -> dict[str, tuple[str, ...]]:
    return {m["name"]: tuple(_types(m["parameters"])) for m in _FUNCTION.finditer(_headers())}


def fields(struct: str) -> tuple[str, ...]:
    """The fields of a kernel's parameters, in the order of the struct.

    Raises:
        KeyError: no kernel's header declares it.
    """
    return _structs()[struct]


def operand_types(kernel: str, *, has_params: bool) -> tuple[str, ...]:
    """What a kernel's pointers point to ("int8_t", "void"), in the order of its arguments, parameters left out.

    Raises:
        KeyError: no kernel's header declares it.
    """
    return _functions()[kernel][int(has_params) :]


def _names(body: str) -> list[str]:
    return [m["name"] for line in body.split(";") if line.strip() for m in _FIELD.finditer(line.strip())]


def _types(parameters: str) -> list[str]:
    found = (_POINTER.match(" ".join(p.split())) for p in parameters.split(","))
    return [m["type"] if m else "" for m in found]
