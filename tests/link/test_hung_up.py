"""A server of an rfc2217:// that ends the connection: the advice is the same, whatever pyserial says of it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from edgeq.errors import LinkError
from edgeq.link.transport import Transport

DO, IAC, BINARY, COM_PORT = b"\xfd", b"\xff", b"\x00", b"\x2c"


def at_once(client: socket.socket) -> None:
    """A reset: what the client has sent is not read."""
    time.sleep(0.1)


def when_asked(client: socket.socket) -> None:
    client.recv(1024)


def when_agreed(client: socket.socket) -> None:
    """Everything is negotiated, and the line's speed not."""
    client.sendall(IAC + DO + BINARY + IAC + DO + COM_PORT)
    time.sleep(0.2)
    client.recv(1024)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("hang_up", [at_once, when_asked, when_agreed])
def test_the_advice_does_not_depend_on_when(hang_up: Callable[[socket.socket], None]) -> None:
    def serve() -> None:
        client, _ = server.accept()
        with client:
            hang_up(client)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(LinkError, match="does another program use its port"):
            Transport(f"rfc2217://127.0.0.1:{server.getsockname()[1]}?timeout=0.5")
        thread.join()


def test_a_server_that_says_nothing_has_not_hung_up() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(LinkError, match="Does the device's side"),
    ):
        Transport(f"rfc2217://127.0.0.1:{server.getsockname()[1]}?timeout=0.5")
