"""Board files are read as they stand, and what is wrong in one is said with its name and key."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgeq import resources
from edgeq.boards import board_names, list_boards, load_board
from edgeq.errors import InputError


def test_all_boards_load() -> None:
    boards = {b.name: b for b in list_boards()}
    assert tuple(boards) == board_names()
    assert {"mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "native"} <= set(boards)
    for board in boards.values():
        assert board.title
        assert board.tried
        assert all(path.is_file() for path in (*board.sources, *board.headers, *board.linker_includes))
        if not board.is_host:
            assert board.flash.length >= 256 * 1024
            assert board.ram.length >= 64 * 1024
            assert board.linker_script is not None
            assert board.uart is not None
            assert board.zig_cpu
            assert any(flag.startswith(("-mcpu", "-march")) for flag in board.gcc_flags)


def test_the_default_board() -> None:
    board = load_board("mps2-an386")
    assert (board.core, board.clock_hz, board.features) == ("cortex-m4", 25_000_000, {"dsp", "fpu"})
    assert (board.flash.origin, board.flash.length, board.ram.origin) == (0, 4 << 20, 0x2000_0000)
    assert (board.qemu_machine, board.unicorn_cpu) == ("mps2-an386", "CORTEX_M4")


def test_the_c_constants_equal_the_board_file() -> None:
    for board in list_boards():
        if board.name.startswith("mps") and board.uart and board.counter:
            text = (board.folder / "board.c").read_text()
            assert f'edgeq_board_name[] = "{board.name}"' in text
            assert f"edgeq_board_clock_hz = {board.clock_hz}u" in text
            assert f".uart = {board.uart.address:#010x}u," in text
            assert f".uart_rx_irq = {board.uart.irq}u" in text
            assert f".counter = {board.counter.address:#010x}u" in text


def test_a_board_may_have_another_counter_in_emulators() -> None:
    board = load_board("netduinoplus2")
    assert board.counter is not None
    assert board.emulated_counter is not None
    assert (board.counter.kind, board.emulated_counter.kind) == ("dwt", "stm32-tim")
    assert load_board("mps2-an386").emulated_counter == load_board("mps2-an386").counter


def test_unknown_board_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"Did you mean mps2-an386\?") as caught:
        load_board("mps2-an368")
    assert "mps2-an385, mps2-an386" in str(caught.value).partition("Known boards: ")[2]


@pytest.fixture
def own_board(tmp_path: Path) -> Path:
    """A user's own board: a copy of one of ours, in a folder of its own."""
    folder = tmp_path / "my-board"
    shutil.copytree(resources.firmware() / "boards" / "mps2-an386", folder)
    return folder


def test_own_board_folder(own_board: Path) -> None:
    board = load_board(str(own_board))
    assert board.name == "my-board"
    assert board.linker_script == own_board.resolve() / "link.ld"
    assert board.sources[0] == own_board.resolve() / "board.c"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('core = "cortex-m4"', "", "core is missing"),
        ('core = "cortex-m4"', 'core = "avr"', "core is 'avr', not one of cortex-m0"),
        ('features = ["dsp", "fpu"]', 'features = ["dps"]', "features has dps; known are dsp, fpu, mve"),
        ("clock_hz = 25_000_000", 'clock_hz = "fast"', "clock_hz must be a number, not 'fast'"),
        ("clock_hz = 25_000_000", "clock_hz = true", "clock_hz must be a number"),
        ("clock_hz = 25_000_000", "clock_hz = 0", "clock_hz is 0x0, out of the range"),
        ("[memory.ram]", "[memory.sram]", "memory.ram is missing"),
        ("origin = 0x2000_0000", "origin = 0x0010_0000", "memory.ram overlaps memory.flash"),
        ("length = 0x40_0000", 'length = "4M"', "length must be a number, not '4M'"),
        ("origin = 0x2000_0000", "origin = 0x1_2000_0000", "memory.ram.origin is 0x120000000, out of the range"),
        ("irq = 0", "", "uart.irq is missing"),
        ("irq = 0", "irq = 0\npin = 3", "uart.pin is not a key that edgeq knows"),
        ("[emulation]", "[emulation]\nregisters = 5", "emulation.registers must be a list of tables, not 5"),
        ("[emulation]", "[emulation]\nregisters = [{ origin = 0 }]", "emulation.registers[0].length is missing"),
        ('title = "', 'titel = "', "titel is not a key that edgeq knows"),
        ("src/fault_cortexm.c", "src/fault.c", "sources names 'src/fault.c', which is neither beside it"),
        ('zig_cpu = "cortex_m4+vfp4d16sp"', "", "compile.zig_cpu is missing"),
        ("[uart]", "[uart", "cannot be read"),
    ],
)
def test_wrong_board_files(own_board: Path, old: str, new: str, message: str) -> None:
    file = own_board / "board.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_board(str(own_board))
    assert message in caught.value.message
    assert str(file) in caught.value.message


def test_missing_linker_script(own_board: Path) -> None:
    (own_board / "link.ld").unlink()
    with pytest.raises(InputError, match=r"link\.ld"):
        load_board(str(own_board))
