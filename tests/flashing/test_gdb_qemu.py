"""QEMU's own gdb server, with a real image: flash, run, and be caught when a byte is wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zoo as models

import edgeq
from edgeq.errors import DeviceError, FlashError
from edgeq.flashing.gdb import GdbTarget
from edgeq.flashing.image import FlashImage, Piece
from edgeq.progress import Progress

pytestmark = pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="qemu-system-arm is not installed")


@contextmanager
def empty_board(machine: str) -> Iterator[tuple[str, str]]:
    """(probe, serial port) of a board without firmware, halted, that waits for gdb."""
    argv = [
        "qemu-system-arm", "-machine", machine, "-S", "-icount", "shift=6,sleep=off", "-display", "none",
        "-monitor", "none", "-chardev", "pty,id=line", "-serial", "chardev:line",
        "-chardev", "socket,id=gdb,host=127.0.0.1,port=0,server=on,wait=off", "-gdb", "chardev:gdb",
    ]  # fmt: skip
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as qemu:
        try:
            assert qemu.stdout is not None
            line = re.search(r"redirected to (\S+)", qemu.stdout.readline())
            assert line
            yield f"gdb://127.0.0.1:{_port_of(qemu.pid)}", line[1]
        finally:
            qemu.kill()


def _port_of(pid: int) -> int:
    """The TCP port that a process listens on: QEMU chose it, and does not say which."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        sockets = {p.readlink().name.removeprefix("socket:[").rstrip("]") for p in Path(f"/proc/{pid}/fd").iterdir()}
        for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and fields[9] in sockets:
                return int(fields[1].rpartition(":")[2], 16)
        time.sleep(0.02)
    raise AssertionError("QEMU does not listen")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("netduino")
    (folder / "demo.tflite").write_bytes(models.zoo_tflite("demo"))
    edgeq.build(
        edgeq.BuildOptions(
            model=folder / "demo.tflite", data=None, out=folder / "build", board="netduinoplus2", samples=3,
            traced_samples=0,
        )
    )  # fmt: skip
    return folder / "build"


def test_flash_validate_and_trace_a_board(build: Path) -> None:
    with empty_board("netduinoplus2") as (probe, port):
        done = edgeq.flash(build, probe=probe)
        assert done.size > 10_000
        report = edgeq.validate(build, device=port)
        assert report.passed
        assert report.device.name == port
        assert report.drift is not None
        assert report.drift.primary.mismatches == 0
        layers = edgeq.drift(build, device=port, probe=probe, samples=2)
        assert layers
        assert not any(layer.differing_samples for layer in layers)
        assert edgeq.validate(build, device=port).passed  # the measured image is back


def test_a_corrupted_byte_is_caught(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = GdbTarget.write

    def damage(self: GdbTarget, image: FlashImage, progress: Progress) -> None:
        write(self, image, progress)
        piece = image.pieces[0]
        self._write_memory(Piece(address=piece.address + 0x321, data=bytes([piece.data[0x321] ^ 1])), Progress())

    monkeypatch.setattr(GdbTarget, "write", damage)
    with empty_board("netduinoplus2") as (probe, _), pytest.raises(FlashError, match=r"0x08000321.*; 1 of"):
        edgeq.flash(build, probe=probe)


def test_another_board_is_refused(build: Path) -> None:
    with (
        empty_board("mps2-an385") as (probe, _),
        pytest.raises(DeviceError, match="has a cortex-m3, netduinoplus2 a cortex-m4"),
    ):
        edgeq.flash(build, probe=probe)
