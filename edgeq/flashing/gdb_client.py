"""A connection to a gdb server: one request, one answer, with deadlines."""

from __future__ import annotations

import re
import socket
import time

from edgeq.errors import DeviceError
from edgeq.flashing.gdb_packets import ACK, NACK, Unpacker, packet

_CONNECT = 5.0
_ANSWER = 5.0
_TRIES = 3
_STOPPED = re.compile(rb"[TSWX][0-9a-fA-F]{2}")


class GdbClient:
    """The connection. Every method raises DeviceError when the server is gone, silent or talks nonsense."""

    def __init__(self, host: str, port: int) -> None:
        """Connect; a server halts its target then."""
        self.where = f"the gdb server at {host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=_CONNECT)
        except OSError as exc:
            raise DeviceError(
                f"Nobody answers at {host}:{port}: {exc.strerror or exc}.",
                hint="Start the gdb server first: openocd, JLinkGDBServer, pyocd gdbserver, or qemu-system-arm -gdb.",
            ) from exc
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unpacker = Unpacker()

    def ask(self, payload: bytes, *, timeout: float = _ANSWER) -> bytes:
        """The answer to a request; b"" if the server does not know it."""
        self.send(payload)
        for _ in range(_TRIES):
            try:
                # A server tells a new client that its target has just been stopped, and nobody asked.
                while _STOPPED.match(answer := self.answer(timeout)):
                    pass
                return answer
            except ValueError:
                self._write(NACK)  # the server says it again
        raise DeviceError(
            f"What {self.where} says is damaged again and again.", hint="Is it a gdb server that listens there?"
        )

    def send(self, payload: bytes) -> None:
        """Send a request without waiting for the answer."""
        self._write(packet(payload))

    def resume(self) -> None:
        """Let the target run; there is no answer before it stops again, only a sign that the request has arrived."""
        self.send(b"c")
        self._socket.settimeout(_ANSWER)
        try:
            said = self._socket.recv(1)
        except OSError as exc:
            raise self._gone(f"is gone ({exc.strerror or exc})") from exc
        if not said:
            raise self._gone("closed the connection")

    def answer(self, timeout: float = _ANSWER) -> bytes:
        """The next packet.

        Raises:
            ValueError: its checksum is wrong.
        """
        deadline = time.monotonic() + timeout
        while True:
            payload = self._unpacker.next()
            if payload is not None:
                self._write(ACK)
                return payload
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._gone(f"has not answered for {timeout:g} s")
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                continue
            except OSError as exc:
                raise self._gone(f"is gone ({exc.strerror or exc})") from exc
            if not data:
                raise self._gone("closed the connection")
            self._unpacker.feed(data)

    def monitor(self, command: str, *, timeout: float) -> str:
        """Have the server carry out a command of its own; what it printed."""
        said = b""
        answer = self.ask(b"qRcmd," + command.encode().hex().encode(), timeout=timeout)
        while answer[:1] == b"O" and answer != b"OK":
            try:
                said += bytes.fromhex(answer[1:].decode("ascii", "replace"))
                answer = self.answer(timeout)
            except ValueError as exc:
                raise self._gone("sends damaged answers") from exc
        return said.decode(errors="replace")

    def document(self, name: str) -> str | None:
        """A document that the server offers (qXfer), such as "memory-map"; None if it has none."""
        text = b""
        while True:
            answer = self.ask(b"qXfer:%s:read::%x,%x" % (name.encode(), len(text), 0x1000))
            if answer[:1] not in (b"m", b"l"):
                return None
            text += answer[1:]
            if answer[:1] == b"l":
                return text.decode(errors="replace")

    def close(self) -> None:
        """End the connection; the target goes on as it is."""
        self._socket.close()

    def _write(self, data: bytes) -> None:
        self._socket.settimeout(_ANSWER)
        try:
            self._socket.sendall(data)
        except OSError as exc:
            raise self._gone(f"is gone ({exc.strerror or exc})") from exc

    def _gone(self, what: str) -> DeviceError:
        return DeviceError(
            f"{self.where[0].upper()}{self.where[1:]} {what}.",
            hint="Is the probe still plugged in, and the board powered? The server's own messages say more.",
        )
