"""The `edgeq` command: runs a command, and turns what went wrong into one message and an exit code."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import signal
import sys
import time
from types import FrameType
from typing import TextIO

import click

from edgeq.errors import EdgeqError, InputError
from edgeq.interruption import find_temporary_folder

INTERRUPTED = 130

# Further signals within so many seconds of the first are the same wish, and must not disturb the cleaning up.
_ONE_WISH_SECONDS = 5.0


def main() -> None:
    """Run the command line; never returns. Exit codes are those of `edgeq.errors`, and 130 when interrupted."""
    interrupt = _Interrupt()
    atexit.register(_leave, interrupt)  # the first to be registered is the last to be called
    # A terminated edgeq must end its children too, just as on Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as it is under nohup, or behind a shell's &
            signal.signal(number, interrupt)
    status = _run(interrupt)
    if interrupt.came is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    sys.exit(status)


def _leave(interrupt: _Interrupt) -> None:
    """An interrupted process exits with 130, whatever Python makes of it.

    Where the interruption hit code that was run from a string (a dataclass in the making), Python would end itself by
    SIGINT in spite of the exception having been caught.
    """
    if interrupt.came is not None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(INTERRUPTED)


class _Interrupt:
    """The handler of SIGINT and SIGTERM: raises KeyboardInterrupt, once per wish. `came` is when it last did."""

    def __init__(self) -> None:
        self.came: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.came is None or now - self.came > _ONE_WISH_SECONDS:
            self.came = now
            raise KeyboardInterrupt


def _run(interrupt: _Interrupt | None = None) -> int:
    try:
        from edgeq.cli import edgeq

        find_temporary_folder()
        status = edgeq.main(prog_name="edgeq", standalone_mode=False)
        sys.stdout.flush()  # a full disk shows here, not when Python ends
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _interrupted()
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except BrokenPipeError:
        # The reader of our output went away (`edgeq … | head`): nothing to say, and nobody to say it to.
        _silence(sys.stdout)
        return 1
    except Exception as exc:
        if interrupt is not None and interrupt.came is not None:
            return _interrupted()  # native code turned the interruption into an error of its own
        return _explained(exc)
    if interrupt is not None and interrupt.came is not None:
        return _interrupted()
    return status if isinstance(status, int) else 0


def _silence(stream: TextIO) -> None:
    """What is still in the stream's buffer goes nowhere, without an error when Python ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _explained(exc: Exception) -> int:
    """Says what went wrong; the exit status."""
    if os.environ.get("EDGEQ_TRACEBACK"):
        raise exc
    if isinstance(exc, EdgeqError):
        return _failed(exc)
    if isinstance(exc, OSError):
        # What no stage could foresee: a full disk, a file that vanished.
        if exc.errno == errno.ENOSPC and exc.filename is None:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
            _silence(sys.stdout)
            return _failed(
                InputError(
                    "The output cannot be written: there is no space left where it goes.",
                    hint="Free some space, or send it elsewhere.",
                )
            )
        what = f"{exc.filename}: {exc.strerror}" if exc.filename is not None else str(exc)
        return _failed(InputError(f"{what}.", hint="EDGEQ_TRACEBACK=1 in the environment shows where it happened."))
    # A fault of edgeq's own, or of a library beneath it, that no stage translated. Never a traceback by default.
    return _failed(
        InputError(
            f"edgeq met something that it does not expect ({type(exc).__name__}: {exc}).",
            hint="If the model and the data are intact, this is a fault of edgeq: report it with what\n"
            "EDGEQ_TRACEBACK=1 in the environment shows.",
        )
    )


def _interrupted() -> int:
    click.echo("Interrupted.", err=True)
    return INTERRUPTED


def _failed(exc: EdgeqError) -> int:
    click.echo(click.style("Error: ", fg="red", bold=True, reset=True) + exc.message, err=True)
    if exc.hint:
        click.echo(exc.hint, err=True)
    return exc.exit_code


if __name__ == "__main__":
    main()
