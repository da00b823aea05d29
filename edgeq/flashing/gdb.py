"""A chip behind any gdb server: OpenOCD, J-Link, pyOCD, QEMU. See `edgeq.flashing.target.Target`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from edgeq.errors import DeviceError
from edgeq.flashing.gdb_client import GdbClient
from edgeq.flashing.gdb_packets import Region, escape, memory_map
from edgeq.flashing.image import FlashImage, Piece
from edgeq.flashing.target import RefusedError
from edgeq.records import Progress

# OpenOCD writes when it is told that everything has arrived.
_ERASE = _WRITE = 120.0
_RESET = 10.0
_PC = 15
_AIRCR, _SYSRESETREQ = 0xE000_ED0C, 0x05FA_0004
# What servers call a reset that leaves the core halted: OpenOCD and pyOCD; J-Link; QEMU.
_RESETS = ("reset halt", "reset", "system_reset")
_LEAST_PACKET = 256
_QEMU = b"qqemu.sstepbits"  # a request that QEMU alone knows


class GdbTarget:
    """The chip; halted from the moment of the connection until `start`."""

    def __init__(self, host: str, port: int) -> None:
        """Connect.

        Raises:
            DeviceError: nobody answers there, or no gdb server.
        """
        self._client = GdbClient(host, port)
        try:
            supported = self._client.ask(b"qSupported:swbreak+").decode(errors="replace")
            size = re.search(r"PacketSize=([0-9a-fA-F]+)", supported)
            self._packet = max(_LEAST_PACKET, int(size[1], 16)) if size else _LEAST_PACKET
            has_map = "qXfer:memory-map:read+" in supported
            document = self._client.document("memory-map") if has_map else None
            self.is_emulated = self._client.ask(_QEMU).startswith(b"ENABLE=")
            self._flash = tuple(r for r in memory_map(document or "") if r.kind == "flash")
        except BaseException:
            self._client.close()
            raise

    @property
    def where(self) -> str:
        """The server's name in messages."""
        return self._client.where

    def read(self, address: int, size: int) -> bytes:
        """Memory, in as many requests as packets need."""
        data = b""
        while len(data) < size:
            count = min(size - len(data), (self._packet - 16) // 2)
            answer = self._client.ask(b"m%x,%x" % (address + len(data), count))
            part = _hex(answer)
            if not part:
                raise RefusedError(f"{self._says(answer)} when asked to read {address + len(data):#010x}.")
            data += part
        return data

    def write(self, image: FlashImage, progress: Progress) -> None:
        """By vFlashErase and vFlashWrite where the server's memory map says flash, else as memory."""
        flash = [(p, r) for p in image.pieces if (r := self._region(p)) is not None]
        for start, length in _blocks([p for p, _ in flash], self._flash):
            self._must(b"vFlashErase:%x,%x" % (start, length), f"erase {start:#010x}", timeout=_ERASE)
        for piece, _ in flash:
            # Escaping at most doubles the data.
            for part in piece.split((self._packet - 32) // 2):
                request = b"vFlashWrite:%x:" % part.address + escape(part.data)
                self._must(request, f"write {part.address:#010x}", timeout=_WRITE)
                progress.step(len(part.data))
        if flash:
            self._must(b"vFlashDone", "write its flash", timeout=_WRITE)
        for piece in image.pieces:
            if self._region(piece) is None:
                self._write_memory(piece, progress)

    def start(self, image: FlashImage) -> None:
        """Reset, by whatever command this server knows, and run.

        Raises:
            DeviceError: the core is not at the image's start after any of them.
        """
        if not any(self._was_reset(image, command) for command in (*_RESETS, None)):
            raise DeviceError(
                f"{self.where[0].upper()}{self.where[1:]} wrote {image.name}, but does not reset the chip.",
                hint="Press the board's reset button.",
            )
        self._client.resume()

    def close(self) -> None:
        """End the connection; the core runs on, or stays halted if it was not started."""
        self._client.close()

    def _was_reset(self, image: FlashImage, command: str | None) -> bool:
        """Whether the core stands at the image's start after a reset; None writes the core's own reset register."""
        if command is not None:
            self._client.monitor(command, timeout=_RESET)
        else:
            self._client.ask(b"M%x,4:" % _AIRCR + _SYSRESETREQ.to_bytes(4, "little").hex().encode())
        registers = self._client.ask(b"g")
        at = _hex(registers[8 * _PC : 8 * _PC + 8])  # others may be unknown: "xxxxxxxx"
        return len(at) == 4 and int.from_bytes(at, "little") & ~1 == image.entry

    def _write_memory(self, piece: Piece, progress: Progress) -> None:
        for part in piece.split((self._packet - 32) // 2):
            request = b"M%x,%x:" % (part.address, len(part.data)) + part.data.hex().encode()
            self._must(request, f"write {part.address:#010x}", timeout=_WRITE)
            progress.step(len(part.data))

    def _region(self, piece: Piece) -> Region | None:
        return next((r for r in self._flash if r.start <= piece.address < r.end), None)

    def _must(self, request: bytes, what: str, *, timeout: float) -> None:
        answer = self._client.ask(request, timeout=timeout)
        if answer != b"OK":
            raise RefusedError(
                f"{self._says(answer)} when asked to {what}.",
                hint="Is the flash write-protected, or the probe unplugged? The server's own messages say more.",
            )

    def _says(self, answer: bytes) -> str:
        said = f"answers {answer.decode(errors='replace')!r}" if answer else "does not know"
        return f"{self.where[0].upper()}{self.where[1:]} {said}"


def _blocks(pieces: Sequence[Piece], regions: Iterable[Region]) -> list[tuple[int, int]]:
    """(address, bytes) of the erasable blocks that pieces touch, ascending; neighbours within a region are one."""
    found = []
    for region in regions:
        block = region.block or 1
        spans: list[tuple[int, int]] = []
        for piece in pieces:
            first, last = max(piece.address, region.start), min(piece.end, region.end)
            if first >= last:
                continue
            start = region.start + (first - region.start) // block * block
            end = region.start - (region.start - last) // block * block
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        found += [(start, end - start) for start, end in spans]
    return found


def _hex(answer: bytes) -> bytes:
    """The bytes of a hexadecimal answer; none if it is an error, or none of its digits is known."""
    if answer[:1] == b"E" and len(answer) == 3:
        return b""
    try:
        return bytes.fromhex(answer.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        return b""
