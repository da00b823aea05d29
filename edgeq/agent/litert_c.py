"""LiteRT's C API as far as its profiler needs it, through ctypes: the wheel brings the library, and Python has no other
way to the times of single ops. The declarations are edgeq's own, as those of the native agent (firmware/agent).
"""

from __future__ import annotations

import ctypes
import importlib.util
from ctypes import (
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any

LIBRARIES = ("libLiteRt.so", "libLiteRt.dylib", "libLiteRt.dll")
"""The library's names on Linux, macOS and Windows; a wheel has one of them."""

CPU = 1
RANKED_DIMENSIONS = 8


Handle = c_void_p
"""Any of LiteRT's objects, or memory."""


class LiteRtError(Exception):
    """A function of LiteRT's refused; the message names it."""


class TensorType(Structure):
    """An element type and a shape."""

    _fields_ = (
        ("element", c_int32), ("rank", c_uint8), ("shape", c_int32 * RANKED_DIMENSIONS),
        ("strides", c_uint32 * RANKED_DIMENSIONS),
    )  # fmt: skip


class _Any(Structure):
    _fields_ = (("type", c_int32), ("value", c_int64))


class EnvironmentOption(Structure):
    """A tag and an integer (type 2)."""

    _fields_ = (("tag", c_int32), ("value", _Any))


class Event(Structure):
    """What the profiler noted: `kind` as below; `elapsed` in whole microseconds."""

    _fields_ = (
        ("tag", c_char_p), ("kind", c_int32), ("start", c_uint64), ("elapsed", c_uint64), ("memory", c_int64 * 6),
        ("op", c_uint64), ("second", c_uint64), ("source", c_int32),
    )  # fmt: skip


KINDS = frozenset(1 << bit for bit in range(9))
LITERT_OP, DELEGATE_OP, DELEGATE_OP_AS_OP = 2, 4, 8
"""Kinds of events: an op that LiteRT's own kernel ran, and one of XNNPACK's."""

Release = ctypes.CFUNCTYPE(None, Handle)
_CALLS: dict[str, tuple[Any, ...]] = {
    "LiteRtCreateEnvironment": (c_int, POINTER(EnvironmentOption), POINTER(Handle)),
    "LiteRtCreateModelFromBuffer": (Handle, Handle, c_size_t, POINTER(Handle)),
    "LiteRtGetModelSignature": (Handle, c_size_t, POINTER(Handle)),
    "LiteRtGetSignatureSubgraph": (Handle, POINTER(Handle)),
    "LiteRtGetNumSubgraphInputs": (Handle, POINTER(c_size_t)),
    "LiteRtGetSubgraphInput": (Handle, c_size_t, POINTER(Handle)),
    "LiteRtGetNumSubgraphOutputs": (Handle, POINTER(c_size_t)),
    "LiteRtGetSubgraphOutput": (Handle, c_size_t, POINTER(Handle)),
    "LiteRtGetRankedTensorType": (Handle, POINTER(TensorType)),
    "LiteRtCreateOptions": (POINTER(Handle),),
    "LiteRtSetOptionsHardwareAccelerators": (Handle, c_int32),
    "LiteRtCreateOpaqueOptions": (c_char_p, Handle, Release, POINTER(Handle)),
    "LiteRtAddOpaqueOptions": (Handle, Handle),
    "LiteRtCreateCompiledModel": (Handle, Handle, Handle, POINTER(Handle)),
    "LiteRtCompiledModelGetProfiler": (Handle, POINTER(Handle)),
    "LiteRtGetCompiledModelInputBufferRequirements": (Handle, c_size_t, c_size_t, POINTER(Handle)),
    "LiteRtGetCompiledModelOutputBufferRequirements": (Handle, c_size_t, c_size_t, POINTER(Handle)),
    "LiteRtGetTensorBufferRequirementsBufferSize": (Handle, POINTER(c_size_t)),
    "LiteRtCreateTensorBufferFromHostMemory": (POINTER(TensorType), Handle, c_size_t, Handle, POINTER(Handle)),
    "LiteRtRunCompiledModel": (Handle, c_size_t, c_size_t, POINTER(Handle), c_size_t, POINTER(Handle)),
    "LiteRtStartProfiler": (Handle,),
    "LiteRtStopProfiler": (Handle,),
    "LiteRtResetProfiler": (Handle,),
    "LiteRtGetNumProfilerEvents": (Handle, POINTER(c_int)),
    "LiteRtGetProfilerEvents": (Handle, c_int, POINTER(Event)),
}
_DESTROYERS = (
    "LiteRtDestroyEnvironment", "LiteRtDestroyModel", "LiteRtDestroyOptions", "LiteRtDestroyCompiledModel",
    "LiteRtDestroyTensorBuffer", "LiteRtDestroyOpaqueOptions",
)  # fmt: skip
NAMES = (*_CALLS, *_DESTROYERS)
"""Every function that is called."""


class LiteRt:
    """The functions of the wheel's library."""

    def __init__(self) -> None:
        """Load it.

        Raises:
            LiteRtError: it is not there, or lacks a function.
        """
        spec = importlib.util.find_spec("ai_edge_litert")
        folders = (spec.submodule_search_locations or ()) if spec else ()
        places = (Path(folder, name) for folder in folders for name in LIBRARIES)
        try:
            self._library = ctypes.CDLL(str(next(place for place in places if place.is_file())))
            for name, arguments in _CALLS.items():
                getattr(self._library, name).argtypes = arguments
            for name in _DESTROYERS:
                function = getattr(self._library, name)
                function.argtypes, function.restype = (Handle,), None
        except (StopIteration, OSError, AttributeError) as exc:
            raise LiteRtError(f"ai-edge-litert has no libLiteRt that edgeq knows ({exc or 'no such file'})") from exc

    def call(self, name: str, *arguments: Any) -> None:
        """One function.

        Raises:
            LiteRtError: it did not succeed.
        """
        status = getattr(self._library, name)(*arguments)
        if status:
            raise LiteRtError(f"{name} gave status {status}")

    def made(self, name: str, *arguments: Any) -> Any:
        """What one function makes or gives, its last argument: an object.

        Raises:
            LiteRtError: it did not succeed.
        """
        found = Handle()
        self.call(name, *arguments, byref(found))
        return found

    def number(self, name: str, *arguments: Any) -> int:
        """The number that one function gives, its last argument.

        Raises:
            LiteRtError: it did not succeed.
        """
        found = _CALLS[name][-1]._type_()
        self.call(name, *arguments, byref(found))
        return int(found.value)

    def destroy(self, name: str, found: Any) -> None:
        """The end of an object."""
        getattr(self._library, name)(found)
