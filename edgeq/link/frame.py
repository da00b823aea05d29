"""Frames on the serial line: COBS, a header of 4 bytes, CRC-32 (firmware/PROTOCOL.md, "Frames"). No I/O.

A damaged frame is a value, not an exception: decoding goes on behind the next delimiter.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

HEADER = struct.Struct("<BBH")
TRAILER = struct.Struct("<I")
_BLOCK = 254  # COBS: most bytes other than zero behind one code byte
_MAX_LINE = 1 << 17  # bytes without a delimiter that are kept: no frame is as long, so it is noise


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole, undamaged frame. `kind` and `flags` are 8 bits, `sequence` 16."""

    kind: int
    payload: bytes = b""
    flags: int = 0
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class BadFrame:
    """What arrived between two delimiters and is no frame. `raw` is as received; `reason` is for people."""

    raw: bytes
    reason: str


def cobs_encode(data: bytes) -> bytes:
    """`data` without zeros (Cheshire and Baker, 1999). One byte longer for every 254 bytes, and one at the start."""
    out = bytearray()
    run = b""
    for run in data.split(b"\0"):
        start = 0
        while len(run) - start >= _BLOCK:
            out.append(_BLOCK + 1)
            out += run[start : start + _BLOCK]
            start += _BLOCK
        out.append(len(run) - start + 1)
        out += run[start:]
    if len(run) and len(run) % _BLOCK == 0:
        out.pop()  # a full block at the very end needs no code behind it
    return bytes(out)


def cobs_decode(data: bytes) -> bytes | None:
    """The inverse of `cobs_encode`; None if `data` is not COBS. `data` must not contain zeros."""
    out = bytearray()
    at, end = 0, len(data)
    while at < end:
        code = data[at]
        after = at + code
        if after > end:
            return None
        out += data[at + 1 : after]
        at = after
        if code <= _BLOCK and at < end:
            out.append(0)
    return bytes(out)


def encode(frame: Frame) -> bytes:
    """The bytes to send: delimiter, COBS, delimiter."""
    body = HEADER.pack(frame.kind, frame.flags, frame.sequence) + frame.payload
    return b"\0" + cobs_encode(body + TRAILER.pack(zlib.crc32(body))) + b"\0"


def _decode(raw: bytes) -> Frame | BadFrame:
    data = cobs_decode(raw)
    if data is None:
        return BadFrame(raw, "not COBS")
    if len(data) < HEADER.size + TRAILER.size:
        return BadFrame(raw, "too short")
    body = data[: -TRAILER.size]
    if zlib.crc32(body) != TRAILER.unpack(data[-TRAILER.size :])[0]:
        return BadFrame(raw, "wrong CRC")
    kind, flags, sequence = HEADER.unpack_from(body)
    return Frame(kind, body[HEADER.size :], flags, sequence)


class Decoder:
    """Takes the line's bytes in pieces of any size, and yields the frames that they complete."""

    def __init__(self) -> None:
        """Begins as if behind a delimiter."""
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame | BadFrame]:
        """Frames, good and bad, that end within `data`."""
        if b"\0" not in data:
            self._rest += data
            if len(self._rest) > _MAX_LINE:
                bad = BadFrame(self._rest, "no delimiter")
                self._rest = b""
                return [bad]
            return []
        *lines, self._rest = (self._rest + data).split(b"\0")
        return [_decode(line) for line in lines if line]

    def pending(self) -> bytes:
        """What has arrived behind the last delimiter."""
        return self._rest
