"""Ctrl-C that is not lost: native code, and Python code that it calls, may swallow a KeyboardInterrupt.

TensorFlow's converter does so for a good part of its time: the exception is raised in a callback or a destructor, and
goes no further than the C++ code around it.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def not_swallowed() -> Iterator[None]:
    """Raises KeyboardInterrupt at the end of the block if a signal that should have ended it came meanwhile.

    The handlers of SIGINT and SIGTERM work as before; ignored signals stay ignored. Another exception that the block
    raises after the signal is taken for a form of it, and is the KeyboardInterrupt's cause. Outside of the main thread,
    where no signal arrives, the block just runs.

    Raises:
        KeyboardInterrupt: as said.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    noted = [number for number, handler in handlers.items() if callable(handler)]
    for number in noted:
        signal.signal(number, note)
    try:
        yield
    except Exception as exc:
        if came:
            raise KeyboardInterrupt from exc
        raise
    finally:
        for number in noted:
            signal.signal(number, handlers[number])
    if came:
        raise KeyboardInterrupt
