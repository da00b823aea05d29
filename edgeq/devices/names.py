"""What a user may call a device, and what is wrong with it before anything is started."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeq.boards import Board
from edgeq.errors import InputError

EMULATED, QEMU, NATIVE, TFLM_HOST = "emulated", "qemu", "native", "tflm-host"
LITERT_HOST, ARM64 = "litert-host", "arm64"
ADB = "adb"
"""Also with a serial number: adb:R58M12345."""


def is_serial(device: str) -> bool:
    """The user named a port or a pyserial URL, not one of edgeq's own devices."""
    return device not in {EMULATED, QEMU, NATIVE, TFLM_HOST, LITERT_HOST, ARM64} and not is_adb(device)


def is_adb(device: str) -> bool:
    """The user named a device that adb reaches."""
    return device.partition(":")[0] == ADB


def adb_serial(device: str) -> str | None:
    """The serial number in the name of a device that adb reaches; None where it has none."""
    return device.partition(":")[2] or None


def check_device(device: str, board: Board) -> None:
    """Refuse at once what cannot work later.

    Raises:
        InputError: the emulator cannot play this board, or a misspelt device or URL.
        LinkError: there is no such port.
        DeviceError: adb sees no such device, or it cannot be used, or the native agent does not run on it.
        ToolError: the emulator, or adb, is not installed, or the native agent for the device has not been built.
    """
    from edgeq.devices import qemu
    from edgeq.process import find_tool

    if device == EMULATED and board.unicorn_cpu is None:
        other = (
            NATIVE
            if board.is_host
            else QEMU
            if board.qemu_machine
            else "PORT, with the board plugged in, or --device native"
        )
        raise InputError(
            f"The built-in emulator cannot play {board.name} ({board.core}).", hint=f"Use --device {other}."
        )
    if device == QEMU:
        if board.qemu_machine is None:
            other = NATIVE if board.is_host else EMULATED
            raise InputError(
                f"QEMU cannot play {board.name}: its board.toml names no qemu_machine.", hint=f"Use --device {other}."
            )
        find_tool(qemu.PROGRAM, hint=qemu.HINT)
    check_address(device)


def check_address(device: str) -> None:
    """The part of `check_device` that is not about a board: LiteRT's devices, ports and URLs.

    Raises:
        InputError, LinkError, DeviceError, ToolError: as `check_device`.
    """
    from edgeq.link.transport import check_url, no_such_port

    if device == ARM64:
        from edgeq.devices.litert import check_arm64

        check_arm64()
    if is_adb(device):
        from edgeq.devices.adb.device import check_adb

        check_adb(adb_serial(device))
    if is_serial(device) and not any(mark in device for mark in ("/", ":", "COM")):
        raise InputError(
            f"There is no device {device!r}.",
            hint="Use emulated, qemu, native, tflm-host, litert-host, arm64, adb, adb:SERIAL, a serial port "
            "(/dev/ttyACM0, COM3) or a pyserial URL.",
        )
    if "://" in device:
        check_url(device)
    if device.startswith("/") and not Path(device).exists():
        raise no_such_port(device)


def check_reachable(device: str, baud: int) -> None:
    """Open a pyserial URL and close it again, so that an hour's work does not end at nobody answering there.

    Raises:
        InputError: it is no URL of pyserial's.
        LinkError: nothing listens there.
    """
    from edgeq.link.transport import Transport

    if is_serial(device) and "://" in device:
        Transport(device, baud=baud).close()


def check_probe(probe: str | None, devices: Sequence[str], board: Board) -> None:
    """Refuse at once a probe that cannot flash this board, or devices that are not flashed.

    Raises:
        InputError: as it says.
    """
    if probe is None:
        return
    if len(devices) > 1:
        raise InputError("--flash flashes one board.", hint="Flash each with `edgeq flash build/`, then leave it out.")
    if not is_serial(devices[0]):
        raise InputError(
            f"--flash needs the board's serial port as --device; {devices[0]} is none.",
            hint="Emulators load the image themselves. To flash alone: edgeq flash build/",
        )
    from edgeq.flashing.probe import parse_probe

    parse_probe(probe, board)
