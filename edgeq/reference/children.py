"""Interpreters' processes: started, ended, and kept where one use follows another.

A start is a third of a second of a core, more than a small model needs for a test set.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgeq import process
from edgeq.errors import InterpreterError
from edgeq.records import Reference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Child:
    """A running `edgeq.reference.child`, and the folder that has what its interpreter says."""

    process: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str]

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def words(self) -> str:
        """The end of what the interpreter said since the last request."""
        try:
            return (Path(self.folder.name) / "log").read_bytes()[-8000:].decode(errors="replace")
        except OSError:
            return ""

    def end(self) -> None:
        """End it now; nothing of it stays."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()  # its sign to leave
        process.stop(self.process, grace=0.5)
        self.folder.cleanup()


def started(reference: Reference, title: str) -> Child:
    """A child that has nothing to do: one that was kept, else a new one.

    Raises:
        InterpreterError: it cannot be started.
    """
    kept = _kept.idle.pop(reference, None)
    if kept is not None:
        if kept.lives:
            return kept
        kept.end()
    folder = tempfile.TemporaryDirectory(prefix="edgeq-reference-")
    log = Path(folder.name) / "log"
    log.touch()
    child = process.start(
        [sys.executable, "-P", "-m", "edgeq.reference.child", reference.value, log],
        what=f"starting {title}", env=process.own_environment(), error=InterpreterError,
    )  # fmt: skip
    return Child(process=child, folder=folder)


def left(reference: Reference, child: Child) -> None:
    """Keep a child that has answered all requests, within `kept_children`; else end it."""
    if _kept.blocks and child.lives and reference not in _kept.idle:
        _kept.idle[reference] = child
    else:
        child.end()


@contextlib.contextmanager
def kept_children() -> Iterator[None]:
    """Within the block one process of each interpreter stays when its work is done, for the next request.

    This is so for the calling thread alone: a child dies with the thread that started it (`edgeq.process.start`).
    Blocks may be nested; the outermost one ends the processes.
    """
    _kept.blocks += 1
    try:
        yield
    finally:
        _kept.blocks -= 1
        while not _kept.blocks and _kept.idle:
            _kept.idle.popitem()[1].end()


class _Kept(threading.local):
    """A thread's own."""

    def __init__(self) -> None:
        self.blocks = 0
        self.idle: dict[Reference, Child] = {}


_kept = _Kept()
