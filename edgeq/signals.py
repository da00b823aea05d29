"""The signals that end edgeq, and what happens where there is nothing to clean up yet, or any more.

Imported before anything else: what it imports itself is what it costs until Ctrl-C is answered.
"""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130
"""Exit status."""

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C, a request to end, a terminal that was closed (which Windows does not have)."""


def answer(handler: object) -> None:
    """Handle all of `SIGNALS` so, but those that whoever started edgeq had ignored (nohup; a shell's &)."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)  # type: ignore[arg-type] # its type takes typing, which takes time


def leave_at_once(number: int, frame: object) -> None:
    """A handler."""
    try:
        os.write(2, b"Interrupted.\n")
    finally:
        os._exit(INTERRUPTED)
