"""ELF files for flashers: real firmware of the tiny engine, and made ones."""

from __future__ import annotations

import struct
from pathlib import Path


def made_elf(path: Path, pieces: dict[int, bytes]) -> Path:
    """A minimal 32-bit Arm ELF file whose segments are the pieces."""
    header = 52 + 32 * len(pieces)
    offsets, at = [], header
    for data in pieces.values():
        offsets.append(at)
        at += len(data)
    head = struct.pack(
        "<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 40, 1, 0, 52, 0, 0x0500_0000, 52, 32, len(pieces), 40, 0, 0
    )
    table = b"".join(
        struct.pack("<8I", 1, offset, address, address, len(data), len(data), 5, 4)
        for offset, (address, data) in zip(offsets, pieces.items(), strict=True)
    )
    path.write_bytes(head + table + b"".join(pieces.values()))
    return path


def firmware_bytes(origin: int, ram_end: int, size: int, *, vectors: int = 0) -> bytes:
    """Bytes with all values in them, and a vector table at offset `vectors`."""
    body = bytearray((i * 167 + i // 251) % 256 for i in range(size))
    body[vectors : vectors + 8] = struct.pack("<II", ram_end, origin + vectors + 0x41)
    return bytes(body)
