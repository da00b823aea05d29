"""One request at a time over a line that may lose, damage, duplicate or delay anything.

A request is sent again until its reply arrives: at once when either side noticed a damaged frame, else after a time
(`edgeq.link.clock`). Every request of the protocol may be repeated without harm.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from edgeq.errors import DeviceError, LinkError
from edgeq.link.clock import BITS, Clock, LineHistory
from edgeq.link.codes import REPLY, Kind
from edgeq.link.faults import Symbolise, describe_fault
from edgeq.link.frame import BadFrame, Decoder, Frame, encode
from edgeq.link.messages import EVENT, Error, Fault
from edgeq.link.payload import MessageError
from edgeq.link.transport import Transport

_T = TypeVar("_T")

_RESTART = 0.3
_SOUND_SLEEP = 1.0  # seconds without an answer to HELLO until the device may be at another speed
_LAST_WORDS = 1.0  # seconds until a process whose pseudo-terminal is gone is known to have ended


# What a device at another speed takes for so many damaged frames that it goes back to its first one.
WAKE = b"\0\x55" * 48


class DeviceResetError(Exception):
    """The device started anew: what it knew of the current run is gone."""


class FaultReportedError(DeviceError):
    """The device's fault handler told what happened."""


class RefusedError(Exception):
    """The device answered with ERROR."""

    def __init__(self, error: Error) -> None:
        """`error` is what it said."""
        super().__init__(f"request {error.request:#04x} refused with code {error.code}")
        self.error = error


@dataclass(slots=True)
class Counters:
    """What went wrong on the line so far.

    `retries` are requests that were sent again; HELLO is none of them: it is said until somebody is there to hear it.
    `bad_frames` arrived damaged here, `reported` at the device.
    """

    retries: int = 0
    bad_frames: int = 0
    reported: int = 0
    resets: int = 0


class Exchange:
    """The host's end of the line."""

    def __init__(
        self,
        transport: Transport,
        *,
        timeout: float,
        run_timeout: float,
        failure: Callable[[], str | None] = lambda: None,
        symbolise: Symbolise | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            transport: an open line; it stays the caller's.
            timeout: seconds of silence after which the device counts as dead.
            run_timeout: seconds that one RUN may compute.
            failure: asked now and then: why the device cannot answer any more.
            symbolise: names the place of an address, for messages.
        """
        self.transport = transport
        self.timeout = timeout
        self.run_timeout = run_timeout
        self.counters = Counters()
        self.session = 0
        self._history = LineHistory(byte_time=BITS / transport.baud)
        self._failure = failure
        self._symbolise = symbolise
        self._decoder = Decoder()
        self._arrived: deque[Frame | BadFrame] = deque()
        self._sequence = 0
        self._noise = b""
        self._echoes = 0

    def set_baud(self, baud: int) -> None:
        """Set this side's speed. What was learnt of the time that bytes take is forgotten.

        Raises:
            LinkError: the port is gone, or does not take this speed.
        """
        self.transport.set_baud(baud)
        self._history.speed_changed(baud)

    def frame(self, kind: Kind, payload: bytes, *, flags: int = 0) -> Frame:
        """A request with the next sequence number."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        return Frame(kind, payload, flags, self._sequence)

    @property
    def is_suspicious(self) -> bool:
        """Whether the line has shown damage lately."""
        return self._history.suspicion > 0

    def request(
        self,
        frame: Frame,
        *,
        before: bytes = b"",
        behind: bytes = b"",
        when_running: Callable[[], bytes] = bytes,
        again: Frame | None = None,
        inferences: int = 1,
    ) -> Frame:
        """Send `frame` until its reply is here.

        Args:
            frame: made by `frame()`.
            before: bytes to send ahead of it, the first time only.
            behind: bytes to send behind it, the first time only.
            when_running: asked for bytes to send when the device says that it computes.
            again: what to send on repetitions, with the same sequence number; None: the same frame.
            inferences: how many it asks for, if it is a RUN: it takes as many times longer.

        Raises:
            RefusedError: the reply is ERROR.
            DeviceResetError: the device started anew meanwhile.
            DeviceError: it reported a fault, or `failure` said why it cannot answer.
            LinkError: no reply in time, or the port is gone.
        """
        data, repetition = encode(frame), encode(again or frame)
        clock = Clock(
            self._history,
            timeout=self.timeout,
            run_timeout=self.run_timeout,
            nbytes=len(before) + len(data),
            inferences=inferences,
            eager=frame.kind == Kind.HELLO,
        )
        self._noise, self._echoes = b"", 0
        self._write(before + data + behind)
        while True:
            arrived = self._next(clock)
            match arrived:
                case None:
                    self._check_alive(clock)
                    if clock.wait_is_over(halfway=self._is_halfway()):
                        clock.waited_in_vain()
                        wake = frame.kind == Kind.HELLO and clock.waited() > _SOUND_SLEEP
                        self._repeat(frame, WAKE + repetition if wake else repetition, clock)
                case BadFrame():
                    self.counters.bad_frames += 1
                    self._history.damaged()
                    self._noise = (self._noise + arrived.raw)[-200:]
                    if not self._arrived and clock.may_hurry():
                        self._repeat(frame, repetition, clock)
                case Frame() if self._is_reply(frame, arrived):
                    clock.finished()
                    if frame.kind == Kind.HELLO:
                        # What arrived before belongs to another conversation, or was cut off when the line was opened.
                        self._history.suspicion = 0
                    if arrived.kind == Kind.ERROR:
                        raise self._refusal(arrived, frame)
                    return arrived
                case Frame() if not arrived.kind & REPLY:
                    self._echoes += 1  # a request: no device sends one
                case Frame():
                    was_running = clock.is_running
                    self._on_event(arrived, frame, repetition, clock)
                    if clock.is_running and not was_running:
                        self._write(when_running())

    def restart(self) -> None:
        """Send RESET, and forget what arrives for a moment: answers of a fault handler that has a request to each."""
        self.transport.write(encode(self.frame(Kind.RESET, b"")))
        end = time.monotonic() + _RESTART
        while (left := end - time.monotonic()) > 0:
            self.transport.read(left)
        self._arrived.clear()

    def _next(self, clock: Clock) -> Frame | BadFrame | None:
        if not self._arrived:
            try:
                data = self.transport.read(clock.next_look(halfway=self._is_halfway()))
            except LinkError as exc:
                raise self._cause_of(exc) from exc
            if data:
                clock.got_bytes(len(data))
            self._arrived.extend(self._decoder.feed(data))
        return self._arrived.popleft() if self._arrived else None

    def _is_halfway(self) -> bool:
        return bool(self._decoder.pending())

    def _write(self, data: bytes) -> None:
        """What the line does not take in time counts as lost: it is repeated like everything else."""
        try:
            self.transport.write(data)
        except LinkError as exc:
            raise self._cause_of(exc) from exc

    def _cause_of(self, exc: LinkError) -> LinkError | DeviceError:
        """When the port is gone because an emulator died, the emulator's words are what matters."""
        end = time.monotonic() + _LAST_WORDS
        while (why := self._failure()) is None:
            if time.monotonic() > end:
                return exc
            time.sleep(_LAST_WORDS / 20)
        return DeviceError(why)

    @staticmethod
    def _is_reply(request: Frame, arrived: Frame) -> bool:
        return arrived.sequence == request.sequence and arrived.kind in (request.kind | REPLY, Kind.ERROR)

    def _repeat(self, request: Frame, data: bytes, clock: Clock) -> None:
        self.counters.retries += request.kind != Kind.HELLO
        clock.repeated()
        self._write(data)

    def _on_event(self, event: Frame, request: Frame, repetition: bytes, clock: Clock) -> None:
        clock.heard()
        if event.kind == Kind.FAULT:
            fault = parsed(Fault.unpack, event.payload)
            raise FaultReportedError(
                f"The firmware at {self.transport.url} stopped with {describe_fault(fault, self._symbolise)}.",
                hint="Reset the board to use it again. If the model runs with --device native, compare the two builds.",
            )
        if event.kind == Kind.BOOT and request.kind != Kind.HELLO:
            raise DeviceResetError
        if event.kind == Kind.RUNNING and request.kind == Kind.RUN and len(event.payload) >= EVENT.size:
            if event.payload[:4] == request.payload[:4]:  # the run's number
                clock.running()
        elif event.kind in (Kind.DAMAGED, Kind.BOOT):
            if event.kind == Kind.DAMAGED:
                self.counters.reported += 1
                self._history.damaged()
            # What is damaged after the device has begun to compute came behind the request.
            if not clock.is_running and clock.may_hurry():
                self._repeat(request, repetition, clock)

    def _refusal(self, arrived: Frame, request: Frame) -> Exception:
        error = parsed(Error.unpack, arrived.payload)
        if error.session != self.session and request.kind != Kind.HELLO:
            return DeviceResetError()
        return RefusedError(error)

    def _check_alive(self, clock: Clock) -> None:
        if (why := self._failure()) is not None:
            raise DeviceError(why)
        if not clock.gave_up():
            return
        url = self.transport.url
        if clock.is_running:
            raise LinkError(
                f"{url}: the device began an inference and gave no result within {self.run_timeout:g} s.",
                hint="It may hang or be slow: try --device native with the same build.",
            )
        if not clock.is_silent():
            raise LinkError(
                f"{url}: the device answers, but no whole answer arrived within {clock.waited():.0f} s "
                f"({self.counters.retries} repetitions, {self.counters.bad_frames} damaged frames).",
                hint="The line is too noisy: try a shorter cable, a common ground, a lower --baud.",
            )
        if self._echoes and not clock.was_heard:
            raise LinkError(
                f"{url}: within {self.timeout:g} s nothing came but the {self._echoes} frames that were sent: the line "
                "echoes them.",
                hint="Is TX joined to RX (a loop-back plug), or does the adapter echo while no board is behind it? "
                "`edgeq monitor PORT` shows what arrives.",
            )
        came = "" if clock.was_heard else self._what_came()
        raise LinkError(f"{url}: no answer within {self.timeout:g} s{came}.", hint=_SILENT)

    def _what_came(self) -> str:
        noise = self._noise + self._decoder.pending()
        if not noise:
            return "; not a single byte arrived"
        text = "".join(chr(b) if 32 <= b < 127 else "." for b in noise[-60:])
        return f"; what arrived is not edgeq's protocol: {text!r}"


_SILENT = (
    "Is it the right port, is the board powered, does it run the firmware that edgeq built, and is --baud the speed "
    "of its line? `edgeq monitor PORT` shows what arrives."
)


def parsed(unpack: Callable[[bytes], _T], payload: bytes) -> _T:
    """`unpack(payload)`; a MessageError becomes a LinkError."""
    try:
        return unpack(payload)
    except MessageError as exc:
        raise LinkError(
            f"The device sent a message that this edgeq does not understand: {exc}.", hint=_REBUILD
        ) from exc


_REBUILD = "Build and flash the firmware again with this version of edgeq."
