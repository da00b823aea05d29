"""The line's speed: raised where both sides and the line between them can, lowered again when it shows errors."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Iterator

from edgeq.errors import DeviceError, LinkError
from edgeq.link.codes import Kind, Refusal
from edgeq.link.exchange import WAKE, DeviceResetError, Exchange, RefusedError

STEPS = (921600, 460800, 230400)
"""Speeds that are tried, the fastest first."""

_PATIENCE = 2.0  # seconds for an answer while speeds change
_SETTLING = 0.05  # until the device has changed its own, behind the reply
_TRIALS = 8  # PINGs that have to get through a new speed
_TRIAL = bytes(range(256)) * 2
_TOO_MANY = 8  # frames that are lost at a raised speed, of so many requests:
_PERIOD = 128


class LineSpeed:
    """The speed of one conversation's line. `base` is that of its beginning, which is known to work."""

    def __init__(self, exchange: Exchange) -> None:
        """Changes nothing."""
        self._exchange = exchange
        self.base = exchange.transport.baud
        self._damage = 0
        self._requests = 0

    @property
    def is_raised(self) -> bool:
        """Whether the line is faster than it was at the beginning."""
        return self._exchange.transport.baud != self.base

    def raise_to(self, fastest: int) -> None:
        """Take the fastest speed up to `fastest` that device and line carry.

        Raises:
            LinkError: the line is dead.
        """
        for baud in STEPS:
            if self.base < baud <= fastest:
                fit = self._try(baud)
                if fit is None or self.is_raised:
                    return
                fastest = min(fastest, fit)

    def watch(self) -> None:
        """Called between requests: falls back if the line loses frames at the raised speed.

        Raises:
            LinkError: the line is dead.
        """
        if not self.is_raised:
            return
        self._requests += 1
        if self._lost() - self._damage > _TOO_MANY:
            self.fall_back()
        elif self._requests % _PERIOD == 0:
            self._damage = self._lost()

    def fall_back(self) -> None:
        """Go back to the speed of the beginning, for good. A device that does not hear it any more does so by itself.

        Raises:
            LinkError: the line is dead.
        """
        exchange = self._exchange
        with contextlib.suppress(LinkError, RefusedError, DeviceResetError), self._short_patience():
            exchange.request(exchange.frame(Kind.SPEED, struct.pack("<I", self.base)))
        exchange.set_baud(self.base)
        exchange.transport.write(WAKE)
        with contextlib.suppress(DeviceResetError):
            exchange.request(exchange.frame(Kind.PING, b""))

    def restore(self) -> None:
        """At the end: the next conversation begins at the first speed. A dead line is no reason to complain here."""
        if self.is_raised:
            ends = (LinkError, DeviceError, RefusedError, DeviceResetError)
            with contextlib.suppress(*ends), self._short_patience():
                self._exchange.request(self._exchange.frame(Kind.SPEED, struct.pack("<I", self.base)))
            with contextlib.suppress(LinkError):
                self._exchange.set_baud(self.base)
            time.sleep(_SETTLING)

    def _try(self, baud: int) -> int | None:
        """Change to a speed and try it out. The fastest that may be tried next; None: none."""
        exchange = self._exchange
        try:
            with contextlib.suppress(LinkError), self._short_patience():  # a reply that is lost: perhaps it was done
                exchange.request(exchange.frame(Kind.SPEED, struct.pack("<I", baud)))
        except RefusedError as exc:
            return exc.error.detail if exc.error.code == Refusal.OUT_OF_RANGE else None
        time.sleep(_SETTLING)
        try:
            exchange.set_baud(baud)
            with self._short_patience():
                exchange.request(exchange.frame(Kind.PING, b""))  # ends what arrived in pieces while the speed changed
                self._damage = self._lost()
                for _ in range(_TRIALS):
                    exchange.request(exchange.frame(Kind.PING, _TRIAL))
            if self._lost() == self._damage:
                return baud
        except LinkError:
            pass
        self.fall_back()
        return baud - 1

    def _lost(self) -> int:
        """Frames that arrived damaged; late ones say nothing about the line."""
        return self._exchange.counters.bad_frames + self._exchange.counters.reported

    @contextlib.contextmanager
    def _short_patience(self) -> Iterator[None]:
        timeout, self._exchange.timeout = self._exchange.timeout, min(_PATIENCE, self._exchange.timeout)
        try:
            yield
        finally:
            self._exchange.timeout = timeout
