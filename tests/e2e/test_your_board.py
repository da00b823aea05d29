"""docs/your-board.md as a new user follows it, on the board that QEMU plays: its own commands, one after the other."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zoo as models

from edgeq.report.files import read_report

PAGE = Path(__file__).parents[2] / "docs" / "your-board.md"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def section(title: str) -> list[str]:
    """The commands of a section, continued lines joined."""
    text = PAGE.read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


@contextmanager
def running(argv: list[str]) -> Iterator[None]:
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as process:
        try:
            yield
            assert process.poll() is None
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="qemu-system-arm is not installed")
def test_the_steps_without_a_board(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(models.zoo_tflite("demo"))
    serial, gdb = str(free_port()), str(free_port())
    qemu, *commands = [c.replace("5555", serial).replace("3333", gdb) for c in section("Try it without a board")]
    assert len(commands) == 5
    with running(shlex.split(qemu)):
        for command in commands:
            program, *arguments = shlex.split(command)
            assert program == "edgeq"
            argv = [sys.executable, "-m", "edgeq", *arguments]
            done = subprocess.run(argv, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=250)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            if arguments[0] == "flash":
                assert "bytes written, read back, started in" in done.stdout
            if arguments[0] == "drift":
                assert "layers have the fingerprints of" in done.stdout
    report = read_report(tmp_path / "build")
    assert report.passed
    assert (report.board, report.device.name) == ("netduinoplus2", f"socket://localhost:{serial}")
    assert report.drift is not None
    assert report.drift.primary.mismatches == 0
    assert report.drift.layers
    # QEMU's counter is no measurement.
    assert report.profile is not None
    assert (report.profile.source, report.profile.counter) == ("estimated", "emulator")


def test_what_the_page_says_of_new_boards(tmp_path: Path) -> None:
    command = next(c for c in section("A board that is not in the list") if "boards new" in c)
    subprocess.run([sys.executable, "-m", *shlex.split(command)], cwd=tmp_path, check=True, capture_output=True)
    assert sorted(p.name for p in (tmp_path / "my-board").iterdir()) == ["board.c", "board.toml", "link.ld"]
