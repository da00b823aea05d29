"""The native agent, compiled once per test run: for this machine under sanitizers, and for arm64."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

import pytest
from running import Running, arm64_root

from edgeq import process, resources
from edgeq.native_agent.bundle import make_bundle
from edgeq.native_agent.runtime import litert_library
from edgeq.native_agent.targets import find_target

QEMU = "qemu-aarch64-static"


@pytest.fixture(scope="session")
def sanitized_agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By CMake and GCC, with AddressSanitizer and UndefinedBehaviorSanitizer."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the agent and LiteRT's wheel are tried on Linux x86-64")
    if not all(map(shutil.which, ("cmake", "g++", "make"))):
        pytest.skip("cmake, g++ or make is not installed")
    out = tmp_path_factory.mktemp("agent")
    configure = ["cmake", "-S", resources.firmware() / "agent", "-B", out, "-DEDGEQ_SANITIZE=ON"]
    process.run([*configure, "-G", "Unix Makefiles"], timeout=60, what="preparing")
    process.run(["cmake", "--build", out, "--parallel", "2"], timeout=240, what="compiling the agent")
    return out / "edgeq-agent"


@pytest.fixture(scope="session")
def litert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LiteRT's library for this machine."""
    return litert_library(find_target("host"), None, tmp_path_factory.mktemp("litert"))


@pytest.fixture(scope="session")
def host_agent(sanitized_agent: Path, litert: Path) -> Running:
    """Starts agents on this machine."""
    return Running((sanitized_agent,), litert)


@pytest.fixture(scope="session")
def arm64_agent(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Starts agents on an emulated ARM64 processor."""
    if not shutil.which(QEMU):
        pytest.skip(f"{QEMU} is not installed")
    root = arm64_root(tmp_path_factory.mktemp("root"))
    made = make_bundle(find_target("linux-arm64"), out=tmp_path_factory.mktemp("arm64"))
    return Running((QEMU, "-cpu", "cortex-a76", "-L", root, made.program), made.library)
