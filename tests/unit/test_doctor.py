"""What the doctor says of ports, probes and drives, and of permissions that are missing."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from edgeq import installation
from edgeq.flashing import uf2_drive, usb
from edgeq.flashing.uf2_drive import Drive
from edgeq.flashing.usb import UsbProbe, find_probes
from edgeq.installation import Check, State, examine


def device(sysfs: Path, name: str, **texts: str) -> Path:
    folder = sysfs / name
    folder.mkdir(parents=True)
    for file, text in texts.items():
        (folder / file).write_text(text + "\n")
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> tuple[Path, Path]:
    """(sysfs, device files) with a hub, a keyboard and three probes, one of which has no device file to open."""
    sysfs, nodes = tmp_path / "sys", tmp_path / "dev"
    device(sysfs, "usb1", idVendor="1d6b", product="xHCI Host Controller", busnum="1", devnum="1")
    device(sysfs, "1-1", idVendor="046d", product="USB Keyboard", busnum="1", devnum="2")
    device(
        sysfs, "1-2", idVendor="0483", idProduct="374e", manufacturer="STMicroelectronics", product="STLINK-V3",
        serial="0038", busnum="1", devnum="12",
    )  # fmt: skip
    device(sysfs, "1-3", idVendor="1366", product="J-Link", serial="0009", busnum="1", devnum="3")
    pico = device(sysfs, "1-4", idVendor="2e8a", product="Debug Probe", serial="E66", busnum="1", devnum="4")
    device(pico, "1-4:1.0", interface="CMSIS-DAP v2 Interface")
    (nodes / "001").mkdir(parents=True)
    for number in ("012", "004"):
        (nodes / "001" / number).touch()
    return sysfs, nodes


def test_probes_are_found_by_name_vendor_and_interface(tree: tuple[Path, Path]) -> None:
    assert find_probes(*tree) == (
        UsbProbe(name="STMicroelectronics STLINK-V3", serial="0038", vendor="0483", usable=True),
        UsbProbe(name="J-Link", serial="0009", vendor="1366", usable=False),
        UsbProbe(name="Debug Probe", serial="E66", vendor="2e8a", usable=True),
    )
    assert find_probes(tree[0] / "nothing", tree[1]) == ()


def check(name: str) -> Check:
    return next(c for c in examine() if c.name == name)


def test_a_probe_without_permission_gets_a_udev_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = UsbProbe(name="STLINK-V3", serial="0038", vendor="0483", usable=False)
    monkeypatch.setattr(usb, "find_probes", lambda: (probe,))
    found = check("debug probes")
    assert (found.state, found.found) == (State.OPTIONAL, "STLINK-V3: no permission")
    assert 'ATTR{idVendor}=="0483"' in found.fix
    assert "udevadm control --reload" in found.fix
    monkeypatch.setattr(usb, "find_probes", lambda: (UsbProbe(name="X", serial="1", vendor="0483", usable=True),))
    assert check("debug probes").found == "X (1)"


def test_ports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    port = tmp_path / "ttyACM0"
    port.touch()
    monkeypatch.setattr(list_ports, "comports", lambda: [SimpleNamespace(device=str(port), product="STLINK-V3")])
    assert check("serial ports").found == f"{port} (STLINK-V3)"
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = installation._ports()
    assert found.found == f"{port}: no permission"
    assert found.fix == f"sudo usermod -aG {port.group()} $USER, then log in again"


def test_drives(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check("UF2 drives").state is State.OPTIONAL
    monkeypatch.setattr(uf2_drive, "find_drives", lambda: (Drive(folder=Path("/media/RPI"), board="RPI-RP2"),))
    assert check("UF2 drives").found == "/media/RPI (RPI-RP2)"


def test_pyocd_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check("pyocd").state is State.OK
    monkeypatch.setattr(installation, "_version", lambda name: None)
    assert (installation._pyocd().state, installation._pyocd().fix) == (State.OPTIONAL, "pip install 'edgeq[flash]'")
