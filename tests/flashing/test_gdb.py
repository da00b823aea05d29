"""Flashing through a gdb server: the protocol's bytes, and a server that does what servers do, or does not."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from firmware_image import firmware_bytes, made_elf
from gdb_server import FLASH, GdbServer
from hypothesis import given
from hypothesis import strategies as st

from edgeq.boards import load_board
from edgeq.errors import DeviceError, EdgeqError, FlashError, InputError
from edgeq.flashing.flash import Flashed, flash_image
from edgeq.flashing.gdb import _blocks
from edgeq.flashing.gdb_packets import Region, Unpacker, escape, memory_map, packet
from edgeq.flashing.image import Piece
from edgeq.flashing.probe import parse_probe
from edgeq.progress import Progress

BOARD = load_board("netduinoplus2")
SIZE = 40_000


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    first = firmware_bytes(FLASH, BOARD.ram.end, SIZE)
    return made_elf(tmp_path / "firmware.elf", {FLASH: first[:30_000], FLASH + 30_000: first[30_000:]})


def flash(elf: Path, server: GdbServer) -> Flashed:
    return flash_image(elf, BOARD, server.probe, Progress())


def test_writes_erases_what_is_needed_reads_back_and_starts(elf: Path) -> None:
    steps: list[int] = []
    with GdbServer() as server:
        done = flash_image(elf, BOARD, server.probe, Progress(start=lambda *_: steps.append(0), step=steps.append))
        assert bytes(server.flash[:SIZE]) == firmware_bytes(FLASH, BOARD.ram.end, SIZE)
        assert server.erased == [(FLASH, 0x4000), (FLASH + 0x4000, 0x4000), (FLASH + 0x8000, 0x4000)]
        assert server.flash[0xC000] == 0x5A
        assert server.commands == ["reset halt", "reset"]
    assert server.running
    assert (done.board, done.image, done.size) == ("netduinoplus2", "firmware.elf", SIZE)
    assert sum(steps) == 2 * SIZE


def test_a_damaged_answer_is_asked_for_again(elf: Path) -> None:
    with GdbServer(damage=2) as server:
        flash(elf, server)
    assert server.running


@pytest.mark.parametrize(
    ("faults", "error", "message"),
    [
        ({"worn": FLASH + 0x1234}, FlashError, f"at {FLASH + 0x1234:#010x} it has 0x00 instead of "),
        ({"cpuid": 0x412F_C231}, DeviceError, "has a cortex-m3, netduinoplus2 a cortex-m4: nothing was written"),
        ({"cpuid": 0x1234_5678}, DeviceError, r"core of another kind \(CPUID 0x12345678\)"),
        ({"idcode": 0x2001_6449}, DeviceError, "its identification at 0xe0042000 is 0x449, not 0x413"),
        ({"idcode": 0}, DeviceError, "its identification at 0xe0042000 is 0x0, not 0x413"),
        ({"idcode": None}, DeviceError, "or locked: its identification cannot be read"),
        ({"locked": True}, DeviceError, r"'E0e' when asked to read 0x08000000\. The chip is locked"),
        ({"protected": True}, DeviceError, "answers 'E01' when asked to erase 0x08000000"),
        ({"unplugged_after": 5}, DeviceError, "closed the connection"),
        ({"damage": 99}, DeviceError, "is damaged"),
    ],
    ids=[
        "worn",
        "another core",
        "no core",
        "another chip",
        "a chip that says nothing",
        "no identification",
        "locked",
        "protected",
        "unplugged",
        "noise",
    ],
)
def test_what_goes_wrong_is_said(faults: dict[str, Any], error: type[EdgeqError], message: str, elf: Path) -> None:
    with GdbServer(**faults) as server, pytest.raises(error, match=message) as caught:
        flash(elf, server)
    assert caught.value.exit_code == (1 if error is FlashError else 3)
    assert caught.value.hint
    assert not server.running


def test_nobody_there(elf: Path) -> None:
    with pytest.raises(DeviceError, match=r"Nobody answers at 127\.0\.0\.1:1: ") as caught:
        flash_image(elf, BOARD, "gdb://127.0.0.1:1", Progress())
    assert "openocd" in str(caught.value)


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ({0x2000_0000: bytes(64)}, "outside of the flash of netduinoplus2"),
        ({FLASH: bytes(64)}, "no vector table"),
        ({}, "nothing in it is to be loaded"),
    ],
)
def test_images_that_are_none_of_this_board(pieces: dict[int, bytes], message: str, tmp_path: Path) -> None:
    with GdbServer() as server, pytest.raises(InputError, match=message):
        flash_image(made_elf(tmp_path / "x.elf", pieces), BOARD, server.probe, Progress())


@pytest.mark.parametrize("probe", ["gdb://", "gdb://host", "gdb://host:0", "gdb://:3333", "gdb://host:99999"])
def test_addresses_that_are_none(probe: str) -> None:
    with pytest.raises(InputError, match="no address of a gdb server"):
        parse_probe(probe, BOARD)


def test_unknown_probe_and_the_host() -> None:
    with pytest.raises(InputError, match="There is no probe 'magic'"):
        parse_probe("magic", BOARD)
    with pytest.raises(InputError, match="nothing to flash"):
        parse_probe("gdb://localhost:3333", load_board("native"))


@given(st.binary(max_size=200))
def test_any_bytes_pass_through_a_packet(data: bytes) -> None:
    unpacker = Unpacker()
    unpacker.feed(b"+" + packet(escape(data)))
    assert unpacker.next() == data
    assert unpacker.next() is None


def test_run_lengths_and_wrong_checksums() -> None:
    unpacker = Unpacker()
    unpacker.feed(packet(b"0* ") + b"$ab#00" + packet(b"OK")[:4])
    assert unpacker.next() == b"0000"  # the GDB manual's own example
    with pytest.raises(ValueError, match="checksum"):
        unpacker.next()
    assert unpacker.next() is None
    unpacker.feed(packet(b"OK")[4:])
    assert unpacker.next() == b"OK"


def test_memory_maps() -> None:
    document = """<memory-map><memory type='ram' start='0x20000000' length='0x100'/>
    <memory type="flash" start="0" length="4096">
      <property name="blocksize">0x400</property></memory><memory type="rom" start="x" length="1"/></memory-map>"""
    assert memory_map(document) == (
        Region(kind="flash", start=0, length=4096, block=1024),
        Region(kind="ram", start=0x2000_0000, length=256, block=0),
    )


@pytest.mark.parametrize("size", [40_000, 65_536, 70_000, 200_000])
def test_each_region_is_erased_by_blocks_of_its_own(size: int) -> None:
    """A chip with sectors of 16, 64 and 128 KiB, as an STM32F405."""
    kib = 1024
    regions = [
        Region(kind="flash", start=FLASH, length=64 * kib, block=16 * kib),
        Region(kind="flash", start=FLASH + 64 * kib, length=64 * kib, block=64 * kib),
        Region(kind="flash", start=FLASH + 128 * kib, length=896 * kib, block=128 * kib),
    ]
    spans = _blocks([Piece(address=FLASH, data=bytes(size))], regions)
    for start, length in spans:
        (region,) = [r for r in regions if r.start <= start < r.end]
        assert (start - region.start) % region.block == 0
        assert length % region.block == 0
        assert start + length <= region.end
    assert spans[0][0] == FLASH
    assert all(a + n == b for (a, n), (b, _) in itertools.pairwise(spans))
    assert sum(n for _, n in spans) >= size
