"""A program that is stopped when it stands still, and not while it gets on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgeq import process
from edgeq.errors import ToolError

STEPS = "import sys, time\nfor i in range({}): open(sys.argv[1], 'a').write('.'); time.sleep(0.1)\n{}"


def run(code: str, file: Path, timeout: float) -> bytes:
    return process.run(
        [sys.executable, "-c", code, file], timeout=timeout, what="counting", stdin=b"x",
        progress=lambda: file.exists() and file.stat().st_size,
    ).stdout  # fmt: skip


def test_it_may_take_longer_than_the_timeout_while_it_gets_on(tmp_path: Path) -> None:
    # 6 s of steps against 5 s: a timeout that a slow start of Python does not reach.
    assert run(STEPS.format(60, "print('done', sys.stdin.read())"), tmp_path / "steps", 5.0).split() == [b"done", b"x"]


def test_it_is_stopped_when_it_stands_still(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"counting: no progress in 0\.5 s, stopped"):
        run(STEPS.format(1, "time.sleep(60)"), tmp_path / "steps", 0.5)
