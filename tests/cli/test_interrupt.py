"""Signals and kill -9 at every stage: exit 130, no traceback, nothing half-written, no orphaned process."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
import types
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from command_line import Cli

pytestmark = [
    pytest.mark.xdist_group("tensorflow"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc"),
]

# What edgeq says when a stage begins.
STAGES = [
    "Reading the .tflite",
    "Running the first sample on the host",
    "Generating C",
    "Compiling with zig",
    "Running the samples on the host",
    "Starting emulated",
    "Running on emulated",
    "Comparing layer by layer",
]

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(scope="session")
def keras_file(zoo: types.ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Keras model."""
    path = tmp_path_factory.mktemp("keras") / "model.keras"
    zoo.zoo_keras("demo").save(path)
    return path


def marked(mark: str) -> list[str]:
    """Command lines of all living processes that have `mark` in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes() and "Z" not in (process / "stat").read_text():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def gone(mark: str, seconds: float) -> list[str]:
    """What is left of the processes with that mark, after waiting for their end for at most `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@pytest.fixture
def mark(cli: Cli) -> Iterator[str]:
    """In the environment of `edgeq` and all its descendants."""
    mark = f"EDGEQ_MARK_{uuid.uuid4().hex}"
    cli.extra[mark] = "1"
    yield mark


def until(process: subprocess.Popen[bytes], stage: str) -> None:
    """Read what edgeq says until it begins that stage."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.decode().strip() == stage:
            return
    pytest.fail(f"it never said {stage!r}")


def interrupted(
    cli: Cli, mark: str, arguments: list[str], stage: str, number: int, *, after: float = 0.0, again: bool = False
) -> None:
    """Send a signal, in a stage; look at everything that could be left over."""
    before = {p: p.read_bytes() for p in cli.folder.rglob("*") if p.is_file()}
    with cli.start(*arguments) as process:
        until(process, stage)
        time.sleep(after)
        process.send_signal(number)
        if again:
            time.sleep(0.05)
            process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert b"Exception" not in err
    assert err.rstrip().endswith(b"Interrupted.")
    assert not out
    assert not gone(mark, 0)
    assert {p: p.read_bytes() for p in cli.folder.rglob("*") if p.is_file()} == before
    assert not list(cli.folder.glob(".*"))
    assert not list(cli.scratch.iterdir())


@pytest.mark.parametrize(("number", "stage"), list(zip(itertools.cycle(SIGNALS), STAGES)))
def test_interrupted_build(
    cli: Cli, mark: str, build_folder: Path, tflite: bytes, stage: str, number: signal.Signals
) -> None:
    """The old build stays; the new one leaves nothing."""
    (cli.folder / "model.tflite").write_bytes(tflite)
    shutil.copytree(build_folder, cli.folder / "o")
    many = "3000" if stage.startswith("Running") else "20"
    arguments = ["build", "model.tflite", "--out", "o", "--samples", many]
    interrupted(cli, mark, arguments, stage, number, after=0.1, again=number == signal.SIGINT)


@pytest.mark.parametrize("command", ["validate", "drift", "profile"])
def test_interrupted_measurements(cli: Cli, mark: str, build_folder: Path, command: str) -> None:
    stage = {"validate": "Starting emulated", "drift": "Comparing layer by layer", "profile": "Counting instructions"}
    interrupted(cli, mark, [command, str(build_folder)], stage[command], signal.SIGINT, after=0.1)


@pytest.mark.parametrize("after", [0.0, 1.5, 4.0])
def test_interrupted_while_tensorflow_works(cli: Cli, mark: str, after: float, keras_file: Path) -> None:
    """While TensorFlow is imported, loads and converts."""
    shutil.copyfile(keras_file, cli.folder / "m.keras")
    images = np.random.default_rng(0).random((500, 8, 8, 1), np.float32)
    np.savez(cli.folder / "d.npz", x_test=images[:10], x_train=images)
    interrupted(
        cli,
        mark,
        ["build", "m.keras", "--data", "d.npz", "--out", "o"],
        "Loading the model",
        signal.SIGINT,
        after=after,
    )


def test_interruption_that_is_swallowed(cli: Cli, mark: str, tflite: bytes) -> None:
    """As TensorFlow's converter does it; here by the user's code, at the first chance."""
    (cli.folder / "m.tflite").write_bytes(tflite)
    (cli.folder / "deaf.py").write_text("""
import contextlib, numpy, os, signal, time
def load():
    with contextlib.suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
    return {"x_test": numpy.eye(4, 5, dtype="f")}
""")
    cli.extra["PYTHONDONTWRITEBYTECODE"] = "1"
    before = sorted(cli.folder.iterdir())
    for command in (["build", "m.tflite", "--data", "deaf:load"], ["data", "check", "deaf:load"]):
        done = cli(*command)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (130, "Interrupted.")
        assert "Generating C" not in done.stderr
    assert sorted(cli.folder.iterdir()) == before
    assert not gone(mark, 0)


def test_interrupted_within_code_from_a_string(cli: Cli) -> None:
    """Python then ends itself by the signal, although the exception was caught, if nothing is done about it."""
    program = """
import os, signal, types
import edgeq.__main__, edgeq.cli
def run(**options): exec("os.kill(os.getpid(), signal.SIGINT)", globals())
edgeq.cli.edgeq = types.SimpleNamespace(main=run)
edgeq.__main__.main()
"""
    (cli.folder / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "program"],
        cwd=cli.folder, env=cli.environment, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, b"Interrupted.\n")


@pytest.mark.parametrize("stage", ["Running the first sample on the host", "Compiling with zig", "Running on emulated"])
def test_killed(cli: Cli, mark: str, tflite: bytes, stage: str) -> None:
    """Nobody can clean up after kill -9, but no process survives it."""
    (cli.folder / "model.tflite").write_bytes(tflite)
    with cli.start("build", "model.tflite", "--out", "o", "--samples", "3000", stderr=subprocess.PIPE) as process:
        until(process, stage)
        time.sleep(0.2)
        assert len(marked(mark)) > 1
        process.kill()
        process.wait(10)
        assert not gone(mark, 5.0)
    assert not (cli.folder / "o").exists()


def test_closed_streams(cli: Cli, tflite: bytes) -> None:
    """A reader that went away, and no stdin at all."""
    (cli.folder / "model.tflite").write_bytes(tflite)
    read, write = os.pipe()
    os.close(read)
    with cli.start("inspect", "model.tflite", stdout=write) as process:
        os.close(write)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, b"")
    with cli.start("inspect", "model.tflite", preexec_fn=lambda: os.close(0), stdin=None) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert b"FULLY_CONNECTED" in out
