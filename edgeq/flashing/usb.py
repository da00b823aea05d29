"""Debug probes on USB, as Linux lists them; nothing is opened."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

SYSFS = Path("/sys/bus/usb/devices")
NODES = Path("/dev/bus/usb")

# Vendors all of whose devices with one of these in their name are probes, and vendors that make nothing else.
_BY_NAME = ("CMSIS-DAP", "STLINK", "ST-LINK", "STM32 STLink", "J-Link", "DAPLink", "Picoprobe", "Black Magic Probe")
_SEGGER = "1366"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbProbe:
    """A probe; `usable` says whether this user may open it."""

    name: str
    serial: str
    vendor: str
    usable: bool


def find_probes(sysfs: Path = SYSFS, nodes: Path = NODES) -> tuple[UsbProbe, ...]:
    """All that are plugged in, by name. None on other systems than Linux.

    Args:
        sysfs: where the kernel lists USB devices.
        nodes: where their device files are: <bus>/<device>, three digits each.
    """
    found = []
    for device in sorted(sysfs.glob("*")):
        vendor, product = _text(device / "idVendor"), _text(device / "product")
        name = " ".join(part for part in (_text(device / "manufacturer"), product) if part)
        if vendor != _SEGGER and not any(word.lower() in _names(device, name) for word in _BY_NAME):
            continue
        bus, number = _text(device / "busnum"), _text(device / "devnum")
        if not (bus.isdecimal() and number.isdecimal()):
            continue
        node = nodes / f"{int(bus):03}" / f"{int(number):03}"
        found.append(
            UsbProbe(
                name=name or f"a probe of vendor {vendor}",
                serial=_text(device / "serial"),
                vendor=vendor,
                usable=os.access(node, os.R_OK | os.W_OK),
            )
        )
    return tuple(found)


def _names(device: Path, name: str) -> str:
    """The device's name and its interfaces': CMSIS-DAP may stand in either."""
    interfaces = (_text(file) for file in device.glob(f"{device.name}:*/interface"))
    return " ".join((name, *interfaces)).lower()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
