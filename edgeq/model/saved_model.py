"""Reads what matters of a SavedModel's protobuf files without TensorFlow: which operations its functions hold.

Field numbers are those of tensorflow/core/protobuf/{saved_model,meta_graph,saved_metadata}.proto and
tensorflow/core/framework/{graph,function,node_def,op_def}.proto.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeq.errors import ModelError
from edgeq.model.json_text import parse_json

MAX_GRAPH_BYTES = 512 << 20

_OPS = {
    "PyFunc": "it calls Python code",
    "PyFuncStateless": "it calls Python code",
    "EagerPyFunc": "it calls Python code",
    "ReadFile": "it reads files",
    "WriteFile": "it writes files",
    "MatchingFiles": "it lists files",
    "PrintV2": "it can write to files",
    "CreateSummaryFileWriter": "it writes files",
    "CreateSummaryDbWriter": "it writes files",
    "InitializeTableFromTextFile": "it reads a file",
    "InitializeTableFromTextFileV2": "it reads a file",
    "LookupTableExport": "it exports tables",
}
_OP_PATTERNS = (
    (re.compile(r"\w*(?:Dataset|Reader)(?:V\d)?"), "it reads files or other data"),
    (re.compile(r"Debug\w+"), "it can write to files"),
    (re.compile(r"Remote\w+|\w*(?:Send|Recv)"), "it talks to other computers"),
)
# Every SavedModel saves and restores itself with these, in functions of their own.
_CHECKPOINT_OPS = re.compile(r"(?:Save|Restore)(?:V2|Slice|Slices)?|MergeV2Checkpoints")
_CHECKPOINT_FUNCTION = re.compile(r"(?:__inference__)?traced_(?:save|restore)\w*")


def suspect_ops(folder: Path) -> Iterator[tuple[str, str]]:
    """Place and reason of every operation that could run Python code or touch files.

    Raises:
        ModelError: saved_model.pb is damaged.
    """
    content = _read(folder / "saved_model.pb")
    reported: set[tuple[str, str]] = set()
    try:
        for function, op, calls in _operations(content):
            reason = _reason(function, op, calls)
            if reason is not None and (function, op) not in reported:
                reported.add((function, op))
                yield f"operation {op} in {function}", reason
    except (ValueError, UnicodeDecodeError) as exc:
        raise ModelError(f"{folder / 'saved_model.pb'} is damaged or cut off: {exc}", hint="Export it again.") from exc


def keras_configs(folder: Path) -> Iterator[Any]:
    """The layer configurations that tf_keras wrote beside the graph (none in a SavedModel of other origin).

    Raises:
        ModelError: keras_metadata.pb is damaged.
    """
    path = folder / "keras_metadata.pb"
    if not path.exists():
        return
    try:
        for node in _submessages(_read(path), 1):
            for text in _submessages(node, 5):
                if text:
                    yield parse_json(bytes(text), str(path))
    except ValueError as exc:
        raise ModelError(f"{path} is damaged or cut off: {exc}", hint="Export it again.") from exc


def _reason(function: str, op: str, calls: tuple[str, ...]) -> str | None:
    if op in _OPS:
        return _OPS[op]
    if function != "the graph" and any(_CHECKPOINT_FUNCTION.fullmatch(name) for name in calls):
        return "it calls the function that reads or writes checkpoints"
    if _CHECKPOINT_OPS.fullmatch(op):
        return (
            None if function == "the graph" or _CHECKPOINT_FUNCTION.fullmatch(function) else "it reads or writes files"
        )
    return next((reason for pattern, reason in _OP_PATTERNS if pattern.fullmatch(op)), None)


def _operations(saved_model: memoryview) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Function name, op and called functions of every node; "the graph" for nodes outside functions."""
    for meta_graph in _submessages(saved_model, 2):
        for graph in _submessages(meta_graph, 2):
            for node in _submessages(graph, 1):
                yield "the graph", _text(node, 2), _called(node)
            for library in _submessages(graph, 2):
                for function in _submessages(library, 1):
                    name = next((_text(signature, 1) for signature in _submessages(function, 1)), "")
                    for node in _submessages(function, 3):
                        yield name, _text(node, 2), _called(node)


def _called(node: memoryview) -> tuple[str, ...]:
    """The functions that a node names in its attributes (map entry 5, value 2: func 10, or list 1 of func 9)."""
    names: list[str] = []
    for entry in _submessages(node, 5):
        for value in _submessages(entry, 2):
            names += [_text(function, 1) for function in _submessages(value, 10)]
            for several in _submessages(value, 1):
                names += [_text(function, 1) for function in _submessages(several, 9)]
    return tuple(names)


def _text(message: memoryview, number: int) -> str:
    last = b""
    for value in _submessages(message, number):
        last = bytes(value)  # the last one wins, as in protobuf
    return last.decode()


def _submessages(message: memoryview, number: int) -> Iterator[memoryview]:
    """Every length-delimited field `number` of a protobuf message.

    Raises:
        ValueError: not protobuf's wire format.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == 2:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("a field is longer than the file")
            if key >> 3 == number:
                yield message[at : at + size]
            at += size
        elif wire == 0:
            _, at = _varint(message, at)
        elif wire in {1, 5}:
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"unknown wire type {wire}")
    if at != len(message):
        raise ValueError("a field is longer than the file")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("it ends inside a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is too long")


def _read(path: Path) -> memoryview:
    try:
        if path.stat().st_size > MAX_GRAPH_BYTES:
            raise ModelError(f"{path} is larger than {MAX_GRAPH_BYTES:,} bytes.")
        return memoryview(path.read_bytes())
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {exc.strerror}") from exc
