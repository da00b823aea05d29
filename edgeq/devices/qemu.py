"""A Cortex-M board emulated by qemu-system-arm, behind a pseudo-terminal."""

from __future__ import annotations

import contextlib
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from edgeq import process
from edgeq.boards import Board
from edgeq.closing import Closing
from edgeq.devices.base import RX_WINDOW
from edgeq.errors import DeviceError, InputError

PROGRAM = "qemu-system-arm"
HINT = "Install it (Debian: apt-get install qemu-system-arm), or use --device emulated."

_START_TIMEOUT = 30.0
# 2^6 ns an instruction, and no real time passes while the firmware sleeps: the board's counter counts instructions.
_SHIFT = 6
_ICOUNT = f"shift={_SHIFT},sleep=off"
NANOSECONDS_PER_INSTRUCTION = 1 << _SHIFT
"""How far QEMU's clock, and so the boards' counters, move with every instruction."""


class QemuDevice(Closing):
    """The board, running from the moment this object exists. See `edgeq.devices.base.Device`."""

    def __init__(self, elf: Path, board: Board, *, extra: Sequence[str] = ()) -> None:
        """Boot an image. `extra` are further arguments for QEMU.

        Raises:
            InputError: QEMU has no such board.
            ToolError: qemu-system-arm is not installed.
            DeviceError: it did not start; the message has its words.
        """
        if board.qemu_machine is None:
            raise InputError(f"QEMU cannot play {board.name}: its board.toml names no qemu_machine.")
        if sys.platform == "win32":
            raise DeviceError("--device qemu needs pseudo-terminals, which Windows does not have.")
        program = process.find_tool(PROGRAM, hint=HINT)
        self._what = f"QEMU as {board.qemu_machine}"
        self._child = process.start(
            [
                program, "-machine", board.qemu_machine, "-icount", _ICOUNT, "-kernel", elf.resolve(),
                "-display", "none", "-monitor", "none", "-chardev", "pty,id=line", "-serial", "chardev:line",
                *extra,
            ],
            what=self._what,
            error=DeviceError,
        )  # fmt: skip
        self._words: list[str] = []
        self._found: queue.Queue[str | None] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self._child.stdout, self._child.stderr)
        ]
        for reader in self._readers:
            reader.start()
        try:
            self._url = self._pty()
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """What reports call it."""
        return "qemu"

    @property
    def url(self) -> str:
        """The pseudo-terminal."""
        return self._url

    @property
    def rx_window(self) -> int:
        """An emulated receiver is not asked for a byte before the last one was read: what arrives waits in the line."""
        return RX_WINDOW

    def failure(self) -> str | None:
        """Why QEMU ended, if it did. A fault of the firmware is in the FAULT frame that it sends."""
        if self._child.poll() is None:
            return None
        for reader in self._readers:
            reader.join(1.0)
        words = "".join(f"\n  {line}" for line in self._words[-5:])
        return f"{self._what} ended (status {self._child.returncode}).{words}"

    def close(self) -> None:
        """End QEMU."""
        process.stop(self._child)

    def _pty(self) -> str:
        try:
            found = self._found.get(timeout=_START_TIMEOUT)
        except queue.Empty:
            found = None
        if found is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(2.0)
            raise DeviceError(self.failure() or f"{self._what} does not start.", hint="Try --device emulated.")
        return found

    def _read(self, stream: IO[bytes] | None) -> None:
        with contextlib.suppress(OSError, ValueError):
            for raw in stream or ():
                line = raw.decode(errors="replace").strip()
                match = re.search(r"redirected to (/dev/\S+)", line)
                if match:
                    self._found.put(match[1])
                else:
                    self._words.append(line)
        self._found.put(None)
