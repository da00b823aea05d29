"""Bytes of the line in the firmware's memory: edgeq_mps_pieces of firmware/include/edgeq/mps.h."""

from __future__ import annotations

import struct
from typing import Any

import unicorn

_RECEIVING = struct.Struct("<II")  # place, room; given
_SENDING = struct.Struct("<II")  # collects, count; bytes
_GIVEN, _COLLECTS, _BYTES = 8, 12, 20
_WORD = struct.Struct("<I")
_COLLECTING = _SENDING.pack(1, 0)


class MemoryPieces:
    """See `edgeq.devices.uarts.Pieces`. A program that has destroyed its memory gets and sends byte by byte."""

    def __init__(self, uc: Any, address: int, size: int) -> None:
        """`size` is that of the firmware's variable at `address`."""
        self._uc, self._address, self._room = uc, address, size - _BYTES

    def give(self, received: bytearray) -> int:
        """Puts received bytes where the firmware wants them."""
        place, room = _RECEIVING.unpack(self._uc.mem_read(self._address, _RECEIVING.size))
        piece = bytes(received[:room])
        if not piece:
            return 0
        try:
            self._uc.mem_write(place, piece)
        except unicorn.UcError:
            return 0
        self._uc.mem_write(self._address + _GIVEN, _WORD.pack(len(piece)))
        return len(piece)

    def collect(self) -> bytes:
        """What the firmware has collected. From now on it does, if it has not yet."""
        collects, count = _SENDING.unpack(self._uc.mem_read(self._address + _COLLECTS, _SENDING.size))
        known = collects == 1 and 0 < count <= self._room
        data = bytes(self._uc.mem_read(self._address + _BYTES, count)) if known else b""
        self._uc.mem_write(self._address + _COLLECTS, _COLLECTING)
        return data
