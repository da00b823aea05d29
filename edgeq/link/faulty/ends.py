"""The two ends of the proxy: what the host opens, and the device's port."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import Protocol

from edgeq.errors import InputError, LinkError
from edgeq.link.transport import Transport

_CHUNK = 4096


class End(Protocol):
    """One end. `url` is what others open, or what this end has opened."""

    url: str

    def watched(self) -> list[int]:
        """File descriptors that become readable when there is something to do here."""
        ...

    def read(self) -> bytes:
        """What has arrived; never waits."""
        ...

    def write(self, data: bytes) -> bytes:
        """Send it; what there was no room for comes back."""
        ...

    def speed(self) -> int | None:
        """The baud rate that this end is set to; None where it has none."""
        ...

    def follow(self, baud: int) -> None:
        """The other end was set to this speed: so is this one, where it is a port of this machine's."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...


class PtyEnd:
    """A pseudo-terminal for the host to open. Its speed is what the host has set."""

    def __init__(self) -> None:
        """Opens it; POSIX only."""
        if sys.platform == "win32":
            raise InputError("Windows has no pseudo-terminals.", hint="Use --listen HOST:PORT and socket://HOST:PORT.")
        import pty
        import tty

        self._master, self._slave = pty.openpty()  # the slave stays open: no close by the host ends the line
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.url = os.ttyname(self._slave)

    def watched(self) -> list[int]:
        """The master."""
        return [self._master]

    def read(self) -> bytes:
        """What the host wrote."""
        try:
            return os.read(self._master, _CHUNK)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> bytes:
        """To the host."""
        try:
            return data[os.write(self._master, data) :]
        except BlockingIOError:
            return data

    def speed(self) -> int | None:
        """What the host set."""
        return terminal_speed(self._slave)

    def follow(self, baud: int) -> None:
        """The host sets its speed itself."""

    def close(self) -> None:
        """Both sides."""
        os.close(self._master)
        os.close(self._slave)


class SocketEnd:
    """A TCP server for one host at a time; without one, what should be sent is lost, as on a cable that hangs loose."""

    def __init__(self, host: str, port: int) -> None:
        """Listens; port 0 takes a free one.

        Raises:
            InputError: the address cannot be had.
        """
        try:
            self._server = socket.create_server((host, port))
        except OSError as exc:
            raise InputError(f"{host}:{port}: cannot listen there: {exc.strerror or exc}.") from exc
        self._server.setblocking(False)
        self._client: socket.socket | None = None
        self.url = f"socket://{host}:{self._server.getsockname()[1]}"

    def watched(self) -> list[int]:
        """The server until there is a client, then the client."""
        return [(self._client or self._server).fileno()]

    def read(self) -> bytes:
        """What the client sent; takes a new client when there is none."""
        try:
            if self._client is None:
                self._client, _ = self._server.accept()
                self._client.setblocking(False)
                self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            data = self._client.recv(_CHUNK)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._drop()
        return data

    def write(self, data: bytes) -> bytes:
        """To the client."""
        if self._client is None:
            return b""
        try:
            return data[self._client.send(data) :]
        except BlockingIOError:
            return data
        except OSError:
            self._drop()
            return b""

    def speed(self) -> int | None:
        """None: a socket has no speed."""
        return None

    def follow(self, baud: int) -> None:
        """A socket has no speed."""

    def close(self) -> None:
        """Server and client."""
        self._drop()
        self._server.close()

    def _drop(self) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.close()
        self._client = None


class DeviceEnd:
    """The device's port, opened as a host would."""

    def __init__(self, url: str, *, baud: int) -> None:
        """Opens it.

        Raises:
            LinkError: no such port, or it is in use.
        """
        self.url = url
        self._transport = Transport(url, baud=baud)

    def watched(self) -> list[int]:
        """The port, where it has a descriptor."""
        return [] if self._transport.fileno is None else [self._transport.fileno]

    def read(self) -> bytes:
        """What the device sent. Raises LinkError if the port is gone."""
        return self._transport.read(0.0)

    def write(self, data: bytes) -> bytes:
        """To the device; what it does not take within a second is lost. Raises LinkError if the port is gone."""
        self._transport.write(data)
        return b""

    def speed(self) -> int | None:
        """What a device behind a pseudo-terminal has set; None for others, which do not say."""
        if self._transport.fileno is None or not self.url.startswith("/dev/pts/"):
            return None
        return terminal_speed(self._transport.fileno)

    def follow(self, baud: int) -> None:
        """A port gets the speed that the host has set; a device behind a pseudo-terminal sets its own."""
        if self.speed() is None and baud != self._transport.baud:
            with contextlib.suppress(LinkError):  # it does not take that speed: the host notices, and goes back
                self._transport.set_baud(baud)

    def close(self) -> None:
        """Closes it."""
        with contextlib.suppress(LinkError):
            self._transport.close()


def terminal_speed(fd: int) -> int | None:
    """The baud rate that a terminal is set to, None if it is no standard one."""
    import termios

    code = termios.tcgetattr(fd)[5]
    return next((rate for rate, known in _rates().items() if known == code), None)


def _rates() -> dict[int, int]:
    """Baud rate to termios' code."""
    import termios

    return {int(name[1:]): code for name, code in vars(termios).items() if name[0] == "B" and name[1:].isdigit()}
