"""Every board's firmware links with both compilers, for its own core, at its own addresses."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from test_emulated import expected, sample
from tiny import SYMBOL, tiny_project

from edgeq.boards import Memory, board_names, load_board
from edgeq.boards.new import NewBoard, write_board
from edgeq.devices.emulated import EmulatedDevice
from edgeq.devices.qemu import QemuDevice
from edgeq.errors import DeviceError
from edgeq.link.session import Session
from edgeq.records import Image
from edgeq.toolchain.compile import compile_project

needs_gcc = pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="arm-none-eabi-gcc is not installed")
TOOLCHAINS = ["zig", pytest.param("gcc", marks=needs_gcc)]
ImageOf = Callable[..., Image]

# Those that no emulator plays; the others are compiled by the emulators' tests.
ONLY_COMPILED = [
    b for b in board_names() if not (load_board(b).is_host or load_board(b).qemu_machine or load_board(b).unicorn_cpu)
]


def sections(image: Image) -> dict[str, tuple[int, bytes]]:
    with image.elf.open("rb") as file:
        return {s.name: (s["sh_addr"], s.data()) for s in ELFFile(file).iter_sections() if s["sh_flags"] & 2}


def values(image: Image) -> dict[str, int]:
    with image.elf.open("rb") as file:
        return {s.name: s["st_value"] for s in ELFFile(file).get_section_by_name(".symtab").iter_symbols()}


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", ONLY_COMPILED)
def test_links_at_the_boards_addresses(name: str, toolchain: str, image_of: ImageOf) -> None:
    board, image = load_board(name), image_of(name, toolchain)
    symbols, placed = values(image), sections(image)
    assert (symbols["edgeq_flash_origin"], symbols["edgeq_flash_bytes"]) == (board.flash.origin, board.flash.length)
    assert board.ram.origin == symbols["edgeq_stack_bottom"]
    address, vectors = placed[".vectors"]
    words = [int.from_bytes(vectors[i : i + 4], "little") for i in range(0, len(vectors), 4)]
    assert words[0] == symbols["edgeq_stack_end"]
    assert words[1] == symbols["edgeq_reset"] | 1
    assert words[3] == symbols["edgeq_fault_entry"] | 1
    assert words[15] == symbols["edgeq_systick_entry"] | 1
    has_systick = "edgeq_systick_start" in symbols
    assert (symbols["edgeq_systick_entry"] != symbols["edgeq_fault_entry"]) == has_systick
    if "edgeq_receiver_entry" in symbols:
        assert board.uart is not None
        behind = words[16 : 16 + board.uart.irq]
        assert behind == [symbols["edgeq_fault_entry"] | 1] * board.uart.irq
        assert words[16 + board.uart.irq] == symbols["edgeq_receiver_entry"] | 1
    assert address == board.flash.origin + (256 if ".boot2" in placed else 0)
    code = "".join(source.read_text() for source in board.sources)
    assert f'edgeq_board_name[] = "{name}"' in code
    start, variables = placed[".data"]
    at = symbols["edgeq_board_clock_hz"] - start
    assert int.from_bytes(variables[at : at + 4], "little") == board.clock_hz
    assert "not on hardware" in board.tried


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_second_stage_of_the_pico_has_the_right_crc(toolchain: str, image_of: ImageOf) -> None:
    """As the RP2040's ROM computes it: CRC-32, most significant bit first, without a final inversion."""
    address, stage = sections(image_of("rpi-pico", toolchain))[".boot2"]
    crc = 0xFFFF_FFFF
    for byte in stage[:252]:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C1_1DB7 if crc >> 31 else 0)) & 0xFFFF_FFFF
    assert (address, len(stage)) == (0x1000_0000, 256)
    assert crc == int.from_bytes(stage[252:], "little")


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_image_definition_of_the_pico_2_is_found(toolchain: str, image_of: ImageOf) -> None:
    image = image_of("rpi-pico2", toolchain)
    address, vectors = sections(image)[".vectors"]
    behind = values(image)["edgeq_vectors_end"] - address
    assert behind < 4096
    words = [int.from_bytes(vectors[i : i + 4], "little") for i in range(behind, len(vectors), 4)]
    assert words == [0xFFFF_DED3, 0x1021_0142, 0x0000_01FF, 0, 0xAB12_3579]


# Registers that are plain memory here: those of clocks, pins and flash.
STM32F7 = ("CORTEX_M7", [(0x4000_7000, 0x1000), (0x4002_0000, 0x4000)], 16_000_000)
STM32L4 = ("CORTEX_M4", [(0x4000_7000, 0x1000), (0x4002_1000, 0x2000), (0x4800_1000, 0x1000)], 4_000_000)
NRF52840 = ("CORTEX_M4", [(0x4000_0000, 0x1000), (0x4001_E000, 0x1000), (0x5000_0000, 0x1000)], 64_000_000)
RP2040 = ("CORTEX_M0", [(0x4000_8000, 0x2C000), (0x4005_8000, 0x4000)], 6_500_000)
RP2350 = ("CORTEX_M33", [(0x4001_0000, 0x60000), (0x400D_8000, 0x1000)], 11_000_000)
DEAD_CLOCKS = {
    "nucleo-f767zi": STM32F7, "nucleo-l4r5zi": STM32L4, "nrf52840-dk": NRF52840, "arduino-nano33ble": NRF52840,
    "rpi-pico": RP2040, "rpi-pico2": RP2350,
}  # fmt: skip


@pytest.mark.parametrize("name", DEAD_CLOCKS)
def test_a_board_whose_clocks_do_not_start_runs_without_them(name: str, tmp_path: Path, image_of: ImageOf) -> None:
    """Nothing ever becomes ready: it says what clock it has, and everything else is as it should be."""
    core, registers, clock_hz = DEAD_CLOCKS[name]
    folder = tmp_path / name
    shutil.copytree(load_board(name).folder, folder)
    blocks = ", ".join(f"{{ origin = {origin:#x}, length = {length:#x} }}" for origin, length in registers)
    with (folder / "board.toml").open("a") as file:
        file.write(f'[emulation]\nunicorn_cpu = "{core}"\nregisters = [{blocks}]\n')
    # SysTick stands still in the emulator, other counters are not where a board says.
    text = (folder / "board.toml").read_text()
    (folder / "board.toml").write_text(re.sub(r"\[counter\](\n.+)+\n", "", text))
    with (
        EmulatedDevice(image_of(name).elf, load_board(str(folder)), symbol=SYMBOL) as device,
        Session.connect(device.url, failure=device.failure) as session,
    ):
        assert (session.hello.board, session.hello.clock_hz) == (name, clock_hz)
        assert session.hello.rx_window == 4096
        results = [result.outputs[0] for result in session.run_many([[sample(first)] for first in (0, 200, 0)])]
        assert results == [expected(sample(first)) for first in (0, 200, 0)]
        with pytest.raises(DeviceError):
            session.run([sample(2)])


@pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="qemu-system-arm is not installed")
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus"])
def test_a_new_board_runs_as_its_example(core: str, tmp_path: Path) -> None:
    """Nothing filled in: it is the example's chip, which QEMU plays, for its own core and for a smaller one."""
    folder = tmp_path / "my-board"
    flash = Memory(name="flash", origin=0x0800_0000, length=1 << 20)
    ram = Memory(name="ram", origin=0x2000_0000, length=128 << 10)
    write_board(folder, NewBoard(core=core, flash=flash, ram=ram, clock_hz=16_000_000))
    with (folder / "board.toml").open("a") as file:
        file.write('[emulation]\nqemu_machine = "netduinoplus2"\n')
    board = load_board(str(folder))
    project = tiny_project(board, tmp_path / "project")
    image = compile_project(project, board, toolchain="zig", traced=False, out=tmp_path / "out")
    with (
        QemuDevice(image.elf, board) as device,
        Session.connect(device.url, failure=device.failure) as session,
    ):
        assert session.hello.board == "my-board"
        assert session.run([sample()]).outputs[0] == expected(sample())
        assert session.hello.ticks_kind.name == ("NONE" if core == "cortex-m4" else "SYSTICK")
        if core == "cortex-m0plus":
            # Its 24 bits are through several times, here and there: twice the work is twice the count.
            once, twice = (session.run([sample(which)]).ticks for which in (9, 10))
            assert once > 3 << 24
            assert twice == pytest.approx(2 * once, rel=0.001)
