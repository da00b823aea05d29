"""The native agent, compiled once per test run: for this machine under sanitizers, and for arm64; and phones."""

from __future__ import annotations

import platform
import shutil
import socket
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from adbd import Adbd, Phone
from phones import Plug, adb
from running import Running, arm64_root

from edgeq import process, resources
from edgeq.native_agent import bundle
from edgeq.native_agent.build import PROGRAM
from edgeq.native_agent.bundle import make_bundle
from edgeq.native_agent.runtime import LIBRARY, litert_library
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server of the tests' own, with keys of its own."""
    if not shutil.which("adb"):
        pytest.skip("adb is not installed")
    with pytest.MonkeyPatch.context() as patch:
        with socket.create_server(("127.0.0.1", 0)) as free:
            patch.setenv("ANDROID_ADB_SERVER_PORT", str(free.getsockname()[1]))
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        adb("start-server")
        yield
        adb("kill-server")


@pytest.fixture
def plug(server: None, tmp_path: Path) -> Iterator[Plug]:
    """plug(authorised=…, full=…, commands={"getprop": "echo …"}) connects a phone."""
    phones: list[Adbd] = []

    def connect(*, commands: dict[str, str] | None = None, **kind: bool) -> Adbd:
        folder = tmp_path / f"phone{len(phones)}"
        (folder / "bin").mkdir(parents=True)
        (folder / "tmp").mkdir()
        for name, script in (commands or {}).items():
            (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / "bin" / name).chmod(0o755)
        phones.append(Adbd(Phone(root=folder / "tmp", path=folder / "bin", **kind)))
        adb("connect", phones[-1].serial)
        return phones[-1]

    yield connect
    for phone in phones:
        adb("disconnect", phone.serial)
        phone.close()


@pytest.fixture
def built(sanitized_agent: Path, litert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The agent for this machine, where `--device adb` looks for it."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    shutil.copy(sanitized_agent, folder / PROGRAM)
    shutil.copy(litert, folder / LIBRARY)
    (folder / "made-of.sha256").write_text(bundle._digest(find_target("host")) + "\n")
    monkeypatch.setattr(bundle, "default_folder", lambda target: folder)
    return folder


@pytest.fixture
def model(zoo: types.ModuleType, tmp_path: Path) -> Path:
    path = tmp_path / "a model.tflite"
    path.write_bytes(zoo.zoo_tflite("demo"))
    return path
