"""A gdb server of our own: an STM32F405 with a memory map, sectors to erase, and ways to go wrong."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from edgeq.flashing.gdb_packets import Unpacker, packet

FLASH, FLASH_SIZE = 0x0800_0000, 0x10_0000
SECTORS = [(FLASH + 0x4000 * i, 0x4000) for i in range(4)]
SECTORS += [(FLASH + 0x1_0000, 0x1_0000), *((FLASH + 0x2_0000 * i, 0x2_0000) for i in range(1, 8))]
CPUID_M4, IDCODE_F405 = 0x410F_C241, 0x1007_6413

_MAP = b"""<?xml version="1.0"?><memory-map>
<memory type="flash" start="0x8000000" length="0x10000"><property name="blocksize">0x4000</property></memory>
<memory type="flash" start="0x8010000" length="0x10000"><property name="blocksize">0x10000</property></memory>
<memory type="flash" start="0x8020000" length="0xe0000"><property name="blocksize">0x20000</property></memory>
<memory type="ram" start="0x20000000" length="0x20000"/></memory-map>"""


class GdbServer:
    """Serves one connection after the other in a thread. `worn` flash bytes stay 0; a `locked` chip's flash cannot be
    read; after `unplugged_after` writes the connection ends."""

    def __init__(
        self,
        *,
        idcode: int | None = IDCODE_F405,
        cpuid: int = CPUID_M4,
        worn: int | None = None,
        locked: bool = False,
        protected: bool = False,
        unplugged_after: int | None = None,
        damage: int = 0,
    ) -> None:
        self.flash = bytearray(b"\x5a" * FLASH_SIZE)  # never erased
        self.erased: list[tuple[int, int]] = []
        self.commands: list[str] = []
        self.running = self.halted_at_start = False
        self._words = {0xE000_ED00: cpuid} | ({} if idcode is None else {0xE004_2000: idcode})
        self._worn, self._locked, self._protected = worn, locked, protected
        self._left, self._damage = unplugged_after, damage
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # ends accept()
        self._socket.close()
        self._thread.join(5)

    @property
    def probe(self) -> str:
        return f"gdb://127.0.0.1:{self.port}"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with connection, contextlib.suppress(OSError, EOFError):
                    self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        unpacker = Unpacker()
        last = b""
        while data := connection.recv(1 << 16):
            if data[:1] == b"-":
                self._send(connection, last)
            unpacker.feed(data)
            while (request := unpacker.next()) is not None:
                connection.sendall(b"+")
                answer = self._answer(request)
                if answer is None:
                    continue
                if answer == b"O":
                    connection.sendall(packet(b"O" + b"unknown command\n".hex().encode()))
                    answer = b"OK"
                last = packet(answer)
                self._send(connection, last)

    def _send(self, connection: socket.socket, data: bytes) -> None:
        if self._damage:
            self._damage -= 1
            data = data[:-2] + (b"00" if data[-2:] != b"00" else b"11")
        connection.sendall(data)

    def _answer(self, request: bytes) -> bytes | None:
        head, _, rest = request.partition(b":")
        if head == b"qSupported":
            return b"PacketSize=400;qXfer:memory-map:read+"
        if request.startswith(b"qXfer:memory-map:read::"):
            offset, length = (int(n, 16) for n in request.rpartition(b":")[2].split(b","))
            part = _MAP[offset : offset + length]
            return (b"l" if offset + length >= len(_MAP) else b"m") + part
        if head == b"vFlashErase":
            start, length = (int(n, 16) for n in rest.split(b","))
            return self._erase(start, length)
        if head == b"vFlashWrite":
            address, _, data = rest.partition(b":")
            return self._program(int(address, 16), data)
        if request == b"vFlashDone":
            return b"OK"
        if request[:1] == b"m":
            address, length = (int(n, 16) for n in request[1:].split(b","))
            return self._read(address, length)
        if request.startswith(b"qRcmd,"):
            self.commands.append(bytes.fromhex(request[6:].decode()).decode())
            self.halted_at_start = self.commands[-1] == "reset"  # like a J-Link's
            return b"OK" if self.halted_at_start else b"O"
        if request == b"g":
            entry = self.flash[4:8] if self.halted_at_start else bytes(4)
            zeros = b"0*" + bytes([29 + 90]) + b"0" * 29  # the first of 120, 90 more by a run length, 29
            return zeros + bytes(entry).hex().encode() + b"xxxxxxxx"
        if request == b"c":
            self.running = True
            return None
        return b""

    def _erase(self, start: int, length: int) -> bytes:
        if self._protected:
            return b"E01"
        inside = [(a, n) for a, n in SECTORS if start <= a < start + length]
        if not inside or inside[0][0] != start or sum(n for _, n in inside) != length:
            return b"E02"  # not at the sectors' edges
        self.erased += inside
        self.flash[start - FLASH : start - FLASH + length] = b"\xff" * length
        return b"OK"

    def _program(self, address: int, data: bytes) -> bytes:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise EOFError
        for i, byte in enumerate(data):
            self.flash[address - FLASH + i] &= byte  # bits are only cleared
        if self._worn is not None:
            self.flash[self._worn - FLASH] = 0
        return b"OK"

    def _read(self, address: int, length: int) -> bytes:
        if address in self._words and length == 4:
            return self._words[address].to_bytes(4, "little").hex().encode()
        if address >= FLASH and address + length <= FLASH + FLASH_SIZE and not self._locked:
            return bytes(self.flash[address - FLASH :][:length]).hex().encode()
        return b"E0e"
