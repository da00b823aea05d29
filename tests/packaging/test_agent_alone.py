"""Phones and ARM boards get the agent alone: what pip installs there, and that it starts without TensorFlow."""

from __future__ import annotations

import importlib.metadata
import os
import resource
import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tflite_builder import ModelBuilder

from edgeq.link.session import Session

pytestmark = pytest.mark.xdist_group("wheel")

PI = {"sys_platform": "linux", "platform_machine": "aarch64"}
OLD_PI = {"sys_platform": "linux", "platform_machine": "armv7l"}
TERMUX = {"sys_platform": "android", "platform_machine": "aarch64"}
PC = {"sys_platform": "linux", "platform_machine": "x86_64"}
MAC = {"sys_platform": "darwin", "platform_machine": "arm64"}
AGENT = {"ai-edge-litert", "click", "numpy", "pyserial"}
CPU_SECONDS = 1.0


def requirements(wheel: Path) -> list[Requirement]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        message = Parser().parsestr(archive.read(name).decode())
    return [Requirement(text) for text in message.get_all("Requires-Dist") or []]


def wanted(wheel: Path, machine: dict[str, str], extra: str = "") -> set[str]:
    """What `pip install edgeq[extra]` asks for on a machine, with the versions that it takes."""
    environment = {"python_version": "3.11", "extra": extra, **machine}
    return {f"{r.name} {r.specifier}" for r in requirements(wheel) if not r.marker or r.marker.evaluate(environment)}


def names(found: set[str]) -> set[str]:
    return {one.split()[0] for one in found}


@pytest.mark.parametrize("machine", [PI, OLD_PI, TERMUX])
@pytest.mark.parametrize("extra", ["", "agent"])
def test_phones_and_boards_get_the_agent_alone(wheel: Path, machine: dict[str, str], extra: str) -> None:
    assert names(wanted(wheel, machine, extra)) == AGENT


def test_elsewhere_everything_comes(wheel: Path) -> None:
    for machine in (PC, MAC):
        assert {"tensorflow", "keras", "unicorn", *AGENT} <= names(wanted(wheel, machine))
    everything = {one for one in wanted(wheel, PC) if not one.startswith("tflite-micro ")}  # has no wheel elsewhere
    assert wanted(wheel, PI, "build") == everything


def test_it_starts_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """A new environment with edgeq and what the extra `agent` names, from the index: --help and a served HELLO within a
    second of processor time, no TensorFlow far and wide, and a clear word where it would be needed."""
    home = tmp_path / "environment"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    versions = [f"{name}=={importlib.metadata.version(name)}" for name in sorted(AGENT)]
    for packages in (["--no-deps", str(wheel)], versions):
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *packages],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    model = tmp_path / "model.tflite"
    model.write_bytes(relu())

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, *map(str, arguments)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    assert run("-c", "import tensorflow").returncode == 1
    run("-m", "edgeq", "agent", model, "--cpu", "none")  # compiles the bytecode
    before = used()
    helped = run("-m", "edgeq", "agent", "--help")
    assert helped.returncode == 0
    assert "--threads" in helped.stdout
    assert used() - before < CPU_SECONDS

    before = used()
    with subprocess.Popen(
        [python, "-m", "edgeq", "agent", model], cwd=tmp_path, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        try:
            with Session.connect(child.stdout.readline().strip()) as session:
                assert session.hello.engine == "litert"
                assert session.run((bytes(16),)).outputs[0] == bytes(16)
        finally:
            child.kill()
            child.wait()
    assert used() - before < CPU_SECONDS

    refused = run("-m", "edgeq", "build", model)
    assert refused.returncode == 3
    assert "pip install 'edgeq[build]'" in refused.stderr
    assert "Traceback" not in refused.stderr


def used() -> float:
    """Processor time of ended children: unlike wall time, the same on a busy machine."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def relu() -> bytes:
    b = ModelBuilder()
    x, y = b.tensor("x", (1, 16), scale=0.1), b.tensor("y", (1, 16), scale=0.1)
    b.op("RELU", [x], [y])
    return b.finish([x], [y])
