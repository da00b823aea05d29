"""Models of UARTs, for the built-in emulator. A new kind is a class here and a line in `UARTS`.

Each has `read(offset) -> int` and `write(offset, value)`, offsets in bytes from its base.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

_MANY = 4096


class Pieces(Protocol):
    """Memory of the firmware for bytes of the line."""

    def give(self, received: bytearray) -> int:
        """Puts received bytes there, from the first one on; how many."""
        ...

    def collect(self) -> bytes:
        """Takes the bytes that are there to be sent."""
        ...


class Uart(ABC):
    """What UARTs have in common. Received bytes wait without loss, as in QEMU.

    `starved` is called when the firmware keeps asking for a byte and there is none: it may block until one arrives.
    `pieces` is the firmware's memory for bytes that need not go through the register one by one, where it has one: a
    load from there takes a thousandth of the time of one from here.
    """

    _POLLS_BEFORE_WAIT = 64

    def __init__(self, starved: Callable[[], None], full: Callable[[], None]) -> None:
        """`full` is called when `sent` should go out: at the end of a frame, or when there is much of it."""
        self.received = bytearray()
        self.sent = bytearray()
        self.pieces: Pieces | None = None
        self._starved, self._full = starved, full
        self._control = 0
        self._polls = 0
        self._in_frame = False

    @abstractmethod
    def read(self, offset: int) -> int:
        """A register, by its offset in bytes."""

    @abstractmethod
    def write(self, offset: int, value: int) -> None:
        """A register; the speed makes no difference."""

    @property
    @abstractmethod
    def can_interrupt(self) -> bool:
        """Whether a received byte would raise the receive interrupt."""

    def _poll(self) -> bool:
        """The firmware asks whether a byte is there."""
        if not self.received:
            self._polls += 1
            if self._polls > self._POLLS_BEFORE_WAIT:
                self._polls = 0
                self._starved()
        return bool(self.received)

    def _take(self) -> int:
        self._polls = 0
        if not self.received:
            return 0
        byte = self.received.pop(0)
        if self.pieces is not None and self.received:
            del self.received[: self.pieces.give(self.received)]
        return byte

    def _send(self, byte: int) -> None:
        self._polls = 0
        piece = (self.pieces.collect() if self.pieces is not None else b"") or bytes([byte])
        self.sent += piece
        # A zero byte ends a frame of the link, unless it is in front of one: the host waits for it, and an inference
        # may follow.
        self._in_frame = self._in_frame or any(piece)
        ended = self._in_frame and piece[-1] == 0
        if ended:
            self._in_frame = False
        if ended or len(self.sent) >= _MANY:
            self._full()


class CmsdkUart(Uart):
    """CMSDK APB UART (Arm DDI 0479, 4.3)."""

    def read(self, offset: int) -> int:
        """DATA, STATE, CTRL, INTSTATUS; 0 elsewhere."""
        if offset == 0x04:
            return 2 if self._poll() else 0
        if offset == 0x00:
            return self._take()
        if offset == 0x08:
            return self._control
        if offset == 0x0C:
            return 2 if self.received and self.can_interrupt else 0
        return 0

    def write(self, offset: int, value: int) -> None:
        """DATA and CTRL; there is nothing to clear."""
        if offset == 0x00:
            self._send(value & 0xFF)
        elif offset == 0x08:
            self._control = value

    @property
    def can_interrupt(self) -> bool:
        """Whether a received byte would raise the receive interrupt."""
        return bool(self._control & 8)


class Stm32Usart(Uart):
    """USART of STM32F2 and F4 (RM0090, 30.6). The transmitter is always empty.

    `overrun` is ORE: a byte was lost. Nothing sets it here, where bytes wait; reading a byte clears it.
    """

    STATUS, RECEIVE, TRANSMIT, CONTROL = 0x00, 0x04, 0x04, 0x0C
    _ORE, _RXNE, _TC, _TXE = 1 << 3, 1 << 5, 1 << 6, 1 << 7
    overrun = False

    def read(self, offset: int) -> int:
        """Status, received byte, CR1; 0 elsewhere."""
        if offset == self.STATUS:
            return (self._RXNE if self._poll() else 0) | (self._ORE if self.overrun else 0) | self._TC | self._TXE
        if offset == self.RECEIVE:
            self.overrun = False
            return self._take()
        return self._control if offset == self.CONTROL else 0

    def write(self, offset: int, value: int) -> None:
        """Sent byte and CR1."""
        if offset == self.TRANSMIT:
            self._send(value & 0xFF)
        elif offset == self.CONTROL:
            self._control = value

    @property
    def can_interrupt(self) -> bool:
        """Whether a received byte would raise the receive interrupt."""
        return bool(self._control & self._RXNE)  # RXNEIE has RXNE's place


class Stm32UsartV2(Stm32Usart):
    """USART of STM32F7 and LPUART of STM32L4 (RM0410, 34.8; RM0432, 45.7): the same bits elsewhere."""

    STATUS, RECEIVE, TRANSMIT, CONTROL = 0x1C, 0x24, 0x28, 0x00


class NrfUart(Uart):
    """UART without DMA of the nRF52 (nRF52840 PS, 6.33.10). A byte is sent at once."""

    _RXDRDY, _TXDRDY, _INTENSET, _RXD, _TXD = 0x108, 0x11C, 0x304, 0x518, 0x51C

    def read(self, offset: int) -> int:
        """The two events, RXD; 0 elsewhere."""
        if offset == self._RXDRDY:
            return int(self._poll())
        if offset == self._RXD:
            return self._take()
        return int(offset == self._TXDRDY)

    def write(self, offset: int, value: int) -> None:
        """TXD and INTENSET; RXDRDY comes back by itself as long as there are bytes."""
        if offset == self._TXD:
            self._send(value & 0xFF)
        elif offset == self._INTENSET:
            self._control |= value

    @property
    def can_interrupt(self) -> bool:
        """Whether a received byte would raise the receive interrupt."""
        return bool(self._control & 1 << 2)


class Pl011(Uart):
    """Arm's PrimeCell UART (Arm DDI 0183, 3.3). Interrupts do not wait for a half-full FIFO."""

    _DR, _FR, _IMSC, _RX_EMPTY = 0x00, 0x18, 0x38, 1 << 4

    def read(self, offset: int) -> int:
        """DR, FR, IMSC; 0 elsewhere."""
        if offset == self._DR:
            return self._take()
        if offset == self._FR:
            return 0 if self._poll() else self._RX_EMPTY
        return self._control if offset == self._IMSC else 0

    def write(self, offset: int, value: int) -> None:
        """DR and IMSC."""
        if offset == self._DR:
            self._send(value & 0xFF)
        elif offset == self._IMSC:
            self._control = value

    @property
    def can_interrupt(self) -> bool:
        """Whether a received byte would raise the receive interrupt."""
        return bool(self._control & (1 << 4 | 1 << 6))


UARTS: dict[str, type[Uart]] = {
    "cmsdk": CmsdkUart, "stm32-usart": Stm32Usart, "stm32-usart-v2": Stm32UsartV2, "stm32-lpuart": Stm32UsartV2,
    "nrf-uart": NrfUart, "pl011": Pl011,
}  # fmt: skip
