"""What a device says, for people: frames decoded, everything else as text."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgeq.link.about import Hello, TensorInfo
from edgeq.link.codes import REPLY, Kind, Mode, Problem, Refusal, Status
from edgeq.link.faults import describe_fault
from edgeq.link.frame import Decoder, Frame, encode
from edgeq.link.messages import EVENT, Answer, EngineState, Error, Fault, Read, Stats
from edgeq.link.payload import MessageError
from edgeq.link.transport import Transport

_IDLE = 0.5  # seconds after which text without an end of line is shown
_TEXT = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n\x1b")


def describe(frame: Frame) -> str:
    """One line that says what the frame means."""
    kind = frame.kind & ~REPLY if frame.kind & REPLY and frame.kind & ~REPLY in set(Kind) else frame.kind
    if kind not in set(Kind):
        return f"unknown type {frame.kind:#04x}, {len(frame.payload)} bytes: {frame.payload[:32].hex(' ')}"
    try:
        meaning = _meaning(frame)
    except (MessageError, ValueError) as exc:
        meaning = f"malformed: {exc}"
    reply = " reply" if kind != frame.kind else ""
    number = f" #{frame.sequence}" if frame.sequence else ""
    return f"{Kind(kind).name}{reply}{number}: {meaning}"


def _meaning(frame: Frame) -> str:
    payload = frame.payload
    match frame.kind:
        case Kind.BOOT | Kind.RUNNING | Kind.DAMAGED:
            return _event(Kind(frame.kind), payload)
        case Kind.FAULT:
            return f"the firmware stopped with {describe_fault(Fault.unpack(payload))}"
        case Kind.ERROR:
            error = Error.unpack(payload)
            name = Refusal(error.code).name if error.code in set(Refusal) else str(error.code)
            return f"{name}, request {error.request:#04x}, run {error.run}, detail {error.detail}"
    if not frame.kind & REPLY:
        return f"a request, {len(payload)} bytes"
    match frame.kind & ~REPLY:
        case Kind.HELLO:
            h = Hello.unpack(payload)
            return (
                f"{h.board}, engine {h.engine}, model {h.model}, SHA-256 {h.sha256}, {h.clock_hz} Hz, "
                f"{h.input_count} inputs of {h.input_bytes} bytes, {h.output_count} outputs of {h.output_bytes} bytes, "
                f"arena {h.arena_bytes} bytes, {h.trace_point_count} trace points, protocol {h.version}"
            )
        case Kind.DESCRIBE:
            t = TensorInfo.unpack(payload)
            side = "output" if t.output else "input"
            return f"{side} {t.index} {t.name} {t.dtype} {t.shape}, scale {t.scale:g}, zero point {t.zero_point}"
        case Kind.RUN:
            a = Answer.unpack(payload)
            return (
                f"run {a.run} {Mode(a.mode).name}: {Status(a.status).name}, {a.ticks} ticks, {a.total} bytes of result"
            )
        case Kind.READ:
            r = Read.unpack(payload)
            return f"run {r.run} {r.item.name}, {r.length} bytes from {r.offset}"
        case Kind.ENGINE_STATE:
            e = EngineState.unpack(payload)
            name = Problem(e.problem).name if e.problem in set(Problem) else str(e.problem)
            return f"{e.arena_used} bytes of arena used, problem {name}, detail {e.detail} {e.words}".rstrip()
        case Kind.STATS:
            s = Stats.unpack(payload)
            return (
                f"{s.frames_good} good frames, {s.frames_bad} bad, {s.runs} runs, {s.repeats} answered again, "
                f"stack {s.stack_high_water} bytes"
            )
    return f"{len(payload)} bytes"


def _event(kind: Kind, payload: bytes) -> str:
    if len(payload) < EVENT.size:
        raise MessageError(f"{kind.name} has {len(payload)} bytes, not {EVENT.size} or more")
    first, second = EVENT.unpack_from(payload)
    match kind:
        case Kind.BOOT:
            engine = "the engine started" if second == Status.OK else f"the engine did not start (status {second})"
            return f"the device started, protocol {first}, {engine}"
        case Kind.RUNNING:
            return f"run {first} begins"
    return f"a damaged frame arrived at the device (run {first}, {second} bytes of its input are there)"


class Listener:
    """Bytes to lines of text. A device may print plain text between frames."""

    def __init__(self) -> None:
        """Begins as if behind a delimiter."""
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes."""
        *ended, self._rest = (self._rest + data).split(b"\0")
        lines = [line for raw in ended if raw for line in _decoded(raw)]
        # Text ends with a newline, not with a delimiter; in a frame, other bytes than text come before one.
        text, newline, rest = self._rest.rpartition(b"\n")
        if newline and _TEXT.issuperset(text):
            self._rest = rest
            lines += _text(text)
        return lines

    def idle(self) -> list[str]:
        """What has arrived without an end, if it is text: nothing more comes for now."""
        if not self._rest or not _TEXT.issuperset(self._rest):
            return []
        text, self._rest = self._rest, b""
        return _text(text)


def _decoded(raw: bytes) -> list[str]:
    (frame,) = Decoder().feed(raw + b"\0")
    if isinstance(frame, Frame):
        return [describe(frame)]
    if _TEXT.issuperset(raw):
        return _text(raw)
    return [f"damaged ({frame.reason}), {len(raw)} bytes: {raw[:32].hex(' ')}{' …' if len(raw) > 32 else ''}"]


def _text(raw: bytes) -> list[str]:
    # Escape sequences of a device must not reach the terminal.
    return [line.replace("\x1b", "␛") for line in raw.decode("ascii", "replace").splitlines() if line.strip()]


def monitor(port: str, *, baud: int, write: Callable[[str], object], seconds: float | None = None) -> None:
    """Show what the device at `port` says, until Ctrl-C. One HELLO is sent, so that a waiting firmware says something.

    Args:
        port: a serial port or a pyserial URL.
        baud: speed of a real line.
        write: takes one line of text.
        seconds: end after so long; None: never.

    Raises:
        LinkError: no such port, or it went away.
    """
    listener = Listener()
    end = None if seconds is None else time.monotonic() + seconds
    with Transport(port, baud=baud) as transport:
        try:
            transport.write(encode(Frame(Kind.HELLO, bytes(4))))
            while end is None or time.monotonic() < end:
                data = transport.read(_IDLE if end is None else max(0.0, min(_IDLE, end - time.monotonic())))
                for line in listener.feed(data) if data else listener.idle():
                    write(f"{time.strftime('%H:%M:%S')}  {line}")
        except KeyboardInterrupt:
            return
