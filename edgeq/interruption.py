"""Ctrl-C that is not lost: native code, and Python code that it calls, may swallow a KeyboardInterrupt.

TensorFlow's converter does so for a good part of its time: the exception is raised in a callback or a destructor, and
goes no further than the C++ code around it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from edgeq.signals import SIGNALS


class _Block:
    """A block of the main thread in which no signal is lost."""

    came = False


_open_blocks: list[_Block] = []


@contextlib.contextmanager
def not_swallowed() -> Iterator[None]:
    """Raises KeyboardInterrupt at the end of the block if a signal that should have ended it came meanwhile.

    The handlers of signals work as before; ignored signals stay ignored. Another exception that the block raises after
    the signal is taken for a form of it, and is the KeyboardInterrupt's cause. Outside of the main thread, where no
    signal arrives, the block just runs.

    Raises:
        KeyboardInterrupt: as said.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    block = _Block()

    def note(number: int, frame: FrameType | None) -> None:
        block.came = True
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    noted = [number for number, handler in handlers.items() if callable(handler)]
    for number in noted:
        signal.signal(number, note)
    _open_blocks.append(block)
    try:
        yield
    except Exception as exc:
        if block.came:
            raise KeyboardInterrupt from exc
        raise
    finally:
        _open_blocks.remove(block)
        for number in noted:
            signal.signal(number, handlers[number])
    if block.came:
        raise KeyboardInterrupt


def raise_if_swallowed() -> None:
    """For long loops within `not_swallowed`, which would go on to the end of the block.

    Raises:
        KeyboardInterrupt: a signal came since the block, or one around it, began.
    """
    if threading.current_thread() is threading.main_thread() and any(block.came for block in _open_blocks):
        raise KeyboardInterrupt


@contextlib.contextmanager
def held() -> Iterator[None]:
    """A short block that signals do not tear apart: what came meanwhile takes effect at its end.

    Creating a file and noting that it is there are two steps, and a loaded disk makes the first one long.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    came: list[int] = []
    noted = [number for number, handler in handlers.items() if callable(handler)]
    for number in noted:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number in noted:
            signal.signal(number, handlers[number])
        if came:  # also where the block failed: its error is then a consequence, or not what ends the command
            signal.raise_signal(came[0])


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder that is gone after the block, also if a signal comes while it is made."""
    with held():
        folder = tempfile.TemporaryDirectory(prefix="edgeq-")
    with folder as name:
        yield Path(name)


@contextlib.contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Within the block this process and its children put their temporary files there: who ends a process by force can
    then remove what it leaves."""
    before, told = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        if told is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = told


def find_temporary_folder() -> None:
    """Python tries it out by a file when it is first asked for; a signal then would leave that file behind."""
    with held():
        tempfile.gettempdir()
