"""The session against a device on a line that damages everything, and against devices that are wrong or dead."""

from __future__ import annotations

import os
import random
import signal
import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import serial
from faulty import Faults, FaultyDevice
from link_firmware import CONTEXT_BYTES, NATIVE_INPUT_BYTES, SHA256, expected

from edgeq.devices.native import native_device
from edgeq.devices.responder import Responder
from edgeq.errors import DataError, DeviceError, InputError, LinkError
from edgeq.link.about import Fact, Hello
from edgeq.link.codes import REPLY, Kind, Refusal
from edgeq.link.frame import BadFrame, Decoder, Frame, encode
from edgeq.link.messages import EVENT, WRITE_HEAD, Error, Fault
from edgeq.link.monitor import monitor
from edgeq.link.problems import TFLM_ENGINE
from edgeq.link.session import Session
from edgeq.link.timing import op_ticks

CLEAN = Faults()


def samples(count: int, input_bytes: int, seed: int = 0) -> list[tuple[bytes, bytes]]:
    rng = random.Random(seed)  # noqa: S311
    return [(rng.randbytes(input_bytes), struct.pack("<5h", *rng.choices(range(-99, 99), k=5))) for _ in range(count)]


@pytest.mark.parametrize(
    "faults",
    [
        Faults(flip=1e-3, seed=1),
        Faults(drop=1e-3, seed=2),
        Faults(double=1e-3, seed=3),
        Faults(garbage=0.1, split=True, seed=4),
        Faults(flip=3e-4, drop=3e-4, double=3e-4, garbage=0.02, split=True, delay=0.02, seed=5),
    ],
    ids=["flipped bits", "lost bytes", "doubled bytes", "garbage", "everything"],
)
def test_every_result_is_right_and_none_is_computed_twice(faults: Faults) -> None:
    with FaultyDevice(faults) as device, Session.connect(device.url, timeout=20) as session:
        for run, inputs in enumerate(samples(40, 300), 1):
            result = session.run(inputs)
            assert result.outputs == expected(inputs, run)
        assert session.counters.retries > 0
        assert device.model.runs == 40


def test_a_reset_in_the_middle_repeats_the_sample() -> None:
    with FaultyDevice(CLEAN) as device, Session.connect(device.url) as session:
        device.reset_before_runs = {3, 11}
        for inputs in samples(20, 300):
            sums, echo = session.run(inputs).outputs
            assert (sums[:12], echo) == (expected(inputs, 0)[0][:12], expected(inputs, 0)[1])
        assert device.resets == 2
        assert session.counters.resets == 2
        # The output does not fit into one frame: what was not read when the power failed had to be computed again.
        assert device.model.runs == 22


def test_a_line_that_is_cut_for_a_while() -> None:
    with FaultyDevice(CLEAN) as device, Session.connect(device.url, timeout=10) as session:
        inputs = samples(1, 300)[0]
        device.mute.set()
        threading.Timer(0.7, device.mute.clear).start()
        assert session.run(inputs).outputs == expected(inputs, 1)
        assert session.counters.retries >= 1


def test_a_line_that_stays_cut_ends_in_time() -> None:
    with FaultyDevice(CLEAN) as device, Session.connect(device.url, timeout=0.5) as session:
        device.mute.set()
        with pytest.raises(LinkError, match=r"no answer within 0\.5 s"):
            session.run(samples(1, 300)[0])


def test_a_device_that_never_answers() -> None:
    master, slave = os.openpty()
    try:
        with pytest.raises(LinkError) as caught:
            Session.connect(os.ttyname(slave), timeout=0.3)
        assert f"{os.ttyname(slave)}: no answer within 0.3 s; not a single byte arrived." == caught.value.message
        assert "is the board powered" in str(caught.value)
        os.write(master, b"login: ")
        with pytest.raises(LinkError, match="not edgeq's protocol"):
            Session.connect(os.ttyname(slave), timeout=0.3, failure=lambda: os.write(master, b"login: ") and None)
        with pytest.raises(DeviceError, match="the emulator died"):
            Session.connect(os.ttyname(slave), timeout=5, failure=lambda: "the emulator died")
    finally:
        os.close(master)
        os.close(slave)


def test_a_line_that_echoes_what_is_sent() -> None:
    with pytest.raises(LinkError, match="the line echoes them") as caught:
        Session.connect("loop://", timeout=0.5)
    assert "TX joined to RX" in str(caught.value)


def test_a_port_that_does_not_exist() -> None:
    with pytest.raises(LinkError, match="there is no such port"):
        Session.connect("/dev/does-not-exist")
    with pytest.raises(LinkError, match="/dev/null is no serial port"):
        Session.connect("/dev/null")
    with pytest.raises(InputError, match="pyserial knows no such URL"):
        Session.connect("nonsense://x")
    with pytest.raises(LinkError, match="cannot be opened"):
        Session.connect("socket://127.0.0.1:1")
    for url in ("socket://localhost", "rfc2217://:2000", "socket://localhost:0"):
        with pytest.raises(InputError, match=f"{url} names no host and port"):
            Session.connect(url)
    with pytest.raises(InputError, match=r"socket://localhost:99999: .*Port out of range"):
        Session.connect("socket://localhost:99999")
    with pytest.raises(LinkError, match="hwgrep://nothing: no ports found matching"):
        Session.connect("hwgrep://nothing")


def test_a_port_that_another_program_uses() -> None:
    with (
        FaultyDevice(CLEAN) as device,
        Session.connect(device.url),
        pytest.raises(LinkError, match="another program uses this port"),
    ):
        Session.connect(device.url)


def test_the_firmware_of_another_model_is_refused() -> None:
    other = "ab" * 32
    with FaultyDevice(CLEAN) as device:
        with pytest.raises(DeviceError) as caught:
            Session.connect(device.url, expect_sha256=other)
        assert SHA256 in caught.value.message
        assert other in caught.value.message
        Session.connect(device.url, expect_sha256=SHA256).close()


class Scripted(Responder):
    """A device that goes wrong: `answer` may send something else than the reply; it returns whether it did."""

    def __init__(self, model: object, send: Callable[[bytes], object], answer: Callable[..., bool]) -> None:
        self.send = send
        self.answer = answer
        super().__init__(model, send, max_payload=256)  # type: ignore[arg-type]

    def _answer_request(self, request: Frame) -> None:
        if not self.answer(self, request):
            super()._answer_request(request)


def scripted(answer: Callable[..., bool]) -> FaultyDevice:
    device = FaultyDevice(CLEAN)
    device._make = lambda send: Scripted(device.model, send, answer)
    return device


def test_another_version_of_the_protocol_is_refused() -> None:
    def answer(device: Scripted, request: Frame) -> bool:
        device.send(encode(Frame(Kind.HELLO | REPLY, b"\x02\x00" + bytes(10), 0, request.sequence)))
        return True

    with scripted(answer) as device, pytest.raises(LinkError, match="speaks version 2 of the protocol, this edgeq"):
        Session.connect(device.url)


def test_an_answer_that_makes_no_sense() -> None:
    def answer(device: Scripted, request: Frame) -> bool:
        device.send(encode(Frame(Kind.HELLO | REPLY, b"\x01\x00", 0, request.sequence)))
        return True

    with scripted(answer) as device, pytest.raises(LinkError, match="does not understand: HELLO has 2 bytes"):
        Session.connect(device.url)


def faulting(device: Scripted, request: Frame) -> bool:
    if request.kind != Kind.RUN:
        return False
    fault = Fault(kind=4, pc=0x100, lr=0xFFFF_FFFD, sp=0x2000_0000, xpsr=0, cfsr=1 << 24, hfsr=0, address=None)
    device.send(encode(Frame(Kind.FAULT, fault.pack())))
    return True


def test_a_fault_says_what_and_where() -> None:
    with (
        scripted(faulting) as device,
        Session.connect(device.url, symbolise=lambda address: "edgeq_add, add.c:3") as session,
        pytest.raises(DeviceError, match=r"usage fault \(unaligned access\) at edgeq_add, add\.c:3 \(0x00000100\)\."),
    ):
        session.run(samples(1, 300)[0])


def test_a_device_that_waits_in_its_fault_handler_is_reset_once() -> None:
    asked: list[int] = []

    def answer(device: Scripted, request: Frame) -> bool:
        asked.append(request.kind)
        return Kind.RESET not in asked and faulting(device, Frame(Kind.RUN))

    with scripted(answer) as device, Session.connect(device.url) as session:
        inputs = samples(1, 300)[0]
        assert session.run(inputs).outputs == expected(inputs, 1)


@pytest.mark.parametrize("count", [3, 5, 0xFFFF])
def test_facts_of_one_key_are_asked_for_once_each(count: int) -> None:
    """As many as the device says, or as it has, or 64."""
    asked: list[int] = []

    def answer(device: Scripted, request: Frame) -> bool:
        if request.kind != Kind.ABOUT:
            return False
        (index,) = struct.unpack("<H", request.payload)
        asked.append(index)
        if count == 5 and index == 4:
            return False  # which refuses: the model has no facts
        fact = Fact(index=index, count=count, key="cpu", value=str(index))
        device.send(encode(Frame(Kind.ABOUT | REPLY, fact.pack(), 0, request.sequence)))
        return True

    with scripted(answer) as device, Session.connect(device.url) as session:
        last = {3: 2, 5: 3, 0xFFFF: 63}[count]
        assert session.about() == {"cpu": str(last)}
    assert asked == list(range(min(count, 64)))


def test_an_engine_that_does_not_time_its_kernels_is_no_error() -> None:
    with scripted(lambda device, request: False) as device, Session.connect(device.url) as session:
        inputs = samples(1, 300)[0]
        assert op_ticks(session, inputs) is None
        session.hello = replace(session.hello, engine=TFLM_ENGINE)
        assert op_ticks(session, inputs) is None  # refused
        assert session.run(inputs).outputs == expected(inputs, 1)


def test_a_device_that_keeps_resetting() -> None:
    def answer(device: Scripted, request: Frame) -> bool:
        device.reset_requested = request.kind == Kind.RUN
        return device.reset_requested

    with (
        scripted(answer) as device,
        Session.connect(device.url) as session,
        pytest.raises(DeviceError, match="started anew 4 times"),
    ):
        session.run(samples(1, 300)[0])


def test_a_device_that_computes_for_ever() -> None:
    def answer(device: Scripted, request: Frame) -> bool:
        if request.kind == Kind.RUN:
            device.send(encode(Frame(Kind.RUNNING, request.payload[:4] + bytes(4))))
        return request.kind == Kind.RUN

    with (
        scripted(answer) as device,
        Session.connect(device.url, run_timeout=0.5) as session,
        pytest.raises(LinkError, match=r"gave no result within 0\.5 s"),
    ):
        session.run(samples(1, 300)[0])


def test_a_device_that_is_busy_talks_of_itself_and_is_never_done() -> None:
    def answer(device: Scripted, request: Frame) -> bool:
        if request.kind == Kind.RUN:
            device.send(encode(Frame(Kind.DAMAGED, EVENT.pack(1, 0))))
        return request.kind == Kind.RUN

    with (
        scripted(answer) as device,
        Session.connect(device.url, timeout=0.3) as session,
        pytest.raises(LinkError, match="no whole answer arrived"),
    ):
        session.run(samples(1, 300)[0])


def test_inputs_of_another_size() -> None:
    with FaultyDevice(CLEAN) as device, Session.connect(device.url) as session:
        with pytest.raises(DataError, match=r"\[300, 10\] bytes, not \[300\]"):
            session.run((bytes(300),))
        with pytest.raises(DataError, match="no trace point 3"):
            session.fetch(samples(1, 300)[0], 3)


def test_the_firmware_on_the_native_board(native_program: Path) -> None:
    with native_device(native_program) as device:
        with Session.connect(device.url, expect_sha256=SHA256, failure=device.failure) as session:
            assert isinstance(session.hello, Hello)
            assert session.hello.board == "native"
            assert [t.shape for t in session.inputs] == [(1, NATIVE_INPUT_BYTES), (1, 5)]
            assert [t.name for t in session.outputs] == ["sums", "echo"]
            for run, inputs in enumerate(samples(5, NATIVE_INPUT_BYTES), 1):
                assert session.run(inputs).outputs == expected(inputs, run)
            sums, echo = expected(inputs, 0)
            assert session.trace(inputs) == (zlib.crc32(echo), zlib.crc32(sums), zlib.crc32(bytes(CONTEXT_BYTES)))
            assert session.fetch(inputs, 0) == echo
            assert session.fetch(inputs, 1) == sums
            assert session.selftest()
            before = session.stats()
            assert (before.runs, before.frames_bad) == (9, 0)
            assert session.run(inputs, repeat=3).outputs[1] == echo
            session.reset()
            assert session.stats().runs == 0
            assert session.run(inputs).outputs == expected(inputs, 1)
            assert session.counters.resets == 0
        with Session.connect(device.url) as session:
            assert session.run(inputs).outputs == expected(inputs, 2)
        lines: list[str] = []
        monitor(device.url, baud=115200, write=lines.append, seconds=0.5)
        assert "HELLO reply: native, engine test, model hand-made" in lines[0]
        assert device.failure() is None


def test_an_engine_that_does_not_start_says_why(failing_program: Path) -> None:
    """And nothing is written into a model that has no memory for its inputs."""
    with native_device(failing_program) as device:
        with pytest.raises(DeviceError, match=r'more than the 4,000 bytes of its arena. It says: "Failed to resize'):
            Session.connect(device.url)
        with serial.serial_for_url(device.url, timeout=5) as port:
            decoder = Decoder()
            for kind, payload in ((Kind.HELLO, b"\1\0\0\0"), (Kind.WRITE, WRITE_HEAD.pack(1, 0) + b"input")):
                port.write(encode(Frame(kind, payload, 0, 7)))
                answers: list[Frame | BadFrame] = []
                while not answers:
                    answers = decoder.feed(port.read(1))
            assert isinstance(answers[0], Frame)
            assert Error.unpack(answers[0].payload).code == Refusal.ENGINE


def test_a_slow_model_on_a_clean_line_is_not_asked_twice(slow_program: Path) -> None:
    with native_device(slow_program) as device, Session.connect(device.url, failure=device.failure) as session:
        inputs = samples(1, NATIVE_INPUT_BYTES)[0]
        assert session.run(inputs).outputs == expected(inputs, 1)
        session.run(inputs, repeat=2)
        assert session.stats().repeats == 0
        assert (session.counters.retries, session.counters.bad_frames) == (0, 0)


def test_a_device_whose_computer_is_busy_is_not_asked_twice(native_program: Path) -> None:
    """The process stands still for a while, as on a machine that has too much to do."""
    with native_device(native_program) as device, Session.connect(device.url, failure=device.failure) as session:
        inputs = samples(1, NATIVE_INPUT_BYTES)[0]
        for run in (1, 2):
            os.kill(device._child.pid, signal.SIGSTOP)
            threading.Timer(0.7, os.kill, (device._child.pid, signal.SIGCONT)).start()
            assert session.run(inputs).outputs == expected(inputs, run)
        assert session.counters.retries == 0


@pytest.mark.parametrize("arrives", [0.0, 0.5], ids=["nothing", "half"])
def test_a_result_that_is_lost_on_the_way(arrives: float) -> None:
    """Neither side notices damage: the host asks again after a time."""
    lost: list[Frame] = []

    def answer(device: Scripted, request: Frame) -> bool:
        if request.kind != Kind.RUN or lost:
            return False
        lost.append(request)
        send, sent = device._send, bytearray()
        device._send = sent.extend
        Responder._answer_request(device, request)
        device._send = send
        running, reply = bytes(sent).split(b"\0\0")
        send(running + b"\0\0" + reply[: int(arrives * len(reply))] if arrives else running + b"\0")
        return True

    with scripted(answer) as device, Session.connect(device.url, run_timeout=4) as session:
        inputs = samples(1, 200)[0]
        inputs = (inputs[0] + bytes(100), inputs[1])
        assert session.run(inputs).outputs == expected(inputs, 1)
        assert session.counters.retries == 1
        assert device.model.runs == 1
