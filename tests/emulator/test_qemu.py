"""The same image on QEMU and on the built-in emulator: equal outputs, instruction counts and faults."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from test_emulated import FAULTS, LARGE_FRAME, expected, sample
from tiny import ENGINES, OPERATORS, SYMBOL, tiny_project

from edgeq import resources
from edgeq.boards import Board, board_names, load_board
from edgeq.devices.emulated import EmulatedDevice
from edgeq.devices.qemu import QemuDevice
from edgeq.errors import DeviceError, InputError, ToolError
from edgeq.link.session import RunResult, Session
from edgeq.records import Image
from edgeq.toolchain.compile import compile_project
from edgeq.toolchain.elf import load_segments, symbols

pytestmark = pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="qemu-system-arm is not installed")
needs_gcc = pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="arm-none-eabi-gcc is not installed")
QEMU_BOARDS = [b for b in board_names() if load_board(b).qemu_machine]
ImageOf = Callable[..., Image]
PIECES = b"edgeq_mps_line"  # by its name, the built-in emulator finds where the firmware takes pieces


def on_qemu(image: Image, board: str, data: bytes, symbolised: bool = False) -> RunResult:
    with (
        QemuDevice(image.elf, load_board(board)) as device,
        Session.connect(
            device.url, failure=device.failure, symbolise=symbols(image.elf).place if symbolised else None
        ) as session,
    ):
        result = session.run([data])
        assert session.counters.retries == 0
        return result


def on_unicorn(image: Image, board: str, data: bytes, told: bool = True) -> RunResult:
    with (
        EmulatedDevice(image.elf, load_board(board), symbol=SYMBOL) as device,
        Session.connect(
            device.url, failure=device.failure if told else lambda: None, symbolise=symbols(image.elf).place
        ) as session,
    ):
        device.start_counting(f"{SYMBOL}_invoke", OPERATORS)
        return session.run([data])


@pytest.mark.parametrize("toolchain", ["zig", pytest.param("gcc", marks=needs_gcc)])
@pytest.mark.parametrize("board", QEMU_BOARDS)
def test_boots_and_computes(board: str, toolchain: str, image_of: ImageOf) -> None:
    result = on_qemu(image_of(board, toolchain), board, sample())
    assert result.outputs[0] == expected(sample())
    assert result.ticks > 0


@pytest.mark.parametrize("board", [b for b in QEMU_BOARDS if b.startswith("mps")])
def test_the_line_has_the_speed_of_the_protocol(board: str, image_of: ImageOf, tmp_path: Path) -> None:
    """QEMU knows the UART's own clock, and what the firmware's divisor makes of it."""
    log = tmp_path / "trace"
    trace = ("-trace", "cmsdk_apb_uart_set_params", "-D", str(log))
    with QemuDevice(image_of(board).elf, load_board(board), extra=trace) as device, Session.connect(device.url):
        pass
    speed = re.search(r"params set to (\d+) 8N1", log.read_text())
    assert speed is not None
    assert int(speed[1]) == pytest.approx(115200, rel=0.01)


@pytest.mark.parametrize("toolchain", ["zig", pytest.param("gcc", marks=needs_gcc)])
@pytest.mark.parametrize("board", [b for b in QEMU_BOARDS if load_board(b).unicorn_cpu])
def test_both_emulators_agree(board: str, toolchain: str, image_of: ImageOf) -> None:
    image = image_of(board, toolchain, "kernels")
    data = sample(size=12 * 12 * 16)
    qemu, unicorn = on_qemu(image, board, data), on_unicorn(image, board, data)
    assert qemu.outputs == unicorn.outputs
    assert len(set(qemu.outputs[0])) > 1
    assert qemu.ticks == pytest.approx(unicorn.ticks, rel=0.001)
    assert qemu.ticks > 100_000


def test_the_counter_of_the_board_without_a_built_in_emulator(tmp_path: Path, image_of: ImageOf) -> None:
    """It counts the instructions of the same code as that of a board whose count both emulators agree on."""
    folder = tmp_path / "mps3-an547"
    shutil.copytree(resources.firmware() / "boards" / "mps3-an547", folder)
    text = (folder / "board.toml").read_text()
    for old, new in (("cortex_m55+mve_fp", "cortex_m33+dsp+fp_armv8d16sp"), ('"fpu", "mve"', '"fpu"')):
        assert old in text
        text = text.replace(old, new)
    (folder / "board.toml").write_text(text)
    board, other = load_board(str(folder)), load_board("mps2-an505")
    project = tiny_project(board, tmp_path / "project", ENGINES["kernels"])
    image = compile_project(project, board, toolchain="zig", traced=False, out=tmp_path / "out")
    data = sample(size=12 * 12 * 16)
    wanted = on_qemu(image_of("mps2-an505", "zig", "kernels"), "mps2-an505", data)
    found = on_qemu(image, "mps3-an547", data)
    assert board.counter is not None and other.counter is not None
    assert found.ticks / board.counter.hz == pytest.approx(wanted.ticks / other.counter.hz, rel=0.001)


@pytest.mark.parametrize(
    ("which", "board"), [*((which, "mps2-an386") for which in FAULTS), (3, "mps2-an505"), (LARGE_FRAME, "mps2-an505")]
)
def test_both_emulators_fault_alike(which: int, board: str, image_of: ImageOf, tmp_path: Path) -> None:
    """The firmware's own report, word for word; only the line's name differs. On both, bytes are received one by one:
    pieces go through another function, so that the stack would be some bytes deeper."""
    image = image_of(board)
    content = image.elf.read_bytes()
    assert content.count(PIECES) == 1
    by_bytes = replace(image, elf=tmp_path / "by_bytes.elf")
    by_bytes.elf.write_bytes(content.replace(PIECES, PIECES[::-1]))
    reports = []
    for run in (
        lambda: on_qemu(image, board, sample(which), symbolised=True),
        lambda: on_unicorn(by_bytes, board, sample(which), told=False),
    ):
        with pytest.raises(DeviceError) as caught:
            run()
        reports.append(caught.value.message.partition(" stopped with ")[2])
    assert reports[0] == reports[1]
    where = {which: where for which, (_, where) in FAULTS.items()} | {LARGE_FRAME: "stack overflow at tiny_spread+"}
    assert where[which].removeprefix("at ") in reports[0]


@pytest.mark.parametrize("board", QEMU_BOARDS)
def test_a_fault_with_a_wrong_stack_pointer_is_reported(board: str, image_of: ImageOf) -> None:
    """The stacked registers cannot be read: no lockup, but a report without them."""
    with pytest.raises(DeviceError, match=r"where is not known: the stack pointer was wrong \(0x5ff00f[0-9a-f]{2}\)"):
        on_qemu(image_of(board), board, sample(8))


def behind_a_bootloader(folder: Path) -> Board:
    """A board whose images begin at 0x10000."""
    shutil.copytree(resources.firmware() / "boards" / "mps2-an386", folder)
    for file, old, new in (
        ("board.toml", "origin = 0x0000_0000\nlength = 0x40_0000", "origin = 0x0001_0000\nlength = 0x3f_0000"),
        ("link.ld", "ORIGIN = 0x00000000", "ORIGIN = 0x00010000"),
        ("link.ld", "edgeq_flash_length : 4M", "edgeq_flash_length : 4032K"),
    ):
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))
    return load_board(str(folder))


def test_an_image_behind_a_bootloader_uses_its_own_vectors(tmp_path: Path) -> None:
    """At 0 is a table that knows the start of the image, and nothing of its faults or its stacks."""
    board = behind_a_bootloader(tmp_path / "behind")
    project = tiny_project(board, tmp_path / "project")
    image = compile_project(project, board, toolchain="zig", traced=False, out=tmp_path / "out")
    start = next(data for address, data in load_segments(image.elf) if address == 0x10000)[4:8]
    table = tmp_path / "bootloader.bin"
    table.write_bytes(b"\0\0\x40\x20" + start)
    loader = ("-device", f"loader,file={table},addr=0,force-raw=on")
    with QemuDevice(image.elf, board, extra=loader) as device:
        with Session.connect(device.url, failure=device.failure) as session:
            assert session.run([sample()]).outputs[0] == expected(sample())
            with pytest.raises(DeviceError, match=r"stopped with a stack overflow"):
                session.run([sample(3)])
        with Session.connect(device.url, failure=device.failure) as session:
            assert session.run([sample()]).outputs[0] == expected(sample())


# A bootloader that leaves SysTick on, interrupts pending, the beginning of RAM protected (the last region of the MPU),
# and goes to the image's start while it is interrupted again and again.
BOOTLOADER = """
  .syntax unified
  .thumb
  .globl _start
vectors:
  .word 0x20400000, _start
  .rept 46
  .word handler
  .endr
  .thumb_func
_start:
  ldr r0, =0xE000E010
  movs r1, #200
  str r1, [r0, #4]
  movs r1, #7
  str r1, [r0]
  ldr r0, =0xE000E100
  ldr r1, =0x7FFFFFFF
  str r1, [r0]
  ldr r2, =0xE000E200
  str r1, [r2]
  ldr r0, =0xE000ED98
  movs r1, #7
  str r1, [r0]
  ldr r1, =0x20000000
  str r1, [r0, #4]
  movs r1, #27
  str r1, [r0, #8]
  ldr r0, =0xE000ED94
  movs r1, #5
  str r1, [r0]
  ldr r2, =0x20300000
  msr psp, r2
  movs r2, #2
  msr control, r2
  ldr r0, =0x10004
  ldr r0, [r0]
  bx r0
  .thumb_func
handler:
  bx lr
"""


def test_interrupts_and_protection_of_a_bootloader_are_turned_off(tmp_path: Path) -> None:
    board = behind_a_bootloader(tmp_path / "behind")
    project = tiny_project(board, tmp_path / "project")
    image = compile_project(project, board, toolchain="zig", traced=False, out=tmp_path / "out")
    (tmp_path / "boot.s").write_text(BOOTLOADER)
    (tmp_path / "boot.ld").write_text("ENTRY(_start)\nSECTIONS { .text 0 : { *(.text) } }\n")
    flags = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4", "-nostdlib", "-T", "boot.ld")
    command = [sys.executable, "-m", "ziglang", "cc", *flags, "boot.s", "-o", "boot.elf"]
    subprocess.run(command, cwd=tmp_path, check=True)
    loader = ("-device", f"loader,file={tmp_path / 'boot.elf'}")
    with (
        QemuDevice(image.elf, board, extra=loader) as device,
        Session.connect(device.url, failure=device.failure, timeout=5) as session,
    ):
        assert session.run([sample()]).outputs[0] == expected(sample())


@pytest.mark.parametrize("board", QEMU_BOARDS)
def test_the_reply_to_reset_arrives(board: str, image_of: ImageOf) -> None:
    """The transmitter is empty before the board starts anew."""
    with (
        QemuDevice(image_of(board).elf, load_board(board)) as device,
        Session.connect(device.url, failure=device.failure) as session,
    ):
        session.reset()
        assert session.stats().runs == 0
        assert (session.counters.retries, session.counters.bad_frames) == (0, 0)


def test_missing_qemu_says_how_to_get_it(image_of: ImageOf, monkeypatch: pytest.MonkeyPatch) -> None:
    image = image_of("mps2-an386")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="qemu-system-arm is not installed") as caught:
        QemuDevice(image.elf, load_board("mps2-an386"))
    assert "apt-get install qemu-system-arm" in str(caught.value)


def test_qemu_that_cannot_start_is_reported_in_its_words(image_of: ImageOf) -> None:
    with pytest.raises(DeviceError, match="no-such-option"):
        QemuDevice(image_of("mps2-an386").elf, load_board("mps2-an386"), extra=("-no-such-option",))


def test_a_board_that_qemu_does_not_have_is_refused() -> None:
    board = load_board("native")
    with pytest.raises(InputError, match="QEMU cannot play native"):
        QemuDevice(board.folder / "board.toml", board)
