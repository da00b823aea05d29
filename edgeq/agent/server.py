"""Serves a model: over TCP to one client after the other, or on a serial line."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from edgeq.devices.host_model import HostModel
from edgeq.devices.responder import Responder
from edgeq.errors import DeviceError, InputError
from edgeq.link.transport import Transport

IDLE_SECONDS = 30.0
"""Silence after which a client that others wait for is sent away."""

_PAYLOAD = 16384  # bytes of a frame over TCP: whole inputs of small models, and few round trips for large ones
_WINDOW = 65536  # what the system's socket buffers keep while the model runs
_PIECE = 65536
_POLL = 0.5  # seconds between looks at a serial line

# A client whose machine vanished: probed after so many seconds of silence, so often, until it counts as gone.
_PROBES = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT, :PORT or PORT; the host is the loopback if it is left out. [::1]:PORT for IPv6.

    Raises:
        InputError: it is none.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not port.isdigit() or int(port) > 65535:
        raise InputError(f"{text!r} is no address.", hint="Write HOST:PORT, such as 127.0.0.1:7007; port 0 takes any.")
    return host or "127.0.0.1", int(port)


class Listener:
    """A listening TCP socket. `url` is what `--device` takes on the same machine."""

    def __init__(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            InputError: no such host.
            DeviceError: the port is taken, or may not be used.
        """
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        except socket.gaierror as exc:
            raise InputError(f"{host}: {exc.strerror}.", hint="Use 127.0.0.1, or an address of this machine.") from exc
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(address)
            self.socket.listen(16)
        except OSError as exc:
            self.socket.close()
            hint = "Another agent? Use another port; 0 takes any." if exc.errno == errno.EADDRINUSE else None
            raise DeviceError(f"{host}:{port}: cannot listen there: {exc.strerror}.", hint=hint) from exc
        self.host, self.port = self.socket.getsockname()[:2]
        self.url = f"socket://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def is_wanted(self) -> bool:
        """Whether somebody waits to be accepted."""
        return bool(select.select([self.socket], [], [], 0)[0])

    def __enter__(self) -> Self:
        """The listener itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops listening."""
        self.socket.close()


def serve_tcp(
    model: HostModel, listener: Listener, *, say: Callable[[str], object], idle_seconds: float = IDLE_SECONDS
) -> None:
    """Serve one client after the other, forever. To each, the device has just started.

    A client that leaves, vanishes, or is silent while another one waits, makes room for the next. What it sends does no
    harm: whatever is no request is counted and dropped.

    Args:
        model: what runs.
        listener: where clients come from.
        say: told who comes and goes.
        idle_seconds: silence after which a waiting client takes the place.
    """
    while True:
        try:
            client, address = listener.socket.accept()
        except OSError as exc:  # it was gone before it was accepted
            if exc.errno in (errno.EMFILE, errno.ENFILE, errno.EBADF):
                raise DeviceError(f"{listener.url}: {exc.strerror}.") from exc
            continue
        name = f"{address[0]}:{address[1]}"
        with client:
            say(f"{name} is connected.")
            _prepare(client, idle_seconds)
            try:
                why = _Client(model, client).serve(listener, idle_seconds)
            except OSError as exc:
                why = exc.strerror or str(exc)
            say(f"{name}: {why}.")


def _prepare(client: socket.socket, idle_seconds: float) -> None:
    client.settimeout(idle_seconds)  # of sending to a client that does not read
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PROBES.items():
        with contextlib.suppress(OSError):
            if hasattr(socket, name):
                client.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class _Client:
    """One conversation."""

    def __init__(self, model: HostModel, client: socket.socket) -> None:
        self._model = model
        self._client = client

    def serve(self, listener: Listener, idle_seconds: float) -> str:
        """Until it ends; why it did."""
        while True:
            responder = Responder(self._model, self._client.sendall, max_payload=_PAYLOAD, rx_window=_WINDOW)
            heard, known = time.monotonic(), 0
            while not responder.reset_requested:
                left = heard + idle_seconds - time.monotonic()
                if left <= 0 and listener.is_wanted():
                    return "it was silent, and another client waits"
                others = [listener.socket] if left <= 0 else []
                if self._client not in select.select([self._client, *others], [], [], max(left, 0) or None)[0]:
                    continue
                data = self._client.recv(_PIECE)
                if not data:
                    return "it has left"
                responder.receive(data)
                if responder.requests > known:  # noise is silence, too
                    heard, known = time.monotonic(), responder.requests


def serve_serial(model: HostModel, port: str, baud: int) -> None:
    """Serve on a serial line, until the port goes away.

    Raises:
        InputError, LinkError: no such port, or it went away.
    """
    with Transport(port, baud=baud) as line:
        while True:
            responder = Responder(model, line.write)
            while not responder.reset_requested:
                if data := line.read(_POLL):
                    responder.receive(data)


def is_exposed(host: str) -> bool:
    """Whether other machines reach a listener at this address."""
    return not (host.startswith("127.") or host in ("::1", "localhost"))


def own_addresses() -> list[str]:
    """Addresses under which other machines may reach this one, as far as it knows."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # documentation's network: nothing is sent, a route is looked up
        return [str(probe.getsockname()[0])]
    return [os.uname().nodename] if hasattr(os, "uname") else []
