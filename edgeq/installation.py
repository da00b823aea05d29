"""What is installed, what is missing, and the command that fixes it. Imports none of the heavy packages."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from edgeq.errors import UnavailableError
from edgeq.options import TFLM_ROOT_VARIABLE
from edgeq.process import run


class State(Enum):
    """Outcome of one check."""

    OK = "ok"
    OPTIONAL = "optional"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: `found` is a version or what is wrong; `use` what it is for; `fix` a command."""

    name: str
    state: State
    found: str
    use: str
    fix: str = ""


_PACKAGES = (
    ("tensorflow", "loads and converts Keras models"),
    ("keras", "Keras 3 models"),
    ("tf-keras", "legacy Keras models"),
    ("tensorflow-model-optimization", "quantization-aware training of legacy Keras models"),
    ("ai-edge-litert", "reads .tflite, LiteRT reference outputs"),
    ("ziglang", "the default compiler"),
    ("unicorn", "the default emulator"),
    ("pyserial", "the serial line"),
)

_TOOLS = (
    ("qemu-system-arm", "--device qemu: a second emulator, and the only one for Cortex-M55", "qemu-system-arm"),
    ("arm-none-eabi-gcc", "--toolchain gcc, and `make firmware` in a generated project", "gcc-arm-none-eabi"),
    ("arm-none-eabi-g++", "--engine tflm", "gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib"),
    ("gcc", "plain `make` in a generated project", "gcc"),
    ("make", "plain `make` in a generated project", "make"),
)


def examine() -> tuple[Check, ...]:
    """Look at everything that edgeq uses. Starts no more than `--version` of the tools that it finds."""
    return (
        _python(),
        *(_package(name, use) for name, use in _PACKAGES),
        _tflm(),
        *(_tool(*t) for t in _TOOLS),
        _arm64(),
        _tflm_root(),
        _pyocd(),
        _ports(),
        _probes(),
        _drives(),
    )


def healthy(checks: tuple[Check, ...]) -> bool:
    """Nothing that the default path needs is missing."""
    return all(check.state is not State.MISSING for check in checks)


def _python() -> Check:
    good = (3, 11) <= sys.version_info < (3, 14)
    return Check(
        name="Python",
        state=State.OK if good else State.MISSING,
        found=platform.python_version(),
        use="3.11 to 3.13",
        fix="" if good else "make a virtual environment with Python 3.12 and install edgeq there",
    )


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package(name: str, use: str) -> Check:
    found = _version(name)
    if found is None:
        fix = f"pip install {name}" if platform.machine() == "x86_64" else "pip install 'edgeq[build]'"
        return Check(name=name, state=State.MISSING, found="not installed", use=use, fix=fix)
    return Check(name=name, state=State.OK, found=found, use=use)


def _tflm() -> Check:
    use = "the reference: TensorFlow Lite Micro's own kernels on this host"
    found = _version("tflite-micro")
    if found is not None:
        return Check(name="tflite-micro", state=State.OK, found=found, use=use)
    if sys.platform == "linux" and platform.machine() == "x86_64":
        return Check(
            name="tflite-micro",
            state=State.MISSING,
            found="not installed",
            use=use,
            fix="pip install --pre tflite-micro",
        )
    return Check(
        name="tflite-micro",
        state=State.OPTIONAL,
        found=f"there is no wheel for {sys.platform} {platform.machine()}",
        use=use + "; LiteRT's reference kernels stand in, and reports say so",
    )


def _tflm_root() -> Check:
    use = "--engine tflm: where your TensorFlow Lite Micro is, if no --tflm-root says so"
    root = os.environ.get(TFLM_ROOT_VARIABLE)
    if not root:
        return Check(name=TFLM_ROOT_VARIABLE, state=State.OPTIONAL, found="not set", use=use)
    if not Path(root).exists():
        return Check(
            name=TFLM_ROOT_VARIABLE, state=State.OPTIONAL, found=f"{root} does not exist", use=use, fix="set it again"
        )
    return Check(name=TFLM_ROOT_VARIABLE, state=State.OK, found=root, use=use)


def _tool(name: str, use: str, debian: str) -> Check:
    if shutil.which(name) is None:
        fix = f"apt-get install {debian}" if shutil.which("apt-get") else f"install {debian}"
        return Check(name=name, state=State.OPTIONAL, found="not installed", use=use, fix=fix)
    try:
        out = run([name, "--version"], timeout=10, what=f"asking {name} for its version").stdout
    except UnavailableError as exc:
        return Check(
            name=name, state=State.OPTIONAL, found=f"does not run: {exc.message}", use=use, fix=f"reinstall {debian}"
        )
    version = re.search(r"\d+\.\d+(\.\d+)?", re.sub(r"\(.*?\)", "", out.decode(errors="replace")))
    return Check(name=name, state=State.OK, found=version[0] if version else "found", use=use)


def _arm64() -> Check:
    from edgeq.devices import arm64

    use = "--device arm64: LiteRT on an emulated phone-class processor"
    try:
        qemu = arm64.find_qemu()
        packages = arm64.find_packages()
    except UnavailableError as exc:
        fix = (exc.hint or "").rpartition(": ")[2]
        return Check(name="arm64", state=State.OPTIONAL, found=exc.message.rstrip("."), use=use, fix=fix)
    return Check(name="arm64", state=State.OK, found=f"{qemu.name}, {packages.python.name}", use=use)


def _pyocd() -> Check:
    use = "edgeq flash --probe pyocd"
    found = _version("pyocd")
    if found is None:
        return Check(
            name="pyocd", state=State.OPTIONAL, found="not installed", use=use, fix="pip install 'edgeq[flash]'"
        )
    return Check(name="pyocd", state=State.OK, found=found, use=use)


def _ports() -> Check:
    from serial.tools import list_ports

    use = "boards: --device PORT"
    ports = sorted(list_ports.comports(), key=lambda p: p.device)
    if not ports:
        return Check(name="serial ports", state=State.OPTIONAL, found="none", use=use, fix="plug in a board")
    closed = [p.device for p in ports if os.path.exists(p.device) and not os.access(p.device, os.R_OK | os.W_OK)]  # noqa: PTH110 (device names)
    if closed:
        return Check(
            name="serial ports",
            state=State.OPTIONAL,
            found=f"{', '.join(closed)}: no permission",
            use=use,
            fix=f"sudo usermod -aG {_group_of(closed[0])} $USER, then log in again",
        )
    names = (f"{p.device} ({p.product})" if p.product else p.device for p in ports)
    return Check(name="serial ports", state=State.OK, found=", ".join(names), use=use)


def _group_of(port: str) -> str:
    """The group that may use a port; distributions call it dialout or uucp."""
    try:
        return Path(port).group()
    except (OSError, KeyError, NotImplementedError):
        return "dialout"


def _probes() -> Check:
    from edgeq.flashing.usb import find_probes

    use = "edgeq flash --probe pyocd"
    probes = find_probes()
    if not probes:
        return Check(name="debug probes", state=State.OPTIONAL, found="none", use=use)
    closed = [p for p in probes if not p.usable]
    if closed:
        rule = f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{closed[0].vendor}", MODE="0660", TAG+="uaccess"'
        return Check(
            name="debug probes",
            state=State.OPTIONAL,
            found=f"{', '.join(p.name for p in closed)}: no permission",
            use=use,
            fix=f"echo '{rule}' | sudo tee /etc/udev/rules.d/70-edgeq.rules; sudo udevadm control --reload; "
            "then plug the probe in again",
        )
    return Check(
        name="debug probes", state=State.OK, found=", ".join(f"{p.name} ({p.serial})" for p in probes), use=use
    )


def _drives() -> Check:
    from edgeq.flashing.uf2_drive import find_drives

    use = "edgeq flash --probe uf2"
    drives = find_drives()
    if not drives:
        return Check(name="UF2 drives", state=State.OPTIONAL, found="none", use=use)
    return Check(name="UF2 drives", state=State.OK, found=", ".join(f"{d.folder} ({d.board})" for d in drives), use=use)
