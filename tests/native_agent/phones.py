"""Phones for tests: connected by the fixture `plug`."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from adbd import Adbd

Plug = Callable[..., Adbd]


def adb(*words: str) -> str:
    return subprocess.run(["adb", *words], capture_output=True, text=True, timeout=60, check=False).stdout


def left_on(phone: Path) -> list[str]:
    """Files on the phone, when the removal that its shell does by itself has had time."""
    deadline = time.monotonic() + 20
    while any(phone.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return [str(path) for path in phone.rglob("*")]
