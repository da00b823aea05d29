"""Devices that a session talks to: the native board as a process, its end, and a board behind a socket."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from link_firmware import NATIVE_INPUT_BYTES, expected
from test_session import samples

from edgeq.devices.child import ChildDevice
from edgeq.devices.native import native_device
from edgeq.devices.run import run_samples
from edgeq.devices.serial import SerialDevice
from edgeq.errors import DataError, DeviceError
from edgeq.link.session import Session
from edgeq.link.transport import Transport
from edgeq.records import Progress


def test_samples_through_a_device(native_program: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(-128, 128, (7, NATIVE_INPUT_BYTES)).astype(np.int8)
    contexts = rng.integers(-100, 100, (7, 1, 5)).astype(np.int16)
    told: list[object] = []
    with native_device(native_program) as device, Session.connect(device.url) as session:
        progress = Progress(start=lambda *args: told.append(args), step=lambda n=1: told.append(n))
        run = run_samples(device, session, (images, contexts), progress)
        with pytest.raises(DataError, match="Input image of the model on the device is int8"):
            run_samples(device, session, (images.astype(np.int16), contexts))
        with pytest.raises(DataError, match="2 inputs, the data 1"):
            run_samples(device, session, (images,))
        with pytest.raises(DataError, match="different numbers of samples"):
            run_samples(device, session, (images, contexts[:3]))
    assert told == [("Running on native", 7), *[1] * 7]
    assert (run.device, run.board, run.stack_bytes, run.ticks.tolist()) == ("native", "native", None, [0] * 7)
    assert run.outputs[0].dtype == np.int32
    assert run.outputs[0][:, 0].tolist() == images.astype(np.int32).sum(axis=1).tolist()
    assert run.outputs[0][:, 2].tolist() == contexts.astype(np.int32).sum(axis=(1, 2)).tolist()
    np.testing.assert_array_equal(run.outputs[1].view(np.uint8), images.view(np.uint8)[:, ::-1] ^ 0x55)


def test_a_child_that_dies_says_so(native_program: Path) -> None:
    with native_device(native_program) as device, Session.connect(device.url, failure=device.failure) as session:
        device._child.kill()
        with pytest.raises(DeviceError, match=r"the process crashed \(SIGKILL\)"):
            session.run(samples(1, NATIVE_INPUT_BYTES)[0])


def test_a_child_that_cannot_start() -> None:
    argv = [sys.executable, "-c", "import sys; sys.exit('the model is broken')"]
    with pytest.raises(DeviceError, match=r"ended \(status 1\).\n  the model is broken"):
        ChildDevice("x", argv, what="Trying")
    with pytest.raises(DeviceError, match=r"not ready within 0\.2 s"):
        ChildDevice("x", [sys.executable, "-c", "input()"], what="Trying", start_timeout=0.2)


def test_the_firmware_ends_when_its_parent_is_killed(native_program: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from edgeq.devices.native import native_device\n"
        "device = native_device(Path(sys.argv[1])); print(device._child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(native_program)],
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(200):
        try:
            if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail(f"process {child} outlived its parent")


def test_over_a_socket(native_program: Path) -> None:
    """socket:// to a relay in front of the pseudo-terminal."""
    import socket

    with native_device(native_program) as device, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        relay = threading.Thread(target=_relay, args=(server, device.url), daemon=True)
        relay.start()
        url = f"socket://127.0.0.1:{port}"
        with Session.connect(url) as session:
            inputs = samples(1, NATIVE_INPUT_BYTES)[0]
            assert session.run(inputs).outputs == expected(inputs, 1)
            assert SerialDevice(url).name == url
        relay.join(5)
        assert not relay.is_alive()


def _relay(server: object, url: str) -> None:
    connection, _ = server.accept()  # type: ignore[attr-defined]
    connection.setblocking(False)
    with Transport(url) as line, connection:
        while True:
            try:
                data = connection.recv(4096)
                if not data:
                    return
                line.write(data)
            except BlockingIOError:
                pass
            if data := line.read(0.002):
                connection.setblocking(True)
                connection.sendall(data)
                connection.setblocking(False)
