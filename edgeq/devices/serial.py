"""A board on a serial port, or behind a pyserial URL. Somebody else has put the firmware on it."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class SerialDevice:
    """See `edgeq.devices.base.Device`. `url`: /dev/ttyACM0, COM3, socket://host:port, rfc2217://host:port."""

    url: str

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.url

    @property
    def rx_window(self) -> int:
        """None: the board says in HELLO what it keeps."""
        return 0

    def failure(self) -> str | None:
        """Nothing is known of a board but what it says on the line."""
        return None

    def close(self) -> None:
        """The board stays as it is."""

    def __enter__(self) -> Self:
        """The device itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The board stays as it is."""
