"""The `adb` program: what edgeq lets it do on one device."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from edgeq import process
from edgeq.errors import DeviceError

PROGRAM = "adb"
HINT = "Install Android's platform tools (Debian: apt-get install adb) and put `adb` on PATH."

_SECONDS = 60.0
_PUSH_SECONDS = 1800.0  # a model of 1 GB over USB 2 takes a minute; a slow card much longer
# Old daemons, still found on boards with another Linux, do not hand on a command's status; so it says its own.
_STATUS = re.compile(r"(?s)(.*?)edgeq-status:(\d+)\s*$")


class Adb:
    """A device, by its serial number as adb has it."""

    def __init__(self, serial: str) -> None:
        """Nothing is asked yet."""
        self.serial = serial

    def argv(self, *words: str | Path) -> list[str | Path]:
        """The command line of an adb command for this device.

        Raises:
            ToolError: adb is not installed.
        """
        return [process.find_tool(PROGRAM, hint=HINT), "-s", self.serial, *words]

    def shell(self, command: str, *, what: str) -> str:
        """What a command printed on the device.

        Raises:
            DeviceError: it failed, with its words; or the device is gone.
        """
        out = self._run("shell", f"{{ {command}; }} 2>&1; echo edgeq-status:$?", what=what)
        found = _STATUS.fullmatch(out.replace("\r\n", "\n"))
        if found is None or found[2] != "0":
            words = (found[1] if found else out).strip()
            raise DeviceError(f"{what} on {self.serial} failed: {words or 'it said nothing'}")
        return found[1]

    def push(self, file: Path, to: str) -> None:
        """Copy a file to a path of the device.

        Raises:
            DeviceError: it has no room for them, or is gone.
        """
        self._run("push", file, to, what=f"Copying {file.name}", timeout=_PUSH_SECONDS)

    def forward(self, port: int) -> int:
        """A port of this machine that is connected to one of the device's.

        Raises:
            DeviceError: adb refused.
        """
        out = self._run("forward", "tcp:0", f"tcp:{port}", what="Forwarding a port")
        if not out.strip().isdigit():
            raise DeviceError(f"adb did not tell which port it forwards: {out.strip()!r}.", hint="Update adb.")
        return int(out)

    def stop_forwarding(self, port: int) -> None:
        """The inverse of `forward`."""
        self._run("forward", "--remove", f"tcp:{port}", what="Ending a forwarded port")

    def remove(self, folder: str) -> None:
        """Delete a folder of the device."""
        self.shell(f"rm -rf {shlex.quote(folder)}", what="Removing edgeq's files")

    def _run(self, *words: str | Path, what: str, timeout: float = _SECONDS) -> str:
        try:
            out = process.run(self.argv(*words), timeout=timeout, what=what, error=DeviceError).stdout
        except DeviceError as exc:
            if "No space left on device" in exc.message:
                raise full(self.serial) from exc
            raise
        return out.decode(errors="replace")


def full(serial: str, detail: str = "") -> DeviceError:
    """The error for a device without room."""
    return DeviceError(
        f"There is no room left on {serial}{detail}.",
        hint="Delete something there (`adb shell df -h /data` shows how full it is), and run again.",
    )
