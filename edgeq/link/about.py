"""What a device tells of itself: HELLO, and the tables of tensors, facts and ops (firmware/PROTOCOL.md). No I/O.

All numbers are little-endian. A payload may be longer than this version knows; a shorter one raises MessageError.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

from edgeq.link.codes import HelloFlag, TicksKind
from edgeq.link.payload import MessageError, put_text, text_at, unpack


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
            + put_text(self.board, 48)
            + put_text(self.engine, 16)
            + put_text(self.model, 64)
        )  # fmt: skip

    @staticmethod
    def version_of(payload: bytes) -> int:
        """The protocol version, which every version of the protocol has at the same place."""
        return unpack(struct.Struct("<H"), payload, "HELLO")[0]

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        if len(payload) < cls._FORM.size:
            raise MessageError(f"HELLO has {len(payload)} bytes, not {cls._FORM.size} or more")
        (version, abi, flags, session, last_run, clock, ticks_hz, ticks_kind, max_payload, rx_window, inputs, outputs,
         ops, points, input_bytes, output_bytes, arena, stack, digest) = cls._FORM.unpack_from(payload)  # fmt: skip
        board, at = text_at(payload, cls._FORM.size, "HELLO")
        engine, at = text_at(payload, at, "HELLO")
        model, _ = text_at(payload, at, "HELLO")
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
        return head + struct.pack(f"<{len(self.shape)}i", *self.shape) + put_text(self.name, 120)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        if len(payload) < cls._FORM.size:
            raise MessageError(f"DESCRIBE has {len(payload)} bytes, not {cls._FORM.size} or more")
        output, dtype, index, nbytes, scale, zero_point, rank = cls._FORM.unpack_from(payload)
        shape = unpack(struct.Struct(f"<{rank}i"), payload[cls._FORM.size :], "DESCRIBE's shape")
        name, _ = text_at(payload, cls._FORM.size + 4 * rank, "DESCRIBE")
        if dtype not in _DTYPES:
            raise MessageError(f"DESCRIBE has an unknown element type {dtype}")
        return cls(
            output=bool(output), index=index, name=name, dtype=_DTYPES[dtype], shape=shape, nbytes=nbytes, scale=scale,
            zero_point=zero_point,
        )  # fmt: skip


PER_OP_PROFILE = "per-op profile"
"""The key of the fact that says how an agent tells the time of single ops, or "none" and why."""


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
        return self._FORM.pack(self.index, self.count) + put_text(self.key, 32) + put_text(self.value, 200)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The record; raises MessageError."""
        index, count = unpack(cls._FORM, payload, "ABOUT")
        key, at = text_at(payload, cls._FORM.size, "ABOUT")
        return cls(index=index, count=count, key=key, value=text_at(payload, at, "ABOUT")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class OpTime:
    """A row of the result of the mode PROFILE: one op of an inference. `delegated`: one of XNNPACK's own."""

    label: str
    delegated: bool
    nanoseconds: int

    _FORM = struct.Struct("<I?")

    def pack(self) -> bytes:
        """The row."""
        return self._FORM.pack(min(self.nanoseconds, 0xFFFFFFFF), self.delegated) + put_text(self.label, 64)

    @classmethod
    def unpack_all(cls, result: bytes) -> tuple[Self, ...]:
        """All rows of a result; raises MessageError."""
        rows, at = [], 0
        while at < len(result):
            nanoseconds, delegated = unpack(cls._FORM, result[at : at + cls._FORM.size], "PROFILE")
            label, at = text_at(result, at + cls._FORM.size, "PROFILE")
            rows.append(cls(label=label, delegated=bool(delegated), nanoseconds=nanoseconds))
        return tuple(rows)
