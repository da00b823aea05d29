"""Every error that edgeq raises on purpose.

::

    EdgeqError
    ├── InputError            exit 2   the user's file, data or option is wrong
    │   ├── ModelError                 the model cannot be read, or must not be loaded
    │   ├── DataError                  the data do not fit the model, or cannot be read
    │   └── UnsupportedError           a layer, op or attribute that edgeq or the engine does not support
    ├── CheckFailed           exit 1   everything ran, and the answer is no
    │   ├── VerifyError                the .tflite is not what was asked for (not full-integer, degenerate scale …)
    │   ├── BudgetError                the image does not fit flash or RAM
    │   └── FlashError                 the board's memory does not hold what was written to it
    └── UnavailableError      exit 3   a device or tool is missing, silent or broken
        ├── ToolError                  a compiler, emulator or other program is missing or failed
        ├── DeviceError                the device crashed, or is the wrong one
        ├── LinkError                  no or wrong answers over the serial line
        └── InterpreterError           a reference interpreter crashed or refused the model

A message says what was found, where, and what to do next. Exceptions from other libraries are translated where they
arise, with the cause chained.
"""

from __future__ import annotations


class EdgeqError(Exception):
    """Base of all errors that edgeq raises on purpose; `exit_code` is the process's exit status."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """`message` says what was found and where; `hint`, on a line of its own, what to do next."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The message, and the hint on a line of its own."""
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class InputError(EdgeqError):
    """The user's file, data or option is wrong."""

    exit_code = 2


class ModelError(InputError):
    """The model cannot be read, or must not be loaded."""


class DataError(InputError):
    """The data cannot be read, or do not fit the model."""


class UnsupportedError(InputError):
    """A layer, op or attribute that edgeq or the chosen engine does not support."""


class CheckFailed(EdgeqError):  # noqa: N818 (it is no error of the program)
    """Everything ran, and the answer is no."""

    exit_code = 1


class VerifyError(CheckFailed):
    """The .tflite is not what was asked for: not full-integer, a degenerate scale, …"""


class BudgetError(CheckFailed):
    """The image does not fit the board's flash or RAM, or the limit that the user set: by how many bytes, if known."""

    def __init__(self, message: str, *, hint: str | None = None, flash_over: int = 0, ram_over: int = 0) -> None:
        """As `EdgeqError`; bytes of flash and RAM too many."""
        super().__init__(message, hint=hint)
        self.flash_over = flash_over
        self.ram_over = ram_over


class FlashError(CheckFailed):
    """What was read back from a board is not what was written to it."""


class UnavailableError(EdgeqError):
    """A device or tool is missing, silent or broken."""

    exit_code = 3


class ToolError(UnavailableError):
    """A compiler, emulator or other program is missing or failed."""


class DeviceError(UnavailableError):
    """The device crashed (the message says where), or is not the one that was expected."""


class LinkError(UnavailableError):
    """No answers, or wrong ones, over the serial line."""


class InterpreterError(UnavailableError):
    """A reference interpreter crashed or refused the model."""
