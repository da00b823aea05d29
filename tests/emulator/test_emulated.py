"""The built-in emulator: images boot, compute, are counted, and fault where the core would."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial
from tiny import OPERATORS, SYMBOL, tiny_project

from edgeq import resources
from edgeq.boards import Board, board_names, load_board
from edgeq.devices.emulated import EmulatedDevice
from edgeq.errors import DeviceError
from edgeq.link.codes import Kind
from edgeq.link.frame import Decoder, Frame, encode
from edgeq.link.session import Session
from edgeq.lower.program import KernelCall
from edgeq.records import Image
from edgeq.toolchain.compile import compile_project
from edgeq.toolchain.elf import symbols
from edgeq.validation.latency import profile

UNICORN_BOARDS = [b for b in board_names() if load_board(b).unicorn_cpu]
ImageOf = Callable[..., Image]


@contextmanager
def booted(image: Image, board: Board) -> Iterator[tuple[EmulatedDevice, Session]]:
    with (
        EmulatedDevice(image.elf, board, symbol=SYMBOL) as device,
        Session.connect(device.url, failure=device.failure) as session,
    ):
        yield device, session
        assert (session.counters.retries, session.counters.bad_frames) == (0, 0)  # a clean line, fast or slow


def sample(first: int = 0, size: int = 64) -> bytes:
    return bytes([first, *((i * 7 + 1) % 256 for i in range(1, size))])


def expected(data: bytes) -> bytes:
    """What the tiny engine computes, over its input's first four bytes."""
    weights = [3, -5, 7, 11, -13, 17, 19, -23, *[0] * 55, 29]
    signed = [b - 256 if b > 127 else b for b in data]
    hidden = [s ^ w for s, w in zip(signed, weights, strict=True)]
    total = sum(h * w for h, w in zip(hidden, reversed(weights), strict=True))
    return (total % 2**32).to_bytes(4, "little") + data[4:]


@pytest.mark.parametrize("board", UNICORN_BOARDS)
def test_boots_and_computes(board: str, image_of: ImageOf) -> None:
    with booted(image_of(board), load_board(board)) as (_, session):
        assert session.hello.board == board
        for first in (0, 200):
            assert session.run([sample(first)]).outputs[0] == expected(sample(first))
        assert 0 < session.stats().stack_high_water < 1024


@pytest.mark.parametrize(("board", "toolchain"), [*((board, "zig") for board in UNICORN_BOARDS), ("mps2-an386", "gcc")])
def test_copies_are_right_at_every_alignment(board: str, toolchain: str, image_of: ImageOf) -> None:
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    with booted(image_of(board, toolchain), load_board(board)) as (_, session):
        assert session.run([sample(11)]).outputs[0][:4] == bytes(4)


def failure_of(device: EmulatedDevice) -> str | None:
    """The firmware's FAULT frame may arrive a moment before the emulator's own words."""
    deadline = time.monotonic() + 5
    while (found := device.failure()) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


FAULTS = {
    1: ("misaligned access: ldrd", "tiny_op_2+"),
    2: ("write of 4 bytes at 0x5ff00000, where there is no memory", "tiny_op_2+"),
    3: ("stack overflow", "tiny_descend+"),
    4: ("execution from 0x5ff00000", "at 0x5ff00000"),
    5: ("undefined instruction 0xde01", "tiny_op_2+"),
    6: ("read of 4 bytes at 0x5ff00010, where there is no memory", "tiny_op_2+"),
    7: ("write of 4 bytes at 0x00000010, which is flash", "tiny_op_2+"),
}
LARGE_FRAME = 12


@pytest.mark.parametrize("which", FAULTS)
def test_faults_say_what_and_where(which: int, image_of: ImageOf) -> None:
    what, where = FAULTS[which]
    image, board = image_of("mps2-an386"), load_board("mps2-an386")
    with booted(image, board) as (device, session):
        with pytest.raises(DeviceError):
            session.run([sample(which)])
        found = failure_of(device)
    assert found is not None
    assert what in found
    assert where in found


@pytest.mark.parametrize(("which", "where"), [(3, "tiny_descend+"), (LARGE_FRAME, "tiny_spread+")])
def test_the_stack_pointer_has_a_limit(which: int, where: str, image_of: ImageOf) -> None:
    """Of a core that knows one: nothing below the stack is written first."""
    with booted(image_of("mps2-an505"), load_board("mps2-an505")) as (device, session):
        with pytest.raises(DeviceError):
            session.run([sample(which)])
        found = failure_of(device)
    assert found is not None
    assert "stack overflow: stack pointer moved beyond its limit" in found
    assert where in found


def test_a_fault_with_a_wrong_stack_pointer_is_reported(image_of: ImageOf) -> None:
    """As on QEMU (test_qemu.py), on every core that the built-in emulator has."""
    for board in UNICORN_BOARDS:
        with (
            EmulatedDevice(image_of(board).elf, load_board(board), symbol=SYMBOL) as device,
            Session.connect(device.url) as session,
            pytest.raises(
                DeviceError, match=r"where is not known: the stack pointer was wrong \(0x5ff00f[0-9a-f]{2}\)"
            ),
        ):
            session.run([sample(8)])


def test_reset_starts_anew(image_of: ImageOf) -> None:
    image, board = image_of("mps2-an386"), load_board("mps2-an386")
    with booted(image, board) as (device, session):
        session.run([sample()])
        session.reset()
        assert session.run([sample()]).outputs[0] == expected(sample())
        assert session.stats().runs == 1
        assert device.failure() is None


def test_reset_after_a_fault(image_of: ImageOf) -> None:
    image, board = image_of("mps2-an386"), load_board("mps2-an386")
    with EmulatedDevice(image.elf, board, symbol=SYMBOL) as device:
        with Session.connect(device.url) as session, pytest.raises(DeviceError):
            session.run([sample(3)])
        assert failure_of(device)
        with serial.Serial(device.url, timeout=5) as line:
            line.write(encode(Frame(Kind.RESET)))
            decoder, kinds = Decoder(), []
            while Kind.BOOT not in kinds and (data := line.read()):
                kinds += [f.kind for f in decoder.feed(data) if isinstance(f, Frame)]
        with Session.connect(device.url, failure=device.failure) as session:
            assert session.run([sample()]).outputs[0] == expected(sample())
        assert device.failure() is None


def test_own_board_with_another_core_and_memory_map(tmp_path: Path) -> None:
    """A user's own board folder. Its Cortex-M0 faults on any misaligned access, others only on a few."""
    folder = tmp_path / "my-board"
    shutil.copytree(resources.firmware() / "boards" / "mps2-an385", folder)
    text = (folder / "board.toml").read_text()
    for old, new in (
        ('core = "cortex-m3"', 'core = "cortex-m0"'),
        ('"CORTEX_M3"', '"CORTEX_M0"'),
        ('"cortex_m3"', '"cortex_m0"'),
        ("origin = 0x0000_0000\nlength = 0x40_0000", "origin = 0x0800_0000\nlength = 0x2_0000"),
        ("origin = 0x2000_0000\nlength = 0x40_0000", "origin = 0x2000_0000\nlength = 0x5000"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "board.toml").write_text(text)
    script = (folder / "link.ld").read_text()
    (folder / "link.ld").write_text(
        script.replace("ORIGIN = 0x00000000", "ORIGIN = 0x08000000").replace(": 4M", ": 20K")
    )
    board = load_board(str(folder))
    project = tiny_project(board, tmp_path / "project")
    engine = project.root / "model" / "engine.c"
    ldrd = '"ldrd %0, %1, [%2]"'
    content = engine.read_text()
    assert content.count(ldrd) == content.count("#if __ARM_ARCH >= 7") == 1
    content = content.replace(ldrd, '"ldr %0, [%2]\\n movs %1, #0"').replace("#if __ARM_ARCH >= 7", "#if 1")
    engine.write_text(content)
    image = compile_project(project, board, toolchain="zig", traced=False, out=tmp_path / "out")
    with booted(image, board) as (device, session):
        assert session.run([sample()]).outputs[0] == expected(sample())
        with pytest.raises(DeviceError):
            session.run([sample(1)])
        failure = failure_of(device)
    assert failure is not None
    assert "misaligned access: ldr " in failure
    assert "tiny_op_2+" in failure


def test_misaligned_access_is_found_on_every_core(image_of: ImageOf) -> None:
    for board in UNICORN_BOARDS:
        with booted(image_of(board), load_board(board)) as (_, session), pytest.raises(DeviceError, match=r"aligned"):
            session.run([sample(1)])


def test_counts_instructions_per_operator(image_of: ImageOf) -> None:
    image, board = image_of("mps2-an386", engine="kernels"), load_board("mps2-an386")
    calls = [
        KernelCall(
            kernel=name, source="", params_type=None, params={}, inputs=(), outputs=(), source_ops=(i,),
            label=f"op {i}", macs=macs,
        )
        for i, (name, macs) in enumerate(zip(OPERATORS, (331776, 20736, 23040), strict=True))
    ]  # fmt: skip
    with booted(image, board) as (device, session):
        data = sample(size=12 * 12 * 16)
        plain = session.run([data])
        assert plain.ticks == 0  # nothing is counted, and the counter says so
        device.start_counting(f"{SYMBOL}_invoke", OPERATORS)
        first = session.run([data])
        once = profile(image.elf, board, device.stop_counting(), calls)
        device.start_counting(f"{SYMBOL}_invoke", OPERATORS)
        session.run([data])
        session.run([data])
        twice = profile(image.elf, board, device.stop_counting(), calls)
        assert session.run([data]).outputs == first.outputs == plain.outputs
    assert once == twice
    assert once.source == "estimated"
    layers = sum(layer.instructions for layer in once.layers)
    assert layers <= once.instructions <= layers + 50
    assert abs(first.ticks / 1.6 - once.instructions) < 0.001 * once.instructions + 50
    assert once.cycles_estimated is not None
    assert once.instructions < once.cycles_estimated < 3 * once.instructions
    assert once.latency_ms == pytest.approx(once.cycles_estimated / 25e3)
    # A multiply-accumulate takes a few instructions: layers are in proportion to their work.
    assert all(3 < layer.instructions / layer.macs < 40 for layer in once.layers)


def test_counting_an_unknown_function_is_refused(image_of: ImageOf) -> None:
    image, board = image_of("mps2-an386"), load_board("mps2-an386")
    with EmulatedDevice(image.elf, board) as device, pytest.raises(DeviceError, match="no function nowhere_invoke"):
        device.start_counting("nowhere_invoke", ())


def test_idle_firmware_costs_no_cpu_time(image_of: ImageOf) -> None:
    image, board = image_of("mps2-an386"), load_board("mps2-an386")
    with booted(image, board) as (device, session):
        session.run([sample()])
        pid = device._child.pid

        def used() -> int:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])

        before = used()
        time.sleep(0.5)
        assert used() - before <= 0.1 * os.sysconf("SC_CLK_TCK")


def test_no_process_is_left(image_of: ImageOf) -> None:
    device = EmulatedDevice(image_of("mps2-an386").elf, load_board("mps2-an386"))
    pid = device._child.pid
    device.close()
    device.close()
    assert not Path(f"/proc/{pid}").exists()


def test_an_image_that_is_none_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.elf"
    wrong.write_bytes(b"no ELF at all")
    with pytest.raises(DeviceError, match="not a whole ELF file"):
        EmulatedDevice(wrong, load_board("mps2-an386"))


def test_a_board_without_a_unicorn_core_is_refused(image_of: ImageOf) -> None:
    with pytest.raises(DeviceError, match="cannot play mps3-an547") as caught:
        EmulatedDevice(Path("any.elf"), load_board("mps3-an547"))
    assert "--device qemu" in str(caught.value)


def test_symbols_name_places(image_of: ImageOf) -> None:
    table = symbols(image_of("mps2-an386").elf)
    found = table.find("tiny_op_1")
    assert found is not None
    assert table.place(found.address + 2) == "tiny_op_1+0x2"
    assert table.place(0x7000_0000) is None
