"""The firmware compiled for this machine (firmware/boards/native), running as a process."""

from __future__ import annotations

from pathlib import Path

from edgeq.devices.child import ChildDevice


def native_device(program: Path) -> ChildDevice:
    """Start the firmware.

    Args:
        program: what `compile_project` made for the board "native".

    Raises:
        DeviceError: it cannot be started; the message has its words.
    """
    return ChildDevice("native", [program.resolve()], what=f"Running {program.name} on this machine")
