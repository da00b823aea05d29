"""Boards that are plugged into another computer: socket:// and rfc2217:// through a real ser2net."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from link_firmware import NATIVE_INPUT_BYTES, expected
from test_session import samples

from edgeq.devices.native import native_device
from edgeq.errors import LinkError
from edgeq.link.session import Session

SER2NET = shutil.which("ser2net", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
ACCEPTERS = {"socket": "tcp", "rfc2217": "telnet(rfc2217),tcp"}

pytestmark = pytest.mark.skipif(SER2NET is None, reason="ser2net is not installed (Debian: apt-get install ser2net)")


@contextmanager
def ser2net(folder: Path, port: str) -> Iterator[dict[str, str]]:
    """A URL for each scheme that leads to the serial port `port`; one may be open at a time."""
    assert SER2NET is not None
    ports = dict(zip(ACCEPTERS, free_ports(len(ACCEPTERS)), strict=True))
    config = folder / "ser2net.yaml"
    config.write_text(
        "%YAML 1.1\n---\n"
        + "".join(
            f"connection: &{scheme}\n"
            f"  accepter: {accepter},127.0.0.1,{ports[scheme]}\n"
            f"  connector: serialdev,{port},115200n81,local\n"
            for scheme, accepter in ACCEPTERS.items()
        )
    )
    with subprocess.Popen(
        [SER2NET, "-n", "-u", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as server:
        try:
            for number in ports.values():
                await_listener(number, server)
            # A pseudo-terminal has no modem lines, and ser2net does not acknowledge them then; a real port's it does.
            options = {"rfc2217": "?ign_set_control"}
            yield {s: f"{s}://127.0.0.1:{number}{options.get(s, '')}" for s, number in ports.items()}
        finally:
            server.terminate()


def free_ports(count: int) -> list[int]:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


def await_listener(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert server.poll() is None, server.stderr.read() if server.stderr else ""
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(0.2)  # ser2net lets the serial port go when it has noticed that nobody is there
                return
        time.sleep(0.05)
    pytest.fail("ser2net does not listen")


@pytest.mark.parametrize("scheme", ACCEPTERS)
def test_inferences_through_a_real_server(native_program: Path, tmp_path: Path, scheme: str) -> None:
    with native_device(native_program) as device, ser2net(tmp_path, device.url) as urls:
        with Session.connect(urls[scheme], failure=device.failure) as session:
            inputs = samples(20, NATIVE_INPUT_BYTES)
            for run, (one, result) in enumerate(zip(inputs, session.run_many(inputs), strict=True), 1):
                assert result.outputs == expected(one, run)
            assert session.selftest()
            session.reset()
            assert session.run(inputs[0]).outputs == expected(inputs[0], 1)
        time.sleep(0.5)
        with Session.connect(urls[scheme], failure=device.failure) as session:
            assert session.run(inputs[1]).outputs == expected(inputs[1], 2)


@pytest.mark.parametrize("scheme", ACCEPTERS)
def test_a_server_that_goes_away(native_program: Path, tmp_path: Path, scheme: str) -> None:
    with native_device(native_program) as device:
        with ser2net(tmp_path, device.url) as urls:
            session = Session.connect(urls[scheme], timeout=1)
            session.run(samples(1, NATIVE_INPUT_BYTES)[0])
        with session, pytest.raises(LinkError, match=r"the port went away|no answer within 1 s"):
            session.run(samples(1, NATIVE_INPUT_BYTES)[0])
        with pytest.raises(LinkError, match=r"cannot be opened.*\n.*ser2net"):
            Session.connect(urls[scheme])


@pytest.mark.parametrize("scheme", ACCEPTERS)
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_port_of_the_server_that_another_program_uses(native_program: Path, tmp_path: Path, scheme: str) -> None:
    """Said in one message; pyserial's thread does not end with a traceback."""
    with native_device(native_program) as device, ser2net(tmp_path, device.url) as urls:
        with (
            Session.connect(urls["socket"], failure=device.failure),
            pytest.raises(LinkError, match=r"another program use") as caught,
        ):
            Session.connect(urls[scheme], timeout=2)
        assert caught.value.message.startswith(urls[scheme])
