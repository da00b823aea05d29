"""Serves a model of this process on a pseudo-terminal, until stdin is closed. POSIX only."""

from __future__ import annotations

import os
import pty
import select
import sys
import tty

from edgeq.devices.host_model import HostModel
from edgeq.devices.responder import Responder

_STDIN = 0


class _Line:
    """The device's end. Writing waits for the host, but never beyond the end of stdin."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()  # the slave stays open here: reading works while no host is connected
        tty.setraw(slave)
        os.set_blocking(self.master, False)
        self.name = os.ttyname(slave)

    def wait(self, *, for_room: bool) -> bool:
        """Wait for bytes, or for room; whether there were bytes. Ends the process when stdin is closed."""
        room = [self.master] if for_room else []
        data = [] if for_room else [self.master]
        readable, _, _ = select.select([_STDIN, *data], room, [])
        if _STDIN in readable and not os.read(_STDIN, 4096):
            raise SystemExit(0)
        return self.master in readable

    def write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self.master, data) :]
            except BlockingIOError:
                self.wait(for_room=True)


def serve(model: HostModel) -> None:
    """Print the pseudo-terminal's name, then answer requests until stdin is closed."""
    line = _Line()
    print(line.name, flush=True)
    sys.stdout.flush()
    while True:
        responder = Responder(model, line.write)
        while not responder.reset_requested:
            if line.wait(for_room=False):
                responder.receive(os.read(line.master, 65536))
