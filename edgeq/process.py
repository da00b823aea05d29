"""The only place that starts a subprocess: argument lists, a timeout, the tool's own words in the error."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edgeq.errors import ToolError, UnavailableError

_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> Callable[[], None] | None:
    """What a child runs before exec, so that it never outlives edgeq, even if edgeq is killed (Linux only)."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def before_exec() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def own_environment() -> dict[str, str]:
    """The environment in which a child's `python -P -m edgeq.…` finds this very edgeq, also in a checkout that is not
    installed."""
    home = Path(__file__).resolve().parents[1]
    if home.name in ("site-packages", "dist-packages"):
        return dict(os.environ)
    others = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(home), *([others] if others else [])])}


def find_tool(name: str, *, hint: str) -> Path:
    """The program's path.

    Raises:
        ToolError: it is not on PATH; `hint` says how to get it.
    """
    found = shutil.which(name)
    if found is None:
        raise ToolError(f"{name} is not installed, or not on PATH.", hint=hint)
    return Path(found)


def run(
    argv: Sequence[str | Path],
    *,
    timeout: float,
    what: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    error: type[UnavailableError] = ToolError,
    progress: Callable[[], object] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end.

    Args:
        argv: the program and its arguments; no shell is involved.
        timeout: seconds after which it is killed; with `progress`, seconds in which that stands still.
        what: what it does, in the user's words, for messages ("compiling conv_2d.c").
        cwd: the folder it runs in.
        env: the whole environment; None keeps this process's.
        stdin: bytes to feed it.
        error: the class raised on failure.
        progress: a value that changes as long as the program gets on; None: it has `timeout` for everything.

    Raises:
        UnavailableError: (class `error`) not found, timed out, died of a signal, or exit status other than 0; the
            message holds the last lines that it printed.
    """
    try:
        with start(argv, what=what, cwd=cwd, env=env, error=error) as child:
            try:
                out, err = _communicate(child, stdin, timeout, progress)
            except subprocess.TimeoutExpired as exc:
                child.kill()
                out, err = child.communicate()
                kind = "end after" if progress is None else "progress in"
                raise error(f"{what}: no {kind} {timeout:g} s, stopped.{_tail(out, err)}") from exc
            except BaseException:
                child.kill()
                child.wait()
                raise
    except OSError as exc:
        raise error(f"{what}: {exc}") from exc
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        raise error(f"{what}: the process crashed ({name}).{_tail(out, err)}")
    if child.returncode != 0:
        raise error(f"{what}: exit status {child.returncode}.{_tail(out, err)}")
    return subprocess.CompletedProcess(list(argv), child.returncode, out, err)


def _communicate(
    child: subprocess.Popen[bytes], stdin: bytes | None, timeout: float, progress: Callable[[], object] | None
) -> tuple[bytes, bytes]:
    """As `Popen.communicate`, as long as `progress` changes."""
    seen = progress() if progress is not None else None
    while True:
        try:
            return child.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            stdin = None  # it is fed already
            now = progress() if progress is not None else None
            if now == seen:
                raise
            seen = now


def start(
    argv: Sequence[str | Path],
    *,
    what: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    error: type[UnavailableError] = ToolError,
) -> subprocess.Popen[bytes]:
    """Start a program with pipes on stdin, stdout and stderr; it dies with this process.

    The child has a session of its own: Ctrl-C reaches edgeq alone, which then ends the child.

    Raises:
        UnavailableError: (class `error`) it cannot be started.
    """
    try:
        return subprocess.Popen(
            [str(a) for a in argv],
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 (prctl alone runs between fork and exec)
        )
    except OSError as exc:
        raise error(f"{what}: cannot start {argv[0]}: {exc.strerror or exc}") from exc


def stop(child: subprocess.Popen[bytes], *, grace: float = 2.0) -> None:
    """End a child: ask, wait `grace` seconds, kill. Its pipes are closed."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            child.wait(grace)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _tail(out: bytes, err: bytes, lines: int = 20) -> str:
    text = (err.strip() or out.strip()).decode(errors="replace")
    return "\n" + "\n".join("  " + line for line in text.splitlines()[-lines:]) if text else ""
