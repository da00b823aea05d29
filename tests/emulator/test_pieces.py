"""Bytes of the line that go through the firmware's memory, not through the UART's register one by one."""

from __future__ import annotations

import itertools
import random
import struct
from collections.abc import Callable

import pytest
import unicorn

from edgeq.boards import load_board
from edgeq.devices.machine import Machine
from edgeq.devices.uarts import CmsdkUart
from edgeq.link.codes import REPLY, Kind, Mode
from edgeq.link.frame import Decoder, Frame, encode
from edgeq.link.messages import Run
from edgeq.records import Image
from edgeq.toolchain.elf import variable

ImageOf = Callable[..., Image]
BOARD = "mps2-an386"
PAYLOAD = random.Random(0).randbytes(1000)  # noqa: S311 (sample data)
NAMES = ("place", "room", "given", "collects", "count")
DESTROYED = [(what, word) for what in ("all", *NAMES) for word in (1, 16, 0xA5A5_A5A5)]
INSTRUCTIONS_PER_BYTE = 80  # of a UART that is polled, at most
UNDEFINED = 5  # the first byte of a sample that faults in the tiny engine


def destroy(machine: Machine, image: Image, what: str, word: int) -> None:
    """A stray write: to a member of edgeq_mps_line, or to all of it."""
    place = variable(image.elf, "edgeq_mps_line")
    assert place is not None
    address, size = place
    data = word.to_bytes(4, "little")
    if what == "all":
        machine._uc.mem_write(address, data * (size // 4))
    else:
        machine._uc.mem_write(address + 4 * NAMES.index(what), data)


def ping(machine: Machine) -> int:
    """How many accesses to the UART a PING takes, its answer included."""
    accesses, uart = 0, machine.uart
    read, write = uart.read, uart.write

    def counted_read(offset: int) -> int:
        nonlocal accesses
        accesses += 1
        return read(offset)

    def counted_write(offset: int, value: int) -> None:
        nonlocal accesses
        accesses += 1
        write(offset, value)

    uart.read, uart.write = counted_read, counted_write  # type: ignore[method-assign]
    uart.received += encode(Frame(Kind.PING, PAYLOAD, 0, 7))
    machine.run()
    uart.read, uart.write = read, write  # type: ignore[method-assign]
    (answer,) = Decoder().feed(bytes(uart.sent))
    assert answer == Frame(Kind.PING | REPLY, PAYLOAD, 0, 7)
    uart.sent.clear()
    return accesses


def started(image: Image, *, pieces: bool) -> Machine:
    machine = Machine(
        image.elf, load_board(BOARD), None, starved=lambda: None, full=lambda: None, faulted=lambda what: None
    )
    if not pieces:
        machine.uart.pieces = None
    machine.run()
    machine.uart.sent.clear()
    return machine


def test_frames_take_a_few_accesses_to_registers(image_of: ImageOf) -> None:
    machine = started(image_of(BOARD), pieces=True)
    assert ping(machine) < 50
    assert ping(machine) < 50


def test_an_emulator_that_knows_nothing_of_it(image_of: ImageOf) -> None:
    """As QEMU, and hardware."""
    assert ping(started(image_of(BOARD), pieces=False)) > 4 * len(PAYLOAD)


def frames_of(sent: bytearray) -> list[Frame]:
    """The whole ones, no longer in `sent`."""
    found = [frame for frame in Decoder().feed(bytes(sent)) if isinstance(frame, Frame)]
    sent.clear()
    return found


def test_an_answer_of_any_length_is_whole_at_once(image_of: ImageOf) -> None:
    """Before the firmware goes to sleep, and not with the next one."""
    machine = started(image_of(BOARD), pieces=True)
    for length in range(301):
        machine.uart.received += encode(Frame(Kind.PING, PAYLOAD[:length], 0, length))
        machine.run()
        assert frames_of(machine.uart.sent) == [Frame(Kind.PING | REPLY, PAYLOAD[:length], 0, length)]


@pytest.mark.parametrize("payload", [b"\x55", b"\x00", b"\x00\x55"])
def test_a_polled_uart_is_read_often(payload: bytes, image_of: ImageOf) -> None:
    """A byte at 921,600 baud is 217 cycles of a core of 20 MHz: a receiver of one byte loses none."""
    machine = started(image_of(BOARD), pieces=False)
    line = encode(Frame(Kind.PING, payload * (1000 // len(payload)), 0, 7))[:-1]
    instructions, reads, read = 0, list[int](), machine.uart.read

    def counted(*_: object) -> None:
        nonlocal instructions
        instructions += 1

    def noted(offset: int) -> int:
        if offset == 0:
            reads.append(instructions)
        return read(offset)

    machine.uart.read = noted  # type: ignore[method-assign]
    machine._uc.hook_add(unicorn.UC_HOOK_CODE, counted)
    machine._uc.ctl_flush_tb()
    machine.uart.received += line
    machine.run()
    assert len(reads) == len(line)
    gaps = [after - before for before, after in itertools.pairwise(reads)]
    assert max(gaps) <= INSTRUCTIONS_PER_BYTE


def test_a_model_that_destroyed_it_does_not_end_the_line(image_of: ImageOf) -> None:
    """One damaged answer at most."""
    machine = started(image_of(BOARD), pieces=True)
    for what, word in DESTROYED:
        destroy(machine, image_of(BOARD), what, word)
        machine.uart.received += encode(Frame(Kind.PING, PAYLOAD, 0, 6))
        machine.run()
        machine.uart.sent.clear()
        assert ping(machine) < 50, (what, word)


@pytest.mark.parametrize("words", [(16, 16, 1), (16, 0, 1), (255, 0xA5A5_A5A5, 0)])
def test_nothing_is_given_to_a_program_that_does_not_ask(words: tuple[int, ...], image_of: ImageOf) -> None:
    """A stray write to `room` and what stands behind it, `place` as it was: every byte goes through DATA, until the
    answer begins."""
    image = image_of(BOARD)
    machine = started(image, pieces=True)
    ping(machine)
    for name, word in zip(("room", "given", "collects"), words, strict=True):
        destroy(machine, image, name, word)
    assert ping(machine) > 2 * len(PAYLOAD)
    assert ping(machine) < 50


@pytest.mark.parametrize("size", [1, 63, 64, 4094, 4095, 4096, 4097, 8191])
def test_a_frame_goes_out_when_it_ends(size: int) -> None:
    """And nothing but a frame: a delimiter in front of one waits for it."""
    gone: list[bytes] = []
    uart = CmsdkUart(lambda: None, lambda: (gone.append(bytes(uart.sent)), uart.sent.clear()))
    for frame in (b"\0" + b"x" * size + b"\0",) * 2:
        for byte in frame:
            uart.write(0, byte)
        assert b"".join(gone) == frame
        assert len(gone) == 1 + (size + 1) // 4096
        gone.clear()


@pytest.mark.parametrize("pieces", [True, False])
def test_a_faulted_device_is_reset_whatever_was_destroyed(pieces: bool, image_of: ImageOf) -> None:
    """With and without an emulator that knows of it; the fault handler tells all, and nothing else changes."""
    machine, told = started(image_of(BOARD), pieces=pieces), list[list[int]]()
    flash, hello = bytes(machine._uc.mem_read(0, 256)), encode(Frame(Kind.HELLO, struct.pack("<I", 1)))
    run = Run(run=1, mode=Mode.INFER, data=bytes([UNDEFINED, *bytes(63)]))

    def answers() -> list[int]:
        return [frame.kind for frame in frames_of(machine.uart.sent)]

    def polled() -> None:
        """The fault handler waits for bytes: some, and then a RESET, each after a stray write."""
        told.append(answers())
        if len(told) > 2:
            machine._uc.emu_stop()
        destroy(machine, image_of(BOARD), *stray)
        machine.uart.received += encode(Frame(Kind.PING if len(told) == 1 else Kind.RESET))

    for stray in DESTROYED:
        machine.uart.received += hello
        machine.run()
        assert answers() == [Kind.HELLO | REPLY]
        machine.uart._starved = polled
        machine.uart.received += encode(Frame(Kind.RUN, run.pack()))
        machine.run()
        machine.uart._starved = lambda: None
        assert told == [[Kind.RUNNING, Kind.FAULT], [Kind.FAULT]], stray
        assert answers() == [Kind.BOOT]
        told.clear()
    assert bytes(machine._uc.mem_read(0, 256)) == flash


def test_nothing_is_given_where_no_ram_is(image_of: ImageOf) -> None:
    """Whatever the program asks for: flash, a register, more than it reads at a time."""
    image = image_of(BOARD)
    machine, ram = started(image, pieces=True), load_board(BOARD).ram
    pieces = machine.uart.pieces
    assert pieces is not None
    for place, room in ((16, 16), (ram.end - 8, 16), (ram.origin - 8, 16), (ram.origin, 257), (0xFFFF_FFF8, 16)):
        destroy(machine, image, "place", place)
        destroy(machine, image, "room", room)
        assert pieces.give(bytearray(PAYLOAD)) == 0
    destroy(machine, image, "place", ram.end - 16)
    destroy(machine, image, "room", 16)
    assert pieces.give(bytearray(PAYLOAD)) == 16
