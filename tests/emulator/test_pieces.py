"""Bytes of the line that go through the firmware's memory, not through the UART's register one by one."""

from __future__ import annotations

import random
from collections.abc import Callable

from edgeq.boards import load_board
from edgeq.devices.machine import Machine
from edgeq.link.codes import REPLY, Kind
from edgeq.link.frame import Decoder, Frame, encode
from edgeq.records import Image
from edgeq.toolchain.elf import variable

ImageOf = Callable[..., Image]
BOARD = "mps2-an386"
PAYLOAD = random.Random(0).randbytes(1000)  # noqa: S311 (sample data)


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


def test_a_model_that_destroyed_it_does_not_end_the_line(image_of: ImageOf) -> None:
    image = image_of(BOARD)
    machine, place = started(image, pieces=True), variable(image.elf, "edgeq_mps_line")
    assert place is not None
    machine._uc.mem_write(place[0], bytes([0xA5]) * place[1])
    assert ping(machine) < 50
