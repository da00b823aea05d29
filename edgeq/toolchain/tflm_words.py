"""What GCC's complaints about TensorFlow Lite Micro mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from edgeq.errors import ToolError, UnsupportedError

_UNDEFINED = re.compile(r"undefined reference to [`']([^`'\n]+)'")
_REGISTERS = re.compile(r"tflite::(?:tflm_signal::)?Register_([A-Z0-9_]+)\(")
_NO_HEADER = re.compile(r"fatal error: (\S+): No such file")
_FLATBUFFERS = re.compile(r"Non-compatible flatbuffers version")
_CONVENTION = re.compile(r"uses VFP register arguments|conflicting CPU architectures|Conflicting architecture")

_SAME_TREE = "Build the library from the very tree that --tflm-root names, headers and all."


@contextmanager
def explained() -> Iterator[None]:
    """Compile or link the generated application in here: what fails is said in words.

    Raises:
        UnsupportedError: the library lacks an operator.
        ToolError: headers are missing, or library and headers are of different versions; the compiler's words stay.
    """
    try:
        yield
    except ToolError as exc:
        raise _translated(exc) from exc


def _translated(error: ToolError) -> UnsupportedError | ToolError:
    words = error.message
    undefined = list(dict.fromkeys(_UNDEFINED.findall(words)))
    missing = [found[1] for name in undefined if (found := _REGISTERS.search(name))]
    if missing:
        return UnsupportedError(
            f"The TensorFlow Lite Micro library has no kernel for {', '.join(missing)}, which its headers declare.",
            hint="Build the library with all of its kernels, or use the aot engine if it has the operator.",
        )
    if undefined:
        names = "\n".join(f"  {name}" for name in undefined[:8])
        return ToolError(
            "Library and headers of TensorFlow Lite Micro do not belong together: the library lacks\n" + names,
            hint=_SAME_TREE,
        )
    if found := _NO_HEADER.search(words):
        return ToolError(
            f"The headers of TensorFlow Lite Micro include {found[1]}, which is in none of the folders that were "
            f"found.\n{words}",
            hint="Give the tree in which your library was built, or put the header beside the others in --tflm-root.",
        )
    if _FLATBUFFERS.search(words):
        return ToolError(
            "TensorFlow Lite Micro's schema_generated.h was made for another version of FlatBuffers than the headers "
            f"that were found beside it.\n{words}",
            hint=_SAME_TREE,
        )
    if _CONVENTION.search(words):
        return ToolError(
            f"The TensorFlow Lite Micro library was compiled for another core or calling convention.\n{words}",
            hint="Build it with the TARGET_ARCH of the board's core.",
        )
    return error
