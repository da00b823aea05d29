"""Signals in the first and last moments of a process, in a closed terminal, under nohup; streams that are not there."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from command_line import Cli

_SLOW = """
import pathlib, time
def load():
    pathlib.Path("began").touch()
    time.sleep(SECONDS)
    import numpy
    return {"x_test": numpy.eye(4, 5, dtype="f")}
"""


def ended(cli: Cli, program: str) -> tuple[int, bytes]:
    """Exit status and errors of a Python program that runs `edgeq boards`."""
    (cli.folder / "program.py").write_text(f"import os, signal, sys\nsys.argv = ['edgeq', 'boards']\n{program}")
    done = subprocess.run(
        [sys.executable, "-m", "program"],
        cwd=cli.folder, env=cli.environment, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize("module", ["edgeq.console", "click", "edgeq.cli", "edgeq.cli.boards"])
def test_while_modules_are_imported(cli: Cli, module: str) -> None:
    program = f"""
class Finder:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from edgeq.__main__ import main
main()
"""
    status, said = ended(cli, program)
    assert (status, said.split()) == (130, [b"Interrupted."])


def test_when_the_command_is_done(cli: Cli) -> None:
    program = """
import atexit
from edgeq import console
ran = console._run
def run(interrupt):
    atexit.register(os.kill, os.getpid(), signal.SIGINT)
    return ran(interrupt)
console._run = run
from edgeq.__main__ import main
main()
"""
    assert ended(cli, program) == (130, b"Interrupted.\n")


@pytest.mark.parametrize(
    "at",
    [
        "type('Dying', (), {'__del__': lambda self: (os.kill(os.getpid(), signal.SIGINT), str(Path()))})()",
        "os.register_at_fork(after_in_parent=lambda: (os.kill(os.getpid(), signal.SIGINT), str(Path())))\n"
        "    subprocess.run(['true'], preexec_fn=lambda: None)",
    ],
    ids=["finalizer", "fork"],
)
def test_where_python_drops_exceptions(cli: Cli, at: str) -> None:
    """In finalizers, in callbacks of weak references (every import has some), and when a child is started: `logging`
    runs a function after each fork, which takes long in a process as large as TensorFlow makes it."""
    (cli.folder / "deaf.py").write_text(f"""
import os, signal, subprocess, time
from pathlib import Path
def load():
    {at}
    for _ in range(1000):
        time.sleep(0.01)
    raise ValueError("nobody came")
""")
    done = cli("data", "check", "deaf:load")
    assert (done.returncode, done.stderr.split()) == (130, ["Interrupted."])


def test_a_terminal_is_closed(cli: Cli) -> None:
    """Nobody hears the message any more."""
    (cli.folder / "slow.py").write_text(_SLOW.replace("SECONDS", "30"))
    ours, its = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(its, termios.TIOCSCTTY, 0)

    with cli.start(
        "data", "check", "slow:load", stdin=its, stdout=its, stderr=its, preexec_fn=take_terminal
    ) as process:
        os.close(its)
        wait_for(cli.folder / "began")
        os.close(ours)
        assert process.wait(20) == 130
    assert not list(cli.scratch.iterdir())


def test_nohup(cli: Cli) -> None:
    (cli.folder / "slow.py").write_text(_SLOW.replace("SECONDS", "0.5"))
    ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731 (for the child alone)
    with cli.start("data", "check", "slow:load", preexec_fn=ignore) as process:
        wait_for(cli.folder / "began")
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, b"4 " in out) == (0, True), err


@pytest.mark.parametrize("descriptor", [1, 2])
def test_a_stream_is_closed_from_the_start(cli: Cli, descriptor: int) -> None:
    stream = {1: "stdout", 2: "stderr"}[descriptor]
    with cli.start("boards", **{stream: None}, preexec_fn=lambda: os.close(descriptor)) as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err or b"") == (0, b"")


def wait_for(file: Path) -> None:
    end = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < end, "it never began"
        time.sleep(0.02)
