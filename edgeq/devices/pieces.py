"""Bytes of the line in the firmware's memory: edgeq_mps_pieces of firmware/include/edgeq/mps.h."""

from __future__ import annotations

import struct
from typing import Any

import unicorn

from edgeq.boards import Memory

_RECEIVING = struct.Struct("<IIII")  # place, room, given, collects
_SENDING = struct.Struct("<II")  # collects, count; bytes
_GIVEN, _COLLECTS, _BYTES = 8, 12, 20
_WORD = struct.Struct("<I")
_DOES = 0x5345_4345  # EDGEQ_MPS_COLLECTS
_COLLECTING = _SENDING.pack(_DOES, 0)
_MOST = 256  # EDGEQ_APP_PIECE of firmware/src/main.c


class MemoryPieces:
    """See `edgeq.devices.uarts.Pieces`. A program may have destroyed its memory: then it gets and sends byte by byte
    until it asks for pieces again, and what is in `bytes` may be sent although it is none of the line's."""

    def __init__(self, uc: Any, ram: Memory, address: int, size: int) -> None:
        """`size` is that of the firmware's variable at `address`; nothing is given outside of `ram`."""
        self._uc, self._ram, self._address, self._room = uc, ram, address, size - _BYTES

    def give(self, received: bytearray) -> int:
        """Puts received bytes where the firmware wants them, in RAM. Only where it collects: it looks at none of them
        elsewhere, and `place` and `room` are what a stray write left there."""
        place, room, _, collects = _RECEIVING.unpack(self._uc.mem_read(self._address, _RECEIVING.size))
        piece = bytes(received[:room])
        if not piece or collects != _DOES or room > _MOST:
            return 0
        if not self._ram.origin <= place <= self._ram.end - len(piece):
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
        known = collects == _DOES and 0 < count <= self._room
        data = bytes(self._uc.mem_read(self._address + _BYTES, count)) if known else b""
        self._uc.mem_write(self._address + _COLLECTS, _COLLECTING)
        return data
