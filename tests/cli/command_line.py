"""The command line as a user meets it: a process of its own, its streams, its exit status, what it leaves behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgeq.console import _run

_ROOT = Path(__file__).resolve().parents[2]

# A suite that runs in the background is deaf to SIGINT (behind a shell's &) or SIGHUP (nohup), and its children would
# inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@dataclass(frozen=True)
class Cli:
    """Runs `edgeq` in a folder. Its temporary files are kept apart, so that leftovers show."""

    folder: Path
    scratch: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        others = os.environ.get("PYTHONPATH")
        path = os.pathsep.join([str(_ROOT), *([others] if others else [])])
        return {**os.environ, "PYTHONPATH": path, "TMPDIR": str(self.scratch), "COLUMNS": "100", **self.extra}

    def start(self, *arguments: str | Path, **options: object) -> subprocess.Popen[bytes]:
        """The running process."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [sys.executable, "-m", "edgeq", *map(str, arguments)],
            cwd=self.folder, env=self.environment, start_new_session=True, **pipes,
        )  # fmt: skip

    def __call__(self, *arguments: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(arguments, process.returncode, os.fsdecode(out), os.fsdecode(err))

    def here(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """The same in this process, which is quicker."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            patch.setattr(tempfile, "tempdir", str(self.scratch))
            patch.setattr(sys, "argv", ["edgeq", *map(str, arguments)])
            for name, value in self.extra.items():
                patch.setenv(name, value)
            status = _run()
        return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())

    def refuses(self, status: int, *arguments: str | Path, said: str | tuple[str, ...]) -> str:
        """The command fails with one message that holds all of `said`; nothing is left over. Gives the message."""
        before = sorted(self.folder.rglob("*"))
        done = self.here(*arguments)
        message = done.stderr[done.stderr.find("Error") :]
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count("Error:") == 1, done.stderr
        assert not done.stdout
        for text in (said,) if isinstance(said, str) else said:
            assert text in message, message
        assert sorted(self.folder.rglob("*")) == before
        assert not list(self.scratch.iterdir())
        return message
