"""Boards that receive by interrupt while the engine runs: netduinoplus2, in both emulators."""

from __future__ import annotations

import os
import select
import shutil
import struct
import time
from collections.abc import Callable, Iterator

import pytest
from test_emulated import expected, sample
from tiny import SYMBOL

from edgeq.boards import load_board
from edgeq.devices.base import Device
from edgeq.devices.emulated import EmulatedDevice
from edgeq.devices.qemu import QemuDevice
from edgeq.link.codes import Kind, Mode
from edgeq.link.exchange import RefusedError
from edgeq.link.frame import Decoder, Frame, encode
from edgeq.link.messages import Run
from edgeq.link.session import Session
from edgeq.link.transport import Transport
from edgeq.records import Image

ImageOf = Callable[..., Image]
BOARD = "netduinoplus2"
needs_qemu = pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="qemu-system-arm is not installed")
SLOW = 10  # the first byte of a sample that takes 4 million rounds
INSTRUCTIONS_PER_BYTE = 80  # of the interrupt, at most


def write_all(transport: Transport, data: bytes) -> None:
    """However long it takes: more than a pseudo-terminal's buffer waits until the device has computed."""
    assert transport.fileno is not None
    while data:
        assert select.select([], [transport.fileno], [], 60)[1]
        data = data[os.write(transport.fileno, data[:256]) :]


@pytest.fixture(params=["emulated", pytest.param("qemu", marks=needs_qemu)])
def device(request: pytest.FixtureRequest, image_of: ImageOf) -> Iterator[Device]:
    image, board = image_of(BOARD), load_board(BOARD)
    made = (
        EmulatedDevice(image.elf, board, symbol=SYMBOL) if request.param == "emulated" else QemuDevice(image.elf, board)
    )
    with made as running:
        yield running


def test_the_next_input_travels_while_the_device_computes(device: Device) -> None:
    firsts = (0, SLOW, 200, SLOW, 0)
    with Session.connect(device.url, failure=device.failure) as session:
        assert session.hello.rx_window == 4096
        results = [result.outputs[0] for result in session.run_many([[sample(first)] for first in firsts])]
        assert results == [expected(sample(first)) for first in firsts]
        stats = session.stats()
        assert (stats.runs, stats.frames_bad) == (len(firsts), 0)
        assert session.counters.bad_frames == 0


def test_the_lines_speed_can_be_changed(device: Device) -> None:
    """Up to what the UART's clock gives: the 16 MHz of a chip without a PLL."""
    with Session.connect(device.url, failure=device.failure) as session:
        exchange = session._exchange
        with pytest.raises(RefusedError) as refused:
            exchange.request(exchange.frame(Kind.SPEED, struct.pack("<I", 921600)))
        assert refused.value.error.detail == 500_000
        for baud in (460800, 230400, 115200):
            exchange.request(exchange.frame(Kind.SPEED, struct.pack("<I", baud)))
            assert exchange.request(exchange.frame(Kind.PING, bytes(500))).payload == bytes(500)
        assert session.stats().frames_bad == 0


def test_what_an_emulator_keeps_is_not_the_boards_own(image_of: ImageOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The FPGA image's UART holds one byte, and says so; the host sends ahead what the emulator's line keeps."""
    sent: list[bytes] = []
    write = Transport.write
    monkeypatch.setattr(Transport, "write", lambda self, data: sent.append(data) or write(self, data))
    image, board = image_of("mps2-an386"), load_board("mps2-an386")
    for window, frames in ((0, 1), (4096, 2)):
        with EmulatedDevice(image.elf, board, symbol=SYMBOL) as device:
            assert device.rx_window == 4096
            with Session.connect(device.url, failure=device.failure, rx_window=window) as session:
                assert session.hello.rx_window == 0
                sent.clear()
                assert len(list(session.run_many([[sample(first)] for first in (0, 200, 0)]))) == 3
        batches = [[f.kind for f in Decoder().feed(data) if isinstance(f, Frame)] for data in sent]
        assert max(len(batch) for batch in batches if Kind.RUN in batch) == frames


@needs_qemu
def test_what_a_received_byte_costs(image_of: ImageOf) -> None:
    """A measured run has the line for itself; one that bytes arrive in takes a few instructions longer for each."""
    board = load_board(BOARD)
    with (
        QemuDevice(image_of(BOARD).elf, board) as device,
        Session.connect(device.url, failure=device.failure) as session,
    ):
        alone = {session.run([sample(SLOW)]).ticks for _ in range(3)}
        received = [result.ticks for result in session.run_many([[sample(SLOW)]] * 4)]
        assert max(alone) - min(alone) <= 1
        assert board.emulated_counter is not None
        nanoseconds = (max(received) - min(alone)) * 1e9 / board.emulated_counter.hz
        assert nanoseconds / 64 <= INSTRUCTIONS_PER_BYTE * 100  # 64 ns each; a frame of 64 bytes and its head


def test_more_than_the_receiver_holds_is_not_lost_in_an_emulator(device: Device) -> None:
    """Its interrupt goes off when it is full, and on again when there is room."""
    with Session.connect(device.url, failure=device.failure) as session:
        session.run([sample()])
        exchange = session._exchange
        run = Run(run=session.hello.last_run + 10, mode=Mode.INFER, data=sample(SLOW), offset=0)
        pings = [Frame(Kind.PING, bytes([i]) * 900, sequence=i) for i in range(8)]
        write_all(exchange.transport, encode(Frame(Kind.RUN, run.pack(), sequence=99)) + b"".join(map(encode, pings)))
        decoder, found = Decoder(), []
        deadline = time.monotonic() + 60
        while len(found) < 2 + len(pings) and time.monotonic() < deadline:
            found += decoder.feed(exchange.transport.read(0.2))
        assert [frame.kind for frame in found if isinstance(frame, Frame)][:2] == [Kind.RUNNING, Kind.RUN | 0x80]
        assert [frame.payload for frame in found[2:] if isinstance(frame, Frame)] == [ping.payload for ping in pings]
