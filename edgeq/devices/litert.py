"""LiteRT behind the agent as a device: on this machine, or on an emulated phone-class processor."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import edgeq
from edgeq import process
from edgeq.devices import arm64
from edgeq.devices.child import ChildDevice
from edgeq.errors import DeviceError

_HOST_SECONDS = 60.0
_EMULATED_SECONDS = 180.0


def litert_host_device(model: Path, *, threads: int = 1, kernels: str = "default") -> ChildDevice:
    """Start the agent on this machine.

    Args:
        model: the .tflite.
        threads: of the interpreter.
        kernels: a value of `edgeq.agent.model.Kernels`; "default" is XNNPACK.

    Raises:
        DeviceError: LiteRT refuses the model, or crashed; the message has its words.
    """
    return ChildDevice(
        "litert-host",
        [sys.executable, *_agent(model, threads=threads, kernels=kernels)],
        what="Running LiteRT on this machine",
        env=process.own_environment(),
        start_timeout=_HOST_SECONDS,
    )


def arm64_device(model: Path, *, threads: int = 1, kernels: str = "default") -> ChildDevice:
    """Start the agent under qemu-aarch64, on a Cortex-A76: LiteRT's own arm64 build, bit by bit what a phone computes.

    It tells no times: an emulator's are nothing like a phone's.

    Args:
        model: the .tflite.
        threads: of the interpreter.
        kernels: a value of `edgeq.agent.model.Kernels`; "default" is XNNPACK.

    Raises:
        ToolError: QEMU or the arm64 packages are not installed; the hint has the command.
        DeviceError: LiteRT refuses the model, or crashed; the message has its words.
    """
    qemu = arm64.find_qemu()
    packages = arm64.find_packages()
    home = Path(edgeq.__file__).resolve().parents[1]
    agent = _agent(model, threads=threads, kernels=kernels)
    return ChildDevice(
        "arm64",
        [
            qemu,
            "-cpu",
            arm64.CPU,
            "-L",
            packages.root,
            packages.python,
            *agent,
            "--emulated",
            "Cortex-A76",
            "--warmup",
            "0",
        ],
        what="Running LiteRT on an emulated Cortex-A76",
        # In this order: the x86 packages beside edgeq, if any, must not be found first.
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(packages.site), str(home)]), "PYTHONHOME": ""},
        start_timeout=_EMULATED_SECONDS,
    )


def check_arm64() -> None:
    """Refuse at once where `arm64_device` cannot start.

    Raises:
        ToolError: QEMU or the arm64 packages are not installed.
        DeviceError: this machine is an arm64 itself.
    """
    if platform.machine() in ("aarch64", "arm64"):
        raise DeviceError("This machine is an arm64 itself.", hint="Use --device litert-host.")
    arm64.find_qemu()
    arm64.find_packages()


def _agent(model: Path, *, threads: int, kernels: str) -> list[str]:
    options = ["--tcp", "127.0.0.1:0", "--threads", str(threads), "--kernels", kernels]
    return ["-P", "-m", "edgeq", "agent", str(model.resolve()), *options]
