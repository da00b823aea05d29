"""Which device adb should speak to, and what is wrong with it if it cannot be used."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeq import process
from edgeq.devices.adb.program import HINT, PROGRAM
from edgeq.errors import DeviceError

_SECONDS = 60.0  # its server may have to be started first
_LINE = re.compile(r"(\S+)\s+(no permissions|\S+)(.*)")
_MODEL = re.compile(r"\bmodel:(\S+)")
_READY = "device"

# States of `adb devices` (the server's `connection_state_name`), what they mean, and what to do.
_WRONG = {
    "unauthorized": (
        "has not authorised this computer",
        "Unlock it and answer 'Allow USB debugging?' with yes. If it does not ask: Settings > Developer options > "
        "Revoke USB debugging authorisations, unplug it, and plug it in again.",
    ),
    "authorizing": ("is being asked for authorisation", "Unlock it, answer the question on its screen, and run again."),
    "offline": ("is offline: adb sees it, and it does not answer", "adb reconnect; else another cable or port."),
    "connecting": ("is still connecting", "Run again in a moment."),
    "no permissions": (
        "may not be used by this user (USB permissions)",
        "Install the udev rules for Android devices (Debian: apt-get install android-sdk-platform-tools-common), join "
        "the group plugdev, and plug it in again.",
    ),
    "recovery": ("is in recovery mode", "Start Android on it: adb reboot"),
    "sideload": ("waits for an update (sideload)", "Start Android on it: adb reboot"),
    "rescue": ("is in rescue mode", "Start Android on it: adb reboot"),
    "bootloader": ("is in its boot loader", "Start Android on it: fastboot reboot"),
}
_CONNECT = (
    "Connect one by USB with USB debugging on (Settings > Developer options), or over the network: adb connect "
    "HOST:PORT. `adb devices` lists what it sees."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A line of `adb devices -l`. `model` is empty where adb does not know it yet."""

    serial: str
    state: str
    model: str = ""

    def __str__(self) -> str:
        """For messages."""
        about = [word for word in (self.model, "" if self.state == _READY else self.state) if word]
        return self.serial + (f" ({', '.join(about)})" if about else "")


def choose_device(serial: str | None) -> Listed:
    """The device of a serial number; without one, the only device that there is.

    Raises:
        ToolError: adb is not installed.
        DeviceError: there is none, or several, or it cannot be used; the hint says what to do.
    """
    found = list_devices()
    if serial is not None:
        chosen = next((device for device in found if device.serial == serial), None)
        if chosen is None:
            others = f" It sees {_and(found)}." if found else ""
            raise DeviceError(f"adb sees no device {serial}.{others}", hint=_CONNECT)
    elif not found:
        raise DeviceError("adb sees no device.", hint=_CONNECT)
    else:
        usable = [device for device in found if device.state == _READY]
        if len(found) > 1 and len(usable) != 1:
            raise DeviceError(
                f"adb sees {len(found)} devices: {_and(found)}.", hint=f"Say which: --device adb:{found[0].serial}"
            )
        chosen = usable[0] if usable else found[0]
    if chosen.state != _READY:
        what, hint = _WRONG.get(chosen.state, (f"is in the state {chosen.state!r}", "adb devices"))
        raise DeviceError(f"The device {chosen.serial} {what}.", hint=hint)
    return chosen


def list_devices() -> tuple[Listed, ...]:
    """What adb sees.

    Raises:
        ToolError: adb is not installed.
        DeviceError: its server does not start.
    """
    adb = process.find_tool(PROGRAM, hint=HINT)
    out = process.run([adb, "devices", "-l"], timeout=_SECONDS, what="Asking adb for devices", error=DeviceError).stdout
    return parse_devices(out.decode(errors="replace"))


def parse_devices(text: str) -> tuple[Listed, ...]:
    """The lines of `adb devices -l` by serial number, without its heading and what its server says while it starts."""
    _, _, lines = text.partition("List of devices attached")
    found = (_LINE.fullmatch(line.strip()) for line in lines.splitlines())
    devices = (
        Listed(serial=match[1], state=match[2], model=model[1] if (model := _MODEL.search(match[3])) else "")
        for match in found
        if match is not None and not match[1].startswith("*")
    )
    return tuple(sorted(devices, key=lambda device: device.serial))


def _and(devices: tuple[Listed, ...]) -> str:
    return ", ".join(map(str, devices))
