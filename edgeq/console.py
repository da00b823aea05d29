"""Runs a command, and turns what went wrong into one message and an exit code."""

from __future__ import annotations

import _thread
import atexit
import contextlib
import errno
import io
import os
import signal
import sys
import time
from types import FrameType
from typing import TextIO

import click

from edgeq.errors import EdgeqError, InputError, ToolError
from edgeq.interruption import find_temporary_folder
from edgeq.signals import INTERRUPTED, SIGNALS, answer, leave_at_once

# Further signals within so many seconds of the first are the same wish, and must not disturb the cleaning up.
_ONE_WISH_SECONDS = 5.0

# In so many a finalizer is left.
_LEFT_SECONDS = 0.05


def run() -> None:
    """Run the command line; never returns."""
    _open_streams()
    interrupt, ending = _Interrupt(), _Ending()
    atexit.register(_leave, interrupt, ending)  # the first to be registered is the last to be called
    try:
        # A terminated edgeq must end its children too, just as on Ctrl-C.
        sys.unraisablehook = interrupt.unraisable
        answer(interrupt)
        status = _run(interrupt)
        answer(leave_at_once if interrupt.came is None else signal.SIG_IGN)
    except KeyboardInterrupt:  # between two lines here
        status = _interrupted()
    ending.status = status
    sys.exit(status)


def _open_streams() -> None:
    """What a shell closed (`>&-`) is /dev/null: else the next file to be opened would be the standard output."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, mode, closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")  # a locale without "✓", a file's name that is no text


class _Ending:
    """What the command came to; None while it has not."""

    status: int | None = None


def _leave(interrupt: _Interrupt, ending: _Ending) -> None:
    """Ends the process as the last of the exit handlers.

    What Python would do after them is to take all modules apart: more than a second of freeing memory once TensorFlow
    is among them. And an interrupted process exits with 130, whatever Python makes of it: where the interruption hit
    code that was run from a string (a dataclass in the making), Python would end itself by SIGINT in spite of the
    exception having been caught.
    """
    status = ending.status if interrupt.came is None else INTERRUPTED
    if status is None:
        return  # an error that nobody caught: Python shows it
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status)


class _Interrupt:
    """The handler of signals: raises KeyboardInterrupt, once per wish. `came` is when it last did."""

    def __init__(self) -> None:
        self.came: float | None = None
        self._lost = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.came is None or self._lost or now - self.came > _ONE_WISH_SECONDS:
            self.came, self._lost = now, False
            raise KeyboardInterrupt

    def unraisable(self, found: sys.UnraisableHookArgs) -> None:
        """For `sys.unraisablehook`: where Python drops exceptions (a finalizer, a weak reference's callback, as every
        import has some), a KeyboardInterrupt is raised again as soon as that code is left."""
        if found.exc_type is not KeyboardInterrupt:
            sys.__unraisablehook__(found)
            return
        self._lost = True
        # No `threading.Thread`: this may have interrupted one of its locks.
        _thread.start_new_thread(_again, ())


def _again() -> None:
    time.sleep(_LEFT_SECONDS)
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            _thread.interrupt_main(number)
            return


def _run(interrupt: _Interrupt | None = None) -> int:
    try:
        from edgeq.cli import edgeq
        from edgeq.model.runtime import import_less

        import_less()
        find_temporary_folder()
        status = edgeq.main(prog_name="edgeq", standalone_mode=False)
        sys.stdout.flush()  # a full disk shows here, not when Python ends
    except (click.exceptions.Abort, KeyboardInterrupt) as exc:
        return _interrupted(exc)
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except BrokenPipeError:
        # The reader of our output went away (`edgeq … | head`): nothing to say, and nobody to say it to.
        _silence(sys.stdout)
        return 1
    except Exception as exc:
        if interrupt is not None and interrupt.came is not None:
            return _interrupted(exc)  # native code turned the interruption into an error of its own
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
    if isinstance(exc, ModuleNotFoundError) and not (exc.name or "edgeq").startswith("edgeq"):
        return _failed(
            ToolError(
                f"{exc.name} is not installed: there is only what `edgeq agent` needs.",
                hint="pip install 'edgeq[build]' brings the rest; `edgeq doctor` shows what is missing.",
            )
        )
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


def _interrupted(exc: BaseException | None = None) -> int:
    """Says so, and what stages have noted at the interruption that `exc` is, or was made of; the exit status."""
    words = ["Interrupted."]
    while exc is not None:
        words += getattr(exc, "__notes__", [])
        exc = exc.__cause__ or exc.__context__
    with contextlib.suppress(OSError):  # the terminal may be gone
        click.echo(" ".join(words), err=True)
    return INTERRUPTED


def _failed(exc: EdgeqError) -> int:
    click.echo(click.style("Error: ", fg="red", bold=True, reset=True) + exc.message, err=True)
    if exc.hint:
        click.echo(exc.hint, err=True)
    return exc.exit_code
