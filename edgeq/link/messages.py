"""What the frames mean: payloads to records and back (firmware/PROTOCOL.md, "Messages"). No I/O.

All numbers are little-endian. A payload may be longer than this version knows; a shorter one raises MessageError.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

from edgeq.link.codes import HelloFlag, Item, Mode, Status, TicksKind


class MessageError(Exception):
    """A payload that does not have the form of its type: an error of the firmware, since its CRC was right."""


def _unpack(form: struct.Struct, payload: bytes, what: str) -> tuple[int, ...]:
    if len(payload) < form.size:
        raise MessageError(f"{what} has {len(payload)} bytes, not {form.size} or more")
    return form.unpack_from(payload)


def _text(payload: bytes, at: int, what: str) -> tuple[str, int]:
    end = at + 1 + (payload[at] if at < len(payload) else 0)
    if end > len(payload):
        raise MessageError(f"{what} ends within a text")
    return payload[at + 1 : end].decode("utf-8", "replace"), end


def _put_text(text: str, limit: int) -> bytes:
    data = text.encode()[:limit]
    return bytes([len(data)]) + data


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The reply to HELLO: what the device is. Sizes in bytes.

    `session_before` is the session that the device knew before this HELLO (0: none since its start); `last_run` the
    highest run number that it has seen. `rx_window` is how much it can receive while it computes.
    """

    version: int
    engine_abi: int
    flags: HelloFlag
    session_before: int
    last_run: int
    clock_hz: int
    ticks_hz: int
    ticks_kind: TicksKind
    max_payload: int
    rx_window: int
    input_count: int
    output_count: int
    op_count: int
    trace_point_count: int
    input_bytes: int
    output_bytes: int
    arena_bytes: int
    stack_bytes: int
    sha256: str
    board: str
    engine: str
    model: str

    _FORM = struct.Struct("<HHIIIIIBxHIHHHHIIII32s")

    def pack(self) -> bytes:
        """The payload."""
        return (
            self._FORM.pack(
                self.version, self.engine_abi, self.flags, self.session_before, self.last_run, self.clock_hz,
                self.ticks_hz, self.ticks_kind, self.max_payload, self.rx_window, self.input_count, self.output_count,
                self.op_count, self.trace_point_count, self.input_bytes, self.output_bytes, self.arena_bytes,
                self.stack_bytes, bytes.fromhex(self.sha256),
            )
            + _put_text(self.board, 48)
            + _put_text(self.engine, 16)
            + _put_text(self.model, 64)
        )  # fmt: skip

    @staticmethod
    def version_of(payload: bytes) -> int:
        """The protocol version, which every version of the protocol has at the same place."""
        return _unpack(struct.Struct("<H"), payload, "HELLO")[0]

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        if len(payload) < cls._FORM.size:
            raise MessageError(f"HELLO has {len(payload)} bytes, not {cls._FORM.size} or more")
        (version, abi, flags, session, last_run, clock, ticks_hz, ticks_kind, max_payload, rx_window, inputs, outputs,
         ops, points, input_bytes, output_bytes, arena, stack, digest) = cls._FORM.unpack_from(payload)  # fmt: skip
        board, at = _text(payload, cls._FORM.size, "HELLO")
        engine, at = _text(payload, at, "HELLO")
        model, _ = _text(payload, at, "HELLO")
        try:
            kind = TicksKind(ticks_kind)
        except ValueError as exc:
            raise MessageError(f"HELLO has {exc}") from exc
        return cls(
            version=version, engine_abi=abi, flags=HelloFlag(flags), session_before=session, last_run=last_run,
            clock_hz=clock, ticks_hz=ticks_hz, ticks_kind=kind, max_payload=max_payload, rx_window=rx_window,
            input_count=inputs, output_count=outputs, op_count=ops, trace_point_count=points, input_bytes=input_bytes,
            output_bytes=output_bytes, arena_bytes=arena, stack_bytes=stack, sha256=digest.hex(), board=board,
            engine=engine, model=model,
        )  # fmt: skip


_DTYPES = {1: "int8", 2: "int16", 3: "int32", 4: "float32"}  # edgeq_dtype in firmware/include/edgeq/engine.h
_DTYPES |= {5: "uint8", 6: "int64", 7: "bool", 8: "float16", 9: "float64"}  # of interpreters only
_DTYPE_CODES = {name: code for code, name in _DTYPES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """The reply to DESCRIBE: one input or output. `dtype` is numpy's name; real = scale · (q − zero_point)."""

    output: bool
    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    scale: float
    zero_point: int

    _FORM = struct.Struct("<BBHIfiB")

    def pack(self) -> bytes:
        """The payload."""
        head = self._FORM.pack(
            self.output, _DTYPE_CODES[self.dtype], self.index, self.nbytes, self.scale, self.zero_point, len(self.shape)
        )
        return head + struct.pack(f"<{len(self.shape)}i", *self.shape) + _put_text(self.name, 120)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        if len(payload) < cls._FORM.size:
            raise MessageError(f"DESCRIBE has {len(payload)} bytes, not {cls._FORM.size} or more")
        output, dtype, index, nbytes, scale, zero_point, rank = cls._FORM.unpack_from(payload)
        shape = _unpack(struct.Struct(f"<{rank}i"), payload[cls._FORM.size :], "DESCRIBE's shape")
        name, _ = _text(payload, cls._FORM.size + 4 * rank, "DESCRIBE")
        if dtype not in _DTYPES:
            raise MessageError(f"DESCRIBE has an unknown element type {dtype}")
        return cls(
            output=bool(output), index=index, name=name, dtype=_DTYPES[dtype], shape=shape, nbytes=nbytes, scale=scale,
            zero_point=zero_point,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """The reply to ABOUT: one of `count` things that a device tells of itself, in words."""

    index: int
    count: int
    key: str
    value: str

    _FORM = struct.Struct("<HH")

    def pack(self) -> bytes:
        """The payload."""
        return self._FORM.pack(self.index, self.count) + _put_text(self.key, 32) + _put_text(self.value, 200)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        index, count = _unpack(cls._FORM, payload, "ABOUT")
        key, at = _text(payload, cls._FORM.size, "ABOUT")
        return cls(index=index, count=count, key=key, value=_text(payload, at, "ABOUT")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class OpTime:
    """A row of the result of the mode PROFILE: one op of an inference. `delegated`: one of XNNPACK's own."""

    label: str
    delegated: bool
    nanoseconds: int

    _FORM = struct.Struct("<I?")

    def pack(self) -> bytes:
        """The row."""
        return self._FORM.pack(min(self.nanoseconds, 0xFFFFFFFF), self.delegated) + _put_text(self.label, 64)

    @classmethod
    def unpack_all(cls, result: bytes) -> tuple[Self, ...]:
        """All rows of a result; raises MessageError."""
        rows, at = [], 0
        while at < len(result):
            nanoseconds, delegated = _unpack(cls._FORM, result[at : at + cls._FORM.size], "PROFILE")
            label, at = _text(result, at + cls._FORM.size, "PROFILE")
            rows.append(cls(label=label, delegated=bool(delegated), nanoseconds=nanoseconds))
        return tuple(rows)


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
        run, mode, repeat, point, limit, offset = _unpack(cls.FORM, payload, "RUN")
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
        run, status, mode, repeat, total, ticks, least, most, ticks_sum = _unpack(cls.FORM, payload, "RUN's reply")
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
        run, item, length, offset = _unpack(cls.FORM, payload, "READ")
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
        good, bad, runs, repeats, stack = _unpack(cls._FORM, payload, "STATS")
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
        code, request, session, run, detail = _unpack(cls._FORM, payload, "ERROR")
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
        return self._FORM.pack(self.arena_used, self.problem, self.detail) + _put_text(self.words, 200)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        arena_used, problem, detail = _unpack(cls._FORM, payload, "ENGINE STATE")
        words, _ = _text(payload, cls._FORM.size, "ENGINE STATE")
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
        kind, known, pc, lr, sp, xpsr, cfsr, hfsr, address = _unpack(cls._FORM, payload, "FAULT")
        return cls(
            kind=kind, pc=pc, lr=lr, sp=sp, xpsr=xpsr, cfsr=cfsr, hfsr=hfsr, address=address if known & 1 else None
        )


EVENT = struct.Struct(
    "<II"
)  # RUNNING: run, session; DAMAGED: run, bytes received; BOOT: protocol version, engine status
