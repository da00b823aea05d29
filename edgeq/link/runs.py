"""Runs on the device: the input goes over, the result comes back, and the next input travels meanwhile.

What of an input the device has is kept; only what is missing is sent again. A run is executed once; where its result is
lost for good, the sample gets a new number (firmware/PROTOCOL.md, "Runs").
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from edgeq.errors import LinkError
from edgeq.link.about import Hello
from edgeq.link.codes import QUIET, Item, Kind, Mode, Refusal, Status
from edgeq.link.exchange import Exchange, RefusedError, parsed
from edgeq.link.frame import Frame, encode
from edgeq.link.messages import WRITE_HEAD, Answer, Read, Run
from edgeq.link.problems import engine_error

_SMALLEST_CHUNK = 64  # bytes of a tensor in one frame on a very noisy line
_REPETITION_BYTES = 64  # of the device's window, for a RUN that is sent again


class _SupersededError(Exception):
    """The device has opened a later run: this one can not be executed any more."""


@dataclass(slots=True)
class _Ahead:
    """Input that was sent while the device computed; `sent` bytes of it, which may or may not have arrived."""

    run: int
    data: bytes
    sent: int = 0


class Runs:
    """The runs of one conversation. `reruns` counts samples that were executed again because a result was lost."""

    def __init__(self, exchange: Exchange, hello: Hello, *, rx_window: int = 0) -> None:
        """`hello` is what the device said of itself; it may be sent `rx_window` bytes while it computes, if it says
        fewer."""
        self.reruns = 0
        self._least_window = rx_window
        self._exchange = exchange
        self.begin(hello)

    def begin(self, hello: Hello) -> None:
        """A conversation begins, perhaps after a reset: the device knows of no input and no result."""
        self._hello = hello
        self._next_run = hello.last_run + 1
        self._chunk = hello.max_payload
        self._window = max(hello.rx_window, self._least_window)
        self._ahead: _Ahead | None = None

    def execute(
        self, data: bytes, mode: Mode, *, repeat: int = 1, point: int = 0, following: bytes | None = None
    ) -> tuple[Answer, bytes]:
        """The reply to a RUN, and the whole of its result.

        Args:
            data: all inputs, one behind the other; empty for the self-test.
            mode: what to do with them.
            repeat: how many inferences.
            point: the trace point, for modes that have one.
            following: the data of the next call, if known: they travel while the device computes.

        Raises:
            RefusedError, DeviceResetError, DeviceError, LinkError: as `Exchange.request`.
        """
        while True:
            ahead, self._ahead = self._ahead, None
            number, sent = (ahead.run, ahead.sent) if ahead and ahead.data is data else (self._number(), 0)
            run = Run(run=number, mode=mode, repeat=repeat, point=point, limit=self._chunk)
            try:
                answer = self._bring(data, sent, run, following)
                result = self._rest(answer)
            except _SupersededError:
                continue
            except RefusedError as exc:
                if exc.error.code != Refusal.NOT_AVAILABLE:
                    raise
                self.reruns += 1
                continue
            if answer.status == Status.FAILED:
                raise engine_error(self._exchange, "The engine on the device could not run the model")
            return answer, result

    def times(self, data: bytes, repeat: int) -> bytes | None:
        """The ticks of each of `repeat` inferences, `u32` each; None where the device does not keep them.

        Raises:
            RefusedError, DeviceResetError, DeviceError, LinkError: as `execute`.
        """
        answer, _ = self.execute(data, Mode.INFER, repeat=repeat)
        found = bytearray()
        try:
            while len(found) < 4 * repeat:
                found += self._read(answer.run, len(found), 4 * repeat - len(found), item=Item.TIMES)
        except RefusedError as exc:
            if exc.error.code == Refusal.OUT_OF_RANGE:
                return None
            raise
        return bytes(found)

    def timed(self, data: bytes, mode: Mode) -> bytes | None:
        """The result of a mode that times ops; None where the device does not have it.

        Raises:
            RefusedError, DeviceResetError, DeviceError, LinkError: as `execute`.
        """
        try:
            return self.execute(data, mode)[1]
        except RefusedError as exc:
            if exc.error.code == Refusal.OUT_OF_RANGE:
                return None
            raise

    def _number(self) -> int:
        self._next_run += 1
        return self._next_run - 1

    def _bring(self, data: bytes, received: int, run: Run, following: bytes | None) -> Answer:
        """Bring the input over and let it run. `received` bytes were sent ahead."""
        furthest, progress = 0, time.monotonic()
        damaged_before = self._damage()
        while True:
            try:
                reply = self._send(data, received, run, following)
            except RefusedError as exc:
                if exc.error.code == Refusal.STALE:
                    raise _SupersededError from exc
                if exc.error.code != Refusal.NEED_INPUT or exc.error.detail > len(data):
                    raise
                received = exc.error.detail
                if received > furthest:
                    furthest, progress = received, time.monotonic()
                elif time.monotonic() > progress + 3 * self._exchange.timeout:
                    raise LinkError(
                        f"{self._exchange.transport.url}: the input does not get through.",
                        hint="The line is too noisy: try a shorter cable, a common ground, a lower --baud.",
                    ) from exc
                self._adapt(damaged=True)
                continue
            self._adapt(damaged=self._damage() != damaged_before)
            answer = parsed(Answer.unpack, reply.payload)
            if answer.run != run.run:
                raise LinkError(f"The device answered run {answer.run} instead of {run.run}.")
            return answer

    def _send(self, data: bytes, received: int, run: Run, following: bytes | None) -> Frame:
        """Quiet WRITEs up to the last piece, which travels in RUN itself: one round trip.

        A repetition asks without data what is missing, unless there is little of it, and for a short reply, unless the
        rest of the result could not be read later, because the next input is on its way.
        """
        room = self._chunk - Run.FORM.size
        tail = max(len(data) - room, received) if len(data) - received > room else received
        before = self._writes(run.run, data[:tail], received)
        last = replace(run, offset=tail, data=data[tail:])
        frame = self._exchange.frame(Kind.RUN, last.pack())
        again = last if len(last.data) <= _SMALLEST_CHUNK else run
        ahead = self._plan_ahead(following) if run.mode is Mode.INFER and run.repeat == 1 else None
        limit = _SMALLEST_CHUNK if ahead is None else max(_SMALLEST_CHUNK, self._hello.output_bytes)
        again_frame = replace(frame, payload=replace(again, limit=limit).pack())

        def send_ahead() -> bytes:
            """The next input's first bytes, once."""
            if ahead is None or self._ahead is ahead:
                return b""
            self._ahead = ahead
            window = self._window - _REPETITION_BYTES
            frames = self._writes(ahead.run, ahead.data, 0, window=window)
            return frames

        clean = not self._exchange.is_suspicious
        return self._exchange.request(
            frame, before=before, again=again_frame, inferences=run.repeat,
            behind=send_ahead() if clean else b"", when_running=send_ahead,
        )  # fmt: skip

    def _plan_ahead(self, following: bytes | None) -> _Ahead | None:
        """What may be sent while the device computes: nothing if the result has to be read in pieces, because input of
        a later run overwrites it."""
        fits = _SMALLEST_CHUNK if self._exchange.is_suspicious else self._chunk - Answer.FORM.size
        if following is None or self._hello.output_bytes > fits or self._window <= 2 * _REPETITION_BYTES:
            return None
        return _Ahead(self._number(), following)

    def _writes(self, run: int, data: bytes, start: int, *, window: int | None = None) -> bytes:
        """QUIET WRITEs of `data` from `start` on; with a window, only as many as fit into so many bytes."""
        step, frames = self._chunk - WRITE_HEAD.size, bytearray()
        for at in range(start, len(data), step):
            piece = data[at : at + step]
            one = encode(self._exchange.frame(Kind.WRITE, WRITE_HEAD.pack(run, at) + piece, flags=QUIET))
            if window is not None:
                if len(frames) + len(one) > window:
                    break
                assert self._ahead is not None  # noqa: S101 (set by the caller)
                self._ahead.sent = at + len(piece)
            frames += one
        return bytes(frames)

    def _rest(self, answer: Answer) -> bytes:
        result = bytearray(answer.data)
        while len(result) < answer.total:
            result += self._read(answer.run, len(result), answer.total - len(result))
        return bytes(result)

    def _read(self, run: int, offset: int, left: int, *, item: Item = Item.RESULT) -> bytes:
        damaged_before = self._damage()
        read = Read(run=run, item=item, offset=offset, length=min(left, self._chunk - Read.FORM.size))
        shorter = replace(read, length=min(read.length, _SMALLEST_CHUNK))
        frame = self._exchange.frame(Kind.READ, read.pack())
        reply = self._exchange.request(frame, again=replace(frame, payload=shorter.pack())).payload
        self._adapt(damaged=self._damage() != damaged_before)
        found = parsed(Read.unpack, reply)
        if found not in (read, shorter) or len(reply) != Read.FORM.size + found.length:
            raise LinkError(f"{self._exchange.transport.url}: the device answered another READ than it was asked.")
        return reply[Read.FORM.size :]

    def _damage(self) -> int:
        return self._exchange.counters.retries + self._exchange.counters.bad_frames

    def _adapt(self, *, damaged: bool) -> None:
        """Shorter frames on a noisy line, longer ones again when it is quiet."""
        if damaged:
            self._chunk = max(self._chunk // 2, _SMALLEST_CHUNK + Run.FORM.size)
        else:
            self._chunk = min(self._chunk + self._chunk // 8, self._hello.max_payload)
