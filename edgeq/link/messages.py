"""What the frames of a run mean: payloads to records and back (firmware/PROTOCOL.md, "Messages"). No I/O.

All numbers are little-endian. A payload may be longer than this version knows; a shorter one raises MessageError.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

from edgeq.link.codes import Item, Mode, Status
from edgeq.link.payload import MessageError, put_text, text_at, unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The request RUN. `data` is the end of the input, from `offset` on; `point` is for TRACE and FETCH.

    `limit` is how many bytes of the result the reply may have at most.
    """

    run: int
    mode: Mode = Mode.INFER
    repeat: int = 1
    point: int = 0
    limit: int = 0xFFFF
    offset: int = 0
    data: bytes = b""

    FORM = struct.Struct("<IBxHHHI")

    def pack(self) -> bytes:
        """The payload."""
        return self.FORM.pack(self.run, self.mode, self.repeat, self.point, self.limit, self.offset) + self.data

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        run, mode, repeat, point, limit, offset = unpack(cls.FORM, payload, "RUN")
        try:
            kind = Mode(mode)
        except ValueError as exc:
            raise MessageError(f"RUN has {exc}") from exc
        data = payload[cls.FORM.size :]
        return cls(run=run, mode=kind, repeat=repeat, point=point, limit=limit, offset=offset, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The reply to RUN. `total` is the whole result's size; `data` its beginning, as much as fits into the frame.

    Ticks of the first inference, the shortest, the longest, and all together.
    """

    run: int
    status: Status
    mode: Mode
    repeat: int
    total: int
    ticks: int
    ticks_min: int
    ticks_max: int
    ticks_sum: int
    data: bytes

    FORM = struct.Struct("<IBBHIIIIQ")

    def pack(self) -> bytes:
        """The payload."""
        return (
            self.FORM.pack(
                self.run, self.status, self.mode, self.repeat, self.total, self.ticks, self.ticks_min, self.ticks_max,
                self.ticks_sum,
            )
            + self.data
        )  # fmt: skip

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        run, status, mode, repeat, total, ticks, least, most, ticks_sum = unpack(cls.FORM, payload, "RUN's reply")
        try:
            return cls(
                run=run, status=Status(status), mode=Mode(mode), repeat=repeat, total=total, ticks=ticks,
                ticks_min=least, ticks_max=most, ticks_sum=ticks_sum, data=payload[cls.FORM.size :],
            )  # fmt: skip
        except ValueError as exc:
            raise MessageError(f"RUN's reply has {exc}") from exc


WRITE_HEAD = struct.Struct("<II")  # run, offset; also of the reply: run, bytes received in order


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The request READ; its reply is the same header and the bytes."""

    run: int
    item: Item
    offset: int
    length: int

    FORM = struct.Struct("<IBxHI")

    def pack(self) -> bytes:
        """The payload (of the reply: its head)."""
        return self.FORM.pack(self.run, self.item, self.length, self.offset)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        run, item, length, offset = unpack(cls.FORM, payload, "READ")
        try:
            return cls(run=run, item=Item(item), offset=offset, length=length)
        except ValueError as exc:
            raise MessageError(f"READ has {exc}") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The reply to STATS, since the device's start. `stack_high_water` in bytes, 0 where it is not measured."""

    frames_good: int
    frames_bad: int
    runs: int
    repeats: int
    stack_high_water: int

    _FORM = struct.Struct("<IIIII")

    def pack(self) -> bytes:
        """The payload."""
        return self._FORM.pack(self.frames_good, self.frames_bad, self.runs, self.repeats, self.stack_high_water)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        good, bad, runs, repeats, stack = unpack(cls._FORM, payload, "STATS")
        return cls(frames_good=good, frames_bad=bad, runs=runs, repeats=repeats, stack_high_water=stack)


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """ERROR: the request was not done. `detail` depends on `code`, which may be one that this version does not know."""

    code: int
    request: int
    session: int
    run: int
    detail: int

    _FORM = struct.Struct("<BBxxIII")

    def pack(self) -> bytes:
        """The payload."""
        return self._FORM.pack(self.code, self.request, self.session, self.run, self.detail)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        code, request, session, run, detail = unpack(cls._FORM, payload, "ERROR")
        return cls(code=code, request=request, session=session, run=run, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """The reply to ENGINE STATE: bytes of the arena that the engine really took, and what went wrong, if anything.

    What `detail` is depends on the problem (edgeq_problem in firmware/include/edgeq/engine.h). Of an arena that is too
    small, `arena_used` is a lower bound of what would do; 0: none is known. `words` are the interpreter's own last
    message.
    """

    arena_used: int
    problem: int
    detail: int
    words: str

    _FORM = struct.Struct("<IBxxxI")

    def pack(self) -> bytes:
        """The payload."""
        return self._FORM.pack(self.arena_used, self.problem, self.detail) + put_text(self.words, 200)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        arena_used, problem, detail = unpack(cls._FORM, payload, "ENGINE STATE")
        words, _ = text_at(payload, cls._FORM.size, "ENGINE STATE")
        return cls(arena_used=arena_used, problem=problem, detail=detail, words=words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The event FAULT: the processor stopped. Registers as the core saved them; `address` is None where unknown."""

    kind: int
    pc: int
    lr: int
    sp: int
    xpsr: int
    cfsr: int
    hfsr: int
    address: int | None

    _FORM = struct.Struct("<BBxxIIIIIII")

    def pack(self) -> bytes:
        """The payload."""
        known = self.address is not None
        return self._FORM.pack(
            self.kind, known, self.pc, self.lr, self.sp, self.xpsr, self.cfsr, self.hfsr, self.address or 0
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        kind, known, pc, lr, sp, xpsr, cfsr, hfsr, address = unpack(cls._FORM, payload, "FAULT")
        return cls(
            kind=kind, pc=pc, lr=lr, sp=sp, xpsr=xpsr, cfsr=cfsr, hfsr=hfsr, address=address if known & 1 else None
        )


EVENT = struct.Struct(
    "<II"
)  # RUNNING: run, session; DAMAGED: run, bytes received; BOOT: protocol version, engine status
