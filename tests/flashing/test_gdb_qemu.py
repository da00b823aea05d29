"""QEMU's own gdb server, on an empty board: what is written is there, and a wrong byte is caught."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from firmware_image import firmware_bytes, made_elf

from edgeq.boards import load_board
from edgeq.errors import DeviceError, FlashError
from edgeq.flashing.flash import flash_image
from edgeq.flashing.gdb import GdbTarget
from edgeq.flashing.image import FlashImage, Piece
from edgeq.progress import Progress

BOARD = load_board("netduinoplus2")
FLASH = BOARD.flash.origin

pytestmark = pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="qemu-system-arm is not installed")


@contextmanager
def empty_board(machine: str) -> Iterator[str]:
    """The probe of a board without firmware, halted, that waits for gdb."""
    argv = [
        "qemu-system-arm", "-machine", machine, "-S", "-icount", "shift=6,sleep=off", "-display", "none",
        "-monitor", "none", "-serial", "none",
        "-chardev", "socket,id=gdb,host=127.0.0.1,port=0,server=on,wait=off", "-gdb", "chardev:gdb",
    ]  # fmt: skip
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as qemu:
        try:
            yield f"gdb://127.0.0.1:{_port_of(qemu.pid)}"
        finally:
            qemu.kill()


def _port_of(pid: int) -> int:
    """The TCP port that a process listens on: QEMU chose it, and does not say which."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        sockets = set()
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                sockets.add(descriptor.readlink().name.removeprefix("socket:[").rstrip("]"))
        for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and fields[9] in sockets:
                return int(fields[1].rpartition(":")[2], 16)
        time.sleep(0.02)
    raise AssertionError("QEMU does not listen")


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    return made_elf(tmp_path / "firmware.elf", {FLASH: firmware_bytes(FLASH, BOARD.ram.end, 10_000)})


def test_an_image_is_there_after_a_reset(elf: Path) -> None:
    """Running it, and the layers of a real one: tests/e2e/test_your_board.py."""
    with empty_board("netduinoplus2") as probe:
        assert flash_image(elf, BOARD, probe, Progress()).size == 10_000


def test_a_corrupted_byte_is_caught(elf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = GdbTarget.write

    def damage(self: GdbTarget, image: FlashImage, progress: Progress) -> None:
        write(self, image, progress)
        piece = image.pieces[0]
        self._write_memory(Piece(address=piece.address + 0x321, data=bytes([piece.data[0x321] ^ 1])), Progress())

    monkeypatch.setattr(GdbTarget, "write", damage)
    with empty_board("netduinoplus2") as probe, pytest.raises(FlashError, match=r"0x08000321.*; 1 of"):
        flash_image(elf, BOARD, probe, Progress())


def test_another_board_is_refused(elf: Path) -> None:
    with (
        empty_board("mps2-an385") as probe,
        pytest.raises(DeviceError, match="has a cortex-m3, netduinoplus2 a cortex-m4"),
    ):
        flash_image(elf, BOARD, probe, Progress())
