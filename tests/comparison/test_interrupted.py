"""Ctrl-C while arms are made: nothing stays behind but finished arms and checkpoints."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import planted
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("compare")]

DEADLINE = 300.0  # of a loaded machine; an idle one needs seconds


@pytest.fixture
def heard() -> Iterator[None]:
    """A suite in the background is deaf to SIGINT, and so are the processes that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_leaves_no_temporary_files(tmp_path: Path) -> None:
    planted.clean_regression(0).write(tmp_path)
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    command = [
        sys.executable, "-m", "edgeq", "compare", str(tmp_path / "model.keras"), "--data", str(tmp_path / "data.npz"),
        "--methods", "qat", "--epochs", "100000", "--patience", "0", "--seeds", "6", "--jobs", "2", "--out", str(out),
    ]  # fmt: skip
    running = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(scratch)}, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: bool(list(out.glob("arms/training-*/*.npz"))), running)
        assert list(scratch.rglob("*")), "the workers write somewhere else"
        loaded = Path(f"/proc/{running.pid}/maps").read_text()
        assert "libtensorflow" not in loaded, "the workers need the seconds of its import, and its memory"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=DEADLINE)
    finally:
        running.kill()
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert [str(p.relative_to(scratch)) for p in scratch.rglob("*")] == []
    assert list(out.glob("arms/training-*/*.npz")), "the training can go on from its checkpoint"


def wait_for(happened: Callable[[], bool], running: subprocess.Popen[str]) -> None:
    """Until a training is on its way."""
    end = time.monotonic() + DEADLINE
    while not happened():
        assert running.poll() is None, running.communicate()[1]
        assert time.monotonic() < end, "no training began"
        time.sleep(0.2)
