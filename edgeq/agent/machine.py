"""What the machine tells of itself: its name, its clock and who governs it, and the CPUs that this process may use."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from edgeq.errors import InputError

_CPUFREQ = "cpu{}/cpufreq"
_CPUS = Path("/sys/devices/system/cpu")
_MODEL = Path("/proc/device-tree/model")
_MOST_HZ = 0xFFFFFFFF  # of HELLO's field


def machine_name() -> str:
    """The board's name where the kernel knows it ("Raspberry Pi 5 Model B Rev 1.0"), else system and architecture."""
    try:
        name = _MODEL.read_text("utf-8", "replace").strip("\0 \n")
    except OSError:
        name = ""
    return name or f"{platform.system()} {platform.machine()}"


def platform_name() -> str | None:
    """What this process runs on, in the words of `--target` and of the native agent: linux-arm64, linux-x86_64,
    android-arm64, android-x86_64. None: another system or architecture, or 32 bits."""
    system = "android" if hasattr(sys, "getandroidapilevel") else platform.system().lower()
    processor = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64"}.get(platform.machine())
    known = system in ("linux", "android") and processor is not None and sys.maxsize > 2**32
    return f"{system}-{processor}" if known else None


def parse_cpus(text: str) -> frozenset[int]:
    """CPUs of a list such as "0-3,6".

    Raises:
        InputError: no such list.
    """
    cpus: set[int] = set()
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,4})(?:-(\d{1,4}))?\s*", part)
        if found is None or int(found[2] or found[1]) < int(found[1]):
            raise InputError(f"{text!r} is no list of CPUs.", hint="Write numbers and ranges: 0-3,6.")
        cpus |= set(range(int(found[1]), int(found[2] or found[1]) + 1))
    return frozenset(cpus)


def pin(cpus: frozenset[int]) -> None:
    """Keep this process, and the threads that it will start, on these CPUs.

    Raises:
        InputError: it may not use one of them, or the system cannot do it.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise InputError(f"{platform.system()} cannot pin a process to CPUs.", hint="Leave out --cpu.")
    allowed = os.sched_getaffinity(0)
    if not cpus <= allowed:
        missing = format_cpus(cpus - allowed)
        raise InputError(
            f"This process may not use CPU {missing}.", hint=f"It may use {format_cpus(allowed)}: --cpu LIST."
        )
    try:
        os.sched_setaffinity(0, cpus)
    except OSError as exc:
        raise InputError(f"CPU {format_cpus(cpus)}: {exc.strerror}.", hint="Leave out --cpu.") from exc


def allowed_cpus() -> frozenset[int]:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def format_cpus(cpus: Iterable[int]) -> str:
    """The inverse of `parse_cpus`."""
    rows: list[list[int]] = []
    for cpu in sorted(cpus):
        if rows and rows[-1][1] == cpu - 1:
            rows[-1][1] = cpu
        else:
            rows.append([cpu, cpu])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in rows)


def clock_hz(cpus: Iterable[int], root: Path = _CPUS) -> int:
    """The highest clock of these CPUs that the kernel tells, 0 if it tells none."""
    known = [_number(root / _CPUFREQ.format(cpu) / "cpuinfo_max_freq") for cpu in cpus]
    return min(1000 * max(known, default=0), _MOST_HZ)


def governor(cpus: Iterable[int], root: Path = _CPUS) -> str:
    """`governors` in words where nothing is known, too."""
    return governors(cpus, root) or "unknown: the kernel shows none (a virtual machine, or no cpufreq)"


def governors(cpus: Iterable[int], root: Path = _CPUS) -> str | None:
    """Who sets the clock of these CPUs, and to what: "schedutil, 600 to 2400 MHz"; each once, where they differ. None
    where the kernel shows nothing."""
    found: dict[str, None] = {}
    for cpu in sorted(cpus):
        folder = root / _CPUFREQ.format(cpu)
        try:
            name = (folder / "scaling_governor").read_text("ascii", "replace").strip()
        except OSError:
            continue
        least, most = (_number(folder / f"scaling_{end}_freq") // 1000 for end in ("min", "max"))
        found[f"{name}, {least} to {most} MHz" if most else name] = None
    return "; ".join(found) or None


def _number(file: Path) -> int:
    try:
        return int(file.read_text("ascii", "replace"))
    except (OSError, ValueError):
        return 0
