"""UF2 files: an image as blocks of 512 bytes that say where they go (Microsoft's UF2 specification)."""

from __future__ import annotations

import struct

from edgeq.flashing.image import FlashImage

PAGE = 256
"""Bytes of the image in a block, whose address is a multiple of it: a page of the flash."""

BLOCK = 512
_MAGIC, _MAGIC_SECOND, _MAGIC_END = 0x0A32_4655, 0x9E5D_5157, 0x0AB1_6F30
_HAS_FAMILY = 0x2000
_FORM = struct.Struct("<8I476sI")


def to_uf2(image: FlashImage, family: int) -> bytes:
    """The image as a file. Pages that it fills in part only are filled up with zeros.

    Args:
        image: what is loaded.
        family: tells the chip: a bootloader of another one takes none of the blocks.
    """
    pages: dict[int, bytearray] = {}
    for piece in image.pieces:
        for i, byte in enumerate(piece.data):
            address = piece.address + i
            pages.setdefault(address & -PAGE, bytearray(PAGE))[address % PAGE] = byte
    return b"".join(
        _FORM.pack(
            _MAGIC, _MAGIC_SECOND, _HAS_FAMILY, address, PAGE, number, len(pages), family, bytes(pages[address]),
            _MAGIC_END,
        )
        for number, address in enumerate(sorted(pages))
    )  # fmt: skip
