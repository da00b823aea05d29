"""UF2 files, and boards that are drives."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from firmware_image import firmware_bytes, made_elf

from edgeq.boards import Board, load_board
from edgeq.errors import DeviceError, FlashError, InputError
from edgeq.flashing import uf2_drive
from edgeq.flashing.flash import Flashed, flash_image
from edgeq.flashing.image import FlashImage, Piece
from edgeq.flashing.probe import Way, parse_probe
from edgeq.flashing.uf2 import to_uf2
from edgeq.progress import Progress

FLASH, SIZE = 0x1000_0000, 70_001
INFO = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: {}\r\n"


@pytest.fixture(scope="module")
def board() -> Board:
    return load_board("rpi-pico")


@pytest.fixture
def elf(tmp_path: Path, board: Board) -> Path:
    return made_elf(tmp_path / "firmware.elf", {FLASH: firmware_bytes(FLASH, board.ram.end, SIZE, vectors=0x100)})


def drive(folder: Path, board_id: str = "RPI-RP2") -> Path:
    folder.mkdir()
    (folder / "INFO_UF2.TXT").write_text(INFO.format(board_id))
    return folder


def flash(elf: Path, board: Board, folder: Path) -> Flashed:
    return flash_image(elf, board, f"uf2:{folder}", Progress())


def test_blocks_are_numbered_and_addressed() -> None:
    pieces = (Piece(address=0x1000_0010, data=bytes(range(250))), Piece(address=0x1000_1000, data=b"end"))
    file = to_uf2(FlashImage(name="x", pieces=pieces, stack=0, entry=0), 0xE48B_FF56)
    blocks = [struct.unpack("<8I476sI", file[i : i + 512]) for i in range(0, len(file), 512)]
    assert [b[3] for b in blocks] == [0x1000_0000, 0x1000_0100, 0x1000_1000]
    for number, (first, second, flags, _, size, index, count, family, data, last) in enumerate(blocks):
        assert (first, second, last) == (0x0A32_4655, 0x9E5D_5157, 0x0AB1_6F30)
        assert (flags, size, index, count, family) == (0x2000, 256, number, 3, 0xE48B_FF56)
        assert data[256:] == bytes(220)
    assert blocks[0][8][:256] == bytes(16) + bytes(range(240))
    assert blocks[1][8][:256] == bytes(range(240, 250)).ljust(256, b"\0")
    assert blocks[2][8][:4] == b"end\0"


def test_copies_and_reads_back(tmp_path: Path, elf: Path, board: Board) -> None:
    folder = drive(tmp_path / "drive")
    done = flash(elf, board, folder)
    assert (done.size, done.read_back, done.started) == (SIZE, True, False)
    assert len((folder / "EDGEQ.UF2").read_bytes()) == 512 * -(-SIZE // 256)


def test_a_corrupted_byte_is_caught(tmp_path: Path, elf: Path, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = drive(tmp_path / "drive")

    def damage(descriptor: int) -> None:
        os.pwrite(descriptor, b"\xff", 5000)

    monkeypatch.setattr(os, "fsync", damage)
    with pytest.raises(FlashError, match=r"EDGEQ\.UF2 does not hold .*: byte 5,000 of 140,288 differs"):
        flash(elf, board, folder)


def test_a_drive_that_vanishes_has_taken_everything(
    tmp_path: Path, elf: Path, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = drive(tmp_path / "drive")
    monkeypatch.setattr(os, "fsync", lambda _: folder.rename(tmp_path / "gone"))
    done = flash(elf, board, folder)
    assert (done.read_back, done.started) == (False, True)


@pytest.mark.parametrize(("vanishes", "sent"), [(True, True), (False, True), (True, False)])
def test_errors_of_a_drive(
    vanishes: bool, sent: bool, tmp_path: Path, elf: Path, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error at the very end, and the drive gone: the board has started. Any other is one."""
    folder = drive(tmp_path / "drive")

    def fail(*_: object) -> int:
        if vanishes:
            folder.rename(tmp_path / "gone")
        raise OSError(5, "Input/output error")

    progress = Progress() if sent else Progress(step=fail)
    monkeypatch.setattr(os, "fsync", fail)
    if vanishes and sent:
        assert not flash(elf, board, folder).read_back
        return
    with pytest.raises(DeviceError, match="failed: Input/output error") as caught:
        flash_image(elf, board, f"uf2:{folder}", progress)
    assert "unplugged" in str(caught.value)


def test_another_board_or_no_drive(tmp_path: Path, elf: Path, board: Board) -> None:
    other = drive(tmp_path / "other", "RP2350")
    with pytest.raises(DeviceError, match="is RP2350, rpi-pico is RPI-RP2: nothing was written"):
        flash(elf, board, other)
    assert [p.name for p in other.iterdir()] == ["INFO_UF2.TXT"]
    with pytest.raises(DeviceError, match="is no drive of a UF2 bootloader") as caught:
        flash(elf, board, tmp_path)
    assert "hold BOOTSEL" in str(caught.value)


def test_the_drive_is_looked_for(tmp_path: Path, elf: Path, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[Path] = [tmp_path, drive(tmp_path / "pico 2", "RP2350")]
    monkeypatch.setattr(uf2_drive, "_mounted", lambda: iter(places))
    with pytest.raises(DeviceError, match=r"No drive of a rpi-pico \(RPI-RP2\) is mounted\. .*pico 2 is of RP2350"):
        flash_image(elf, board, "uf2", Progress())
    assert parse_probe("auto", board).way is Way.PYOCD
    places.append(drive(tmp_path / "pico"))
    assert parse_probe("auto", board).way is Way.UF2
    assert flash_image(elf, board, "auto", Progress()).read_back
    places.append(drive(tmp_path / "second"))
    with pytest.raises(DeviceError, match="several drives of RPI-RP2"):
        flash_image(elf, board, "uf2", Progress())


def test_boards_that_take_no_uf2() -> None:
    with pytest.raises(InputError, match="netduinoplus2 takes no UF2 files"):
        parse_probe("uf2", load_board("netduinoplus2"))
