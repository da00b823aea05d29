"""The native agent on a device that adb reaches: put there, started, connected, and removed again."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from edgeq.closing import Closing
from edgeq.devices.adb.choose import choose_device
from edgeq.devices.adb.program import Adb, full
from edgeq.devices.child import ChildDevice
from edgeq.errors import DeviceError, EdgeqError
from edgeq.interruption import held
from edgeq.native_agent.build import PROGRAM
from edgeq.native_agent.bundle import Bundle, ready_bundle
from edgeq.native_agent.runtime import LIBRARY
from edgeq.native_agent.targets import TARGETS, Target

_FOLDER = "/data/local/tmp"  # where Android lets adb's shell write and run programs
_ELSEWHERE = "/tmp"  # noqa: S108 (of a device with another Linux; the name in it is drawn)
_MODEL = "model.tflite"
_START_SECONDS = 120.0
_SPARE = 1 << 20
_SOCKET = "socket://127.0.0.1:"
_READY, _GO = "ready", "go"


class AdbDevice(Closing):
    """A device that runs a model. See `edgeq.devices.base.Device`.

    A shell of the device makes the folder before anything is copied. It and the agent end when their stdin is closed,
    which adb does when edgeq ends, however it ends; the shell then removes the files.
    """

    def __init__(self, serial: str | None, model: Path) -> None:
        """Put agent and model on the device, and start the agent.

        Args:
            serial: of the device, as adb has it; None: the only one that there is.
            model: the .tflite.

        Raises:
            ToolError: adb is not installed, or the agent for this kind of device has not been built.
            DeviceError: there is no such device, it cannot be used, has no room, or the agent does not start.
        """
        self._adb = Adb(choose_device(serial).serial)
        self._port: int | None = None
        self._shell: ChildDevice | None = None
        self._folder: str | None = None
        kind = find_kind(self._adb)
        bundle = ready_bundle(kind)
        try:
            self._put(bundle, model)
            self._start()
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"adb:{self._adb.serial}"

    @property
    def url(self) -> str:
        """The forwarded port of this machine."""
        return f"{_SOCKET}{self._port}"

    @property
    def rx_window(self) -> int:
        """None: the agent says in HELLO what it keeps."""
        return 0

    def failure(self) -> str | None:
        """How the agent ended, and its last words."""
        return self._shell.failure() if self._shell is not None else None

    def close(self) -> None:
        """End the agent, and remove what was put on the device. A device that is gone is no error."""
        with held():
            shell, self._shell = self._shell, None
            port, self._port = self._port, None
            folder, self._folder = self._folder, None
            if shell is not None:
                shell.close()
            with contextlib.suppress(EdgeqError):
                if port is not None:
                    self._adb.stop_forwarding(port)
            with contextlib.suppress(EdgeqError):
                if folder is not None:
                    self._adb.remove(folder)

    def _put(self, bundle: Bundle, model: Path) -> None:
        place = self._adb.shell(f"[ -d {_FOLDER} ] && echo {_FOLDER} || echo {_ELSEWHERE}", what="Looking for room")
        place = place.strip()
        files = [bundle.program, bundle.library, model]
        check_room(self._adb, place, sum(file.stat().st_size for file in files))
        folder = f"{place}/edgeq-{secrets.token_hex(6)}"
        self._folder = folder
        self._shell = self._remover(folder)
        for file, name in zip(files, (PROGRAM, LIBRARY, _MODEL), strict=True):
            self._adb.push(file, f"{folder}/{name}")

    def _remover(self, folder: str) -> ChildDevice:
        """A shell that makes the folder, waits for a word to run the agent in it, and removes it when the agent or
        edgeq has ended."""
        # What the agent says goes through a file: older daemons mix stderr into stdout, whose next line is the port.
        agent = f"./{PROGRAM} {_MODEL} --litert ./{LIBRARY} --end-with-stdin"
        run = f"read word && {{ chmod 700 {PROGRAM} && {agent} 2>said || cat said >&2; }}"
        command = f"mkdir -m 700 {folder} && cd {folder} && echo {_READY} && {run}; cd / && rm -rf {folder}"
        return ChildDevice(
            self.name,
            self._adb.argv("shell", command),
            what=f"Running the native agent on {self._adb.serial}",
            start_timeout=_START_SECONDS,
        )

    def _start(self) -> None:
        assert self._shell is not None  # noqa: S101 (of _put)
        url = self._shell.ask(_GO, timeout=_START_SECONDS)
        port = url.removeprefix(_SOCKET)
        if not port.isdigit():
            raise DeviceError(f"The native agent does not start on {self._adb.serial}: {url}")
        with held():
            self._port = self._adb.forward(int(port))


def check_adb(serial: str | None) -> None:
    """Refuse at once where an `AdbDevice` cannot start.

    The device is asked what it is; an agent that needs nothing but edgeq is built.

    Raises:
        ToolError, DeviceError: as `AdbDevice`.
    """
    ready_bundle(find_kind(Adb(choose_device(serial).serial)))


def find_kind(adb: Adb) -> Target:
    """What kind of device it is.

    Raises:
        DeviceError: one that the agent does not run on, or it does not answer.
    """
    told = adb.shell("getprop ro.product.cpu.abi 2>/dev/null || echo; uname -m", what="Asking for its processor")
    abi, _, machine = (line.strip() for line in told.strip("\n").rpartition("\n"))
    for target in TARGETS:
        if (target.android_abi == abi) if abi else (target.android_abi is None and target.machine == machine):
            return target
    known = ", ".join(
        target.android_abi or target.machine for target in TARGETS if bool(target.android_abi) == bool(abi)
    )
    raise DeviceError(
        f"The device {adb.serial} is of the kind {abi or machine}; the native agent runs on {known}.",
        hint="A 32-bit system on a 64-bit processor counts as 32-bit. The Python package's `edgeq agent` may run "
        "there, in Termux for example: --device socket://HOST:PORT.",
    )


def check_room(adb: Adb, folder: str, needed: int) -> None:
    """Whether `needed` bytes fit into a folder of the device; a device that does not tell is believed to have room.

    Raises:
        DeviceError: they do not.
    """
    columns = adb.shell(f"df -k {folder} | tail -n 1", what="Looking for room").split()
    free = int(columns[3]) * 1024 if len(columns) > 3 and columns[3].isdigit() else None
    if free is not None and free < needed + _SPARE:
        raise full(
            adb.serial, f": {folder} has {free / 1e6:.1f} MB free, the agent and the model need {needed / 1e6:.1f} MB"
        )
