"""Moves bytes between the host and the device through a line with faults, in a thread."""

from __future__ import annotations

import contextlib
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from edgeq.errors import LinkError
from edgeq.link.codes import BAUD, Kind
from edgeq.link.faulty.ends import DeviceEnd, End, PtyEnd, SocketEnd
from edgeq.link.faulty.faults import Direction, Faults
from edgeq.link.frame import Frame, encode

_IDLE = 0.05  # seconds between looks at what other threads want
_POLL = 0.001  # the same for a device without a descriptor to wait for
_RESET_SEQUENCE = 0xFFFF


@dataclass(slots=True)
class _Way:
    """One direction, what its receiver had no room for, and whether the line has none for what its sender has."""

    source: End
    sink: End
    line: Direction
    rest: bytes = b""
    waits: bool = False


class Proxy:
    """A line with faults. It runs from entering its `with` block until leaving it.

    `url` is what the host opens. The methods may be called from any thread.
    """

    def __init__(self, device: str, faults: Faults, *, baud: int = BAUD, listen: tuple[str, int] | None = None) -> None:
        """Open both ends.

        Args:
            device: the device's port, or a pyserial URL.
            faults: what the line does.
            baud: speed of the device's port.
            listen: host and port of a TCP server for the host; None: a pseudo-terminal.

        Raises:
            InputError: there can be no such server, or no pseudo-terminal.
            LinkError: the device's port cannot be opened.
        """
        self._device = DeviceEnd(device, baud=baud)
        try:
            self._host: End = PtyEnd() if listen is None else SocketEnd(*listen)
        except BaseException:
            self._device.close()
            raise
        self.url = self._host.url
        self.to_device = Direction(faults, seed=2 * faults.seed)
        self.to_host = Direction(faults, seed=2 * faults.seed + 1)
        self.cuts = self.resets = 0
        self.failure: LinkError | None = None
        self._speed = self._host.speed()
        self._wanted: list[Callable[[], None]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def cut(self, seconds: float) -> None:
        """Everything on the line is lost for so long, from now on."""
        self._wanted.append(lambda: self._cut(seconds))

    def reset(self) -> None:
        """The device starts anew: a RESET request is put between the bytes on their way to it."""
        self._wanted.append(self._reset)

    def is_alive(self) -> bool:
        """Whether bytes are still moved; if not, `failure` says why."""
        return self._thread.is_alive()

    def statistics(self) -> dict[str, object]:
        """What was done so far, for JSON."""
        return {
            "cuts": self.cuts,
            "resets": self.resets,
            "to_device": self.to_device.injected.as_dict(),
            "to_host": self.to_host.injected.as_dict(),
        }

    def __enter__(self) -> Self:
        """Starts."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends, and closes both ends."""
        self._ended.set()
        self._thread.join()
        self._host.close()
        self._device.close()

    def _cut(self, seconds: float) -> None:
        self.cuts += 1
        for line in (self.to_device, self.to_host):
            line.cut(time.monotonic() + seconds)

    def _reset(self) -> None:
        self.resets += 1
        self._device.write(encode(Frame(Kind.RESET, b"", 0, _RESET_SEQUENCE)))

    def _run(self) -> None:
        ways = (
            _Way(self._host, self._device, self.to_device),
            _Way(self._device, self._host, self.to_host),
        )
        try:
            while not self._ended.is_set():
                while self._wanted:
                    self._wanted.pop(0)()
                self._wait(ways)
                self._follow_speed()
                for way in ways:
                    self._move(way)
        except LinkError as exc:
            self.failure = exc

    def _wait(self, ways: tuple[_Way, ...]) -> None:
        now = time.monotonic()
        until = min(_IDLE, *(max(0.0, way.line.next_time() - now) for way in ways))
        if any(way.rest for way in ways) or not self._device.watched():
            until = min(until, _POLL)
        watched = [fd for way in ways if not way.rest and not way.line.is_full(now) for fd in way.source.watched()]
        with contextlib.suppress(OSError, ValueError):  # a client that left meanwhile
            select.select(watched, [], [], until)

    def _follow_speed(self) -> None:
        """What the host sends after it has changed its speed arrives at that one."""
        baud = self._host.speed()
        if baud is not None and baud != self._speed:
            self._speed = baud
            self._device.follow(baud)

    @staticmethod
    def _move(way: _Way) -> None:
        now = time.monotonic()
        if way.line.is_full(now):
            way.waits = True
        elif not way.rest:
            before = way.source.speed()
            data = way.source.read()
            if data:
                # A sender may change its speed behind what it has sent, and before it.
                receiver, after = way.sink.speed(), way.source.speed()
                sender = before if before == receiver else after
                way.line.feed(data, now, sender=sender, receiver=receiver, waited=way.waits)
            way.waits = False
        if not way.rest:
            way.rest = way.line.take(now)
        if way.rest:
            way.rest = way.sink.write(way.rest)
