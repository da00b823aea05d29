"""Numbers and texts in payloads."""

from __future__ import annotations

import struct


class MessageError(Exception):
    """A payload that does not have the form of its type: an error of the firmware, since its CRC was right."""


def unpack(form: struct.Struct, payload: bytes, what: str) -> tuple[int, ...]:
    """The numbers at the start of a payload.

    Raises:
        MessageError: it is shorter than the form.
    """
    if len(payload) < form.size:
        raise MessageError(f"{what} has {len(payload)} bytes, not {form.size} or more")
    return form.unpack_from(payload)


def text_at(payload: bytes, at: int, what: str) -> tuple[str, int]:
    """A text with its length before it, and where it ends.

    Raises:
        MessageError: the payload ends first.
    """
    end = at + 1 + (payload[at] if at < len(payload) else 0)
    if end > len(payload):
        raise MessageError(f"{what} ends within a text")
    return payload[at + 1 : end].decode("utf-8", "replace"), end


def put_text(text: str, limit: int) -> bytes:
    """A text with its length before it; at most `limit` bytes of it."""
    data = text.encode()[:limit]
    return bytes([len(data)]) + data
