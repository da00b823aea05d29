"""A device that is a child process behind a pseudo-terminal, whose name is the first line that it prints."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgeq import process
from edgeq.closing import Closing
from edgeq.errors import DeviceError

_KEPT = 4000  # bytes of its last words


class ChildDevice(Closing):
    """A running child. See `edgeq.devices.base.Device`.

    The child ends when its stdin is closed, and dies with the thread that made this object.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        what: str,
        env: Mapping[str, str] | None = None,
        start_timeout: float = 30.0,
    ) -> None:
        """Start it and wait until it has its pseudo-terminal.

        Args:
            name: what reports call it.
            argv: the program.
            what: what it does, in the user's words, for messages.
            env: its whole environment; None keeps this process's.
            start_timeout: seconds until its first line.

        Raises:
            DeviceError: it cannot be started, or ended or hung at once; the message has its words.
        """
        if sys.platform == "win32":
            raise DeviceError(f"--device {name} needs pseudo-terminals, which Windows does not have.")
        self._name = name
        self._what = what
        self._words = bytearray()
        self._child = process.start(argv, what=what, env=env, error=DeviceError)
        self._reader = threading.Thread(target=self._collect_words, daemon=True)
        self._reader.start()
        try:
            self._url = self._next_line(start_timeout)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """What reports call it."""
        return self._name

    @property
    def url(self) -> str:
        """The pseudo-terminal."""
        return self._url

    @property
    def rx_window(self) -> int:
        """None: the firmware says in HELLO what it keeps."""
        return 0

    def ask(self, line: str, *, timeout: float) -> str:
        """Write a line to its stdin, and wait for the next one that it prints.

        Raises:
            DeviceError: it ended, or said nothing within `timeout` seconds.
        """
        stdin = self._child.stdin
        assert stdin is not None  # noqa: S101 (process.start makes pipes)
        with contextlib.suppress(OSError):  # it has ended: reading tells how
            stdin.write(line.encode() + b"\n")
            stdin.flush()
        return self._next_line(timeout)

    def failure(self) -> str | None:
        """How the child ended, and its last words."""
        status = self._child.poll()
        if status is None:
            return None
        self._reader.join(1.0)
        words = bytes(self._words).decode(errors="replace").strip()
        how = f"crashed ({signal.Signals(-status).name})" if status < 0 else f"ended (status {status})"
        return f"{self._what}: the process {how}." + "".join(f"\n  {line}" for line in words.splitlines()[-20:])

    def close(self) -> None:
        """End the child."""
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()
        process.stop(self._child)

    def _collect_words(self) -> None:
        pipe = self._child.stderr
        with contextlib.suppress(OSError, ValueError):
            while pipe is not None and (data := os.read(pipe.fileno(), 4096)):
                self._words += data
                del self._words[:-_KEPT]

    def _next_line(self, timeout: float) -> str:
        pipe = self._child.stdout
        assert pipe is not None  # noqa: S101 (process.start makes pipes)
        deadline = time.monotonic() + timeout
        line = b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise DeviceError(f"{self._what}: not ready within {timeout:g} s.")
            data = os.read(pipe.fileno(), 4096)
            if not data:
                with contextlib.suppress(Exception):
                    self._child.wait(5.0)
                raise DeviceError(self.failure() or f"{self._what}: it closed its output.")
            line += data
        return line.decode(errors="replace").strip()
