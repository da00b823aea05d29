"""Packets of GDB's remote serial protocol, without I/O (GDB manual, appendix E)."""

from __future__ import annotations

import re
from dataclasses import dataclass

ESCAPED = b"#$}*"
ACK, NACK = b"+", b"-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A row of a server's memory map. `block` is the size of an erasable block of flash, 0 for other memory."""

    kind: str
    start: int
    length: int
    block: int

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.start + self.length


def packet(payload: bytes) -> bytes:
    """`$payload#checksum`; the payload must be escaped already."""
    return b"$" + payload + b"#%02x" % (sum(payload) & 0xFF)


def escape(data: bytes) -> bytes:
    """Binary data as they stand in a packet."""
    return b"".join(b"}" + bytes([b ^ 0x20]) if b in ESCAPED else bytes([b]) for b in data)


class Unpacker:
    """Bytes from a server to payloads. Acknowledgements between packets are dropped."""

    def __init__(self) -> None:
        """Nothing has arrived."""
        self._buffer = b""

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        self._buffer += data

    def next(self) -> bytes | None:
        """The next whole packet's payload; None while there is none.

        Raises:
            ValueError: its checksum is wrong; it is dropped.
        """
        start = self._buffer.find(b"$")
        if start < 0:
            self._buffer = b""
            return None
        end = self._buffer.find(b"#", start)
        if end < 0 or len(self._buffer) < end + 3:
            return None
        payload, checksum = self._buffer[start + 1 : end], self._buffer[end + 1 : end + 3]
        self._buffer = self._buffer[end + 3 :]
        if checksum.lower() != b"%02x" % (sum(payload) & 0xFF):
            raise ValueError("wrong checksum")
        return _expand(payload)


def _expand(payload: bytes) -> bytes:
    """Undo escapes and run lengths."""
    out = bytearray()
    i = 0
    while i < len(payload):
        byte = payload[i]
        if byte == ord("}") and i + 1 < len(payload):
            out.append(payload[i + 1] ^ 0x20)
            i += 2
        elif byte == ord("*") and out and i + 1 < len(payload):
            out += bytes([out[-1]]) * (payload[i + 1] - 29)
            i += 2
        else:
            out.append(byte)
            i += 1
    return bytes(out)


_MEMORY = re.compile(r"<memory\s([^>]*?)(?:/>|>(.*?)</memory>)", re.DOTALL)
_ATTRIBUTE = re.compile(r"""\b(\w+)\s*=\s*["']([^"']*)["']""")
_BLOCK = re.compile(r"""<property\s+name\s*=\s*["']blocksize["']\s*>\s*([0-9a-fA-Fx]+)\s*</property>""")


def memory_map(document: str) -> tuple[Region, ...]:
    """The rows of a memory map (GDB manual, E.16); what is no number in it is left out."""
    regions = []
    for match in _MEMORY.finditer(document):
        attributes = dict(_ATTRIBUTE.findall(match[1]))
        block = _BLOCK.search(match[2] or "")
        try:
            regions.append(
                Region(
                    kind=attributes["type"],
                    start=int(attributes["start"], 0),
                    length=int(attributes["length"], 0),
                    block=int(block[1], 0) if block else 0,
                )
            )
        except (KeyError, ValueError):
            continue
    return tuple(sorted(regions, key=lambda r: r.start))
