"""What every device offers: something that runs the firmware, or stands for it, behind a serial port."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

RX_WINDOW = 4096
"""Bytes that emulators keep: a pseudo-terminal's buffer."""


class Device(Protocol):
    """A device that has been started and can be connected to. Leaving its `with` block ends it.

    `name` is what reports call it ("emulated", "native", …); `url` is the serial port or pyserial URL to connect to.
    """

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    @property
    def url(self) -> str:
        """A serial port, or a pyserial URL."""
        ...

    @property
    def rx_window(self) -> int:
        """Bytes that are kept for the firmware while it computes, whatever its board's receiver keeps."""
        ...

    def failure(self) -> str | None:
        """Why the device cannot answer any more, in a sentence; None while nothing is known to be wrong. Cheap."""
        ...

    def close(self) -> None:
        """End it. May be called twice."""
        ...

    def __enter__(self) -> Self:
        """The device itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it."""
        ...
