"""Devices that are not there, do not answer, or run something else: one message, the right exit status."""

from __future__ import annotations

import contextlib
import os
import pty
import socket
import tty
from pathlib import Path

import pytest
from command_line import Cli
from projects import tiny_model

from edgeq.boards import load_board
from edgeq.builds import open_build
from edgeq.devices.native import native_device
from edgeq.errors import LinkError
from edgeq.measure import compile_for

pytestmark = pytest.mark.xdist_group("cli")


def test_ports_that_do_not_exist_are_refused_at_once(here: Cli, build_folder: Path) -> None:
    message = here.refuses(3, "build", "model.tflite", "--device", "/dev/edgeq-none", said="/dev/edgeq-none")
    assert "port" in message
    here.refuses(3, "validate", build_folder, "--device", "/dev/edgeq-none", said="/dev/edgeq-none")
    here.refuses(3, "monitor", "/dev/edgeq-none", said="/dev/edgeq-none")
    here.refuses(2, "validate", build_folder, "--device", "emulatde", said=("emulatde", "emulated"))
    here.refuses(3, "validate", build_folder, "--device", "socket://127.0.0.1:1", said="refused")
    here.refuses(2, "validate", build_folder, "--device", "spoon://x", said="spoon")
    here.refuses(3, "validate", build_folder, "--device", build_folder / "manifest.json", said="manifest.json")


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("socket://127.0.0.1:1", 3, ("refused", "listen")),
        ("spoon://x", 2, ("spoon", "socket://host:port")),
    ],
)
def test_urls_that_do_not_answer_are_refused_at_once(
    here: Cli, url: str, status: int, said: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*arguments: object) -> None:
        pytest.fail("the model was read first")

    monkeypatch.setattr("edgeq.pipeline.read_source", too_late)
    message = here.refuses(status, "build", "model.tflite", "--device", url, said=said)
    assert "orts of this machine" not in message
    assert "serial port" not in message


@pytest.mark.parametrize("command", ["build", "validate", "drift", "profile"])
def test_line_speed(here: Cli, build_folder: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(url: str, *, baud: int, **options: object) -> None:
        raise LinkError(f"{url} at {baud}")

    monkeypatch.setattr("edgeq.link.session.Session.connect", connect)
    what = ["model.tflite", "--samples", "1"] if command == "build" else [build_folder]
    here.refuses(3, command, *what, "--device", "/dev/null", "--baud", "9600", said="/dev/null at 9600")
    here.refuses(2, command, *what, "--device", "/dev/null", "--baud", "9", said="--baud")


def test_devices_that_never_answer(cli: Cli, build_folder: Path) -> None:
    """A pseudo-terminal that nobody serves, and a socket that accepts and stays silent; both at once, to save time."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
        port = server.getsockname()[1]
        urls = [os.ttyname(slave), f"socket://127.0.0.1:{port}"]
        processes = [stack.enter_context(cli.start("validate", build_folder, "--device", url)) for url in urls]
        for url, process in zip(urls, processes, strict=True):
            out, err = process.communicate(timeout=60)
            assert (process.returncode, out) == (3, b""), err
            assert b"Traceback" not in err
            assert url.encode() in err
            assert b"answer" in err
    os.close(master)
    os.close(slave)


def test_device_with_another_model(cli: Cli, build_folder: Path, tmp_path: Path) -> None:
    (cli.folder / "other.tflite").write_bytes(tiny_model(2))
    done = cli("build", "other.tflite", "--out", "other", "--samples", "2", "--device", "native", "--json")
    assert done.returncode == 0, done.stderr
    image = compile_for(open_build(cli.folder / "other"), load_board("native"), tmp_path, traced=False)
    with native_device(image.elf) as device:
        cli.refuses(3, "validate", build_folder, "--device", device.url, said=("another model", "Flash the image"))


def test_drift_of_a_firmware_that_does_not_trace(cli: Cli, build_folder: Path, tmp_path: Path) -> None:
    image = compile_for(open_build(build_folder), load_board("native"), tmp_path, traced=False)
    said = ("without tracing", "edgeq flash BUILD --traced", "make TRACE=1 firmware")
    with native_device(image.elf) as device:
        cli.refuses(3, "drift", build_folder, "--device", device.url, said=said)
