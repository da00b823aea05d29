"""The proxy that damages a line, and runs that survive it."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import link_firmware
import pytest
from faulty import Faults as NoFaults
from faulty import FaultyDevice
from link_firmware import expected
from soak import BAD_LINE, Soak, soak
from test_session import samples

from edgeq import resources
from edgeq.errors import InputError, LinkError
from edgeq.link.faulty import Faults, Proxy
from edgeq.link.faulty.faults import Direction
from edgeq.link.session import Session

SMALL = 64


@pytest.fixture(scope="session")
def small_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware on the native board, with inputs of 64 and 10 bytes."""
    out = tmp_path_factory.mktemp("link") / "small"
    board = resources.firmware() / "boards" / "native" / "board.c"
    # An output of 32 bytes: the next input travels ahead on a bad line too.
    defines = ("MODEL_ECHO_BYTES=16",)
    return link_firmware.compile_firmware(out, board=board, main=True, input_bytes=SMALL, defines=defines)


def through(line: Direction, data: bytes, pieces: int = 1) -> bytes:
    size = -(-len(data) // pieces)
    for at in range(0, len(data), size):
        line.feed(data[at : at + size], 0.0)
    return line.take(1e9)


def text(count: int) -> bytes:
    return random.Random(7).randbytes(count)  # noqa: S311


@pytest.mark.parametrize("pieces", [1, 1000])
def test_bits_flip_at_the_rate_and_by_the_seed(pieces: int) -> None:
    data = text(100_000)
    damaged = through(Direction(Faults(bit_errors=1e-3), seed=3), data, pieces)
    flipped = sum((a ^ b).bit_count() for a, b in zip(data, damaged, strict=True))
    assert 700 < flipped < 900
    assert damaged == through(Direction(Faults(bit_errors=1e-3), seed=3), data)
    assert damaged != through(Direction(Faults(bit_errors=1e-3), seed=4), data)


def test_a_line_that_is_looked_at_late_has_no_pause() -> None:
    """4,000 bytes take 100 ms; the next ones, which waited, are through at 200 ms, also if nobody looked at 100."""
    line = Direction(Faults(baud=400_000), seed=0)
    line.feed(bytes(4000), 0.0)
    assert line.is_full(0.07)
    assert len(line.take(0.15)) == 4000
    line.feed(bytes(4000), 0.15, waited=True)
    assert len(line.take(0.151)) > 1900
    assert len(line.take(0.201)) > 1900
    line.feed(bytes(4000), 0.5)  # this one came late
    assert line.take(0.5) == b""


def test_bytes_are_lost_and_doubled_at_the_rate() -> None:
    line = Direction(Faults(drop=0.01, duplicate=0.02), seed=0)
    out, counts = through(line, text(100_000)), line.injected
    assert 850 < counts.dropped_units < 1150
    assert 1800 < counts.duplicated_units < 2200
    assert len(out) == 100_000 - counts.dropped_units + counts.duplicated_units == counts.bytes_out


def test_whole_frames_are_lost_and_doubled() -> None:
    frames = [f"frame number {i}".encode() for i in range(1000)]
    line = Direction(Faults(drop=0.1, duplicate=0.1, frames=True), seed=1)
    arrived = through(line, b"\0".join(frames) + b"\0", 77).split(b"\0")[:-1]
    assert set(arrived) < set(frames)
    assert 80 < line.injected.dropped_units == 1000 - len(set(arrived)) < 120
    assert 80 < line.injected.duplicated_units == len(arrived) - len(set(arrived)) < 120


def test_a_slow_line_and_late_pieces_keep_the_order() -> None:
    line = Direction(Faults(baud=9600, delay=0.01, split=True), seed=0)
    data = text(960)
    line.feed(data, 5.0)
    assert line.is_full(5.0)
    assert not line.take(5.0)
    half = line.take(5.5)
    assert 0 < len(half) <= 480
    assert data == half + line.take(99)


def test_held_back_bytes_arrive_together() -> None:
    line = Direction(Faults(merge=0.5), seed=0)
    line.feed(b"one", 1.0)
    line.feed(b"two", 1.4)
    assert line.take(1.49) == b""
    assert line.next_time() == pytest.approx(1.5)
    assert line.take(1.5) == b"onetwo"


def test_ends_of_different_speeds_do_not_understand_each_other() -> None:
    line = Direction(Faults(), seed=0)
    line.feed(bytes(100), 0.0, sender=115200, receiver=9600)
    assert line.injected.garbled == 100
    assert line.take(1) != bytes(100)
    line.feed(bytes(100), 2.0, sender=9600, receiver=9600)
    assert line.take(3) == bytes(100)


def test_above_its_speed_a_line_has_errors() -> None:
    line = Direction(Faults(clean_baud=115200), seed=0)
    for speed, errors in ((115200, False), (230400, True)):
        line.feed(bytes(1000), 0.0, sender=speed, receiver=speed)
        assert any(line.take(9)) == errors


def complete(found: Soak, count: int) -> None:
    assert (found.samples, found.wrong, found.twice) == (count, 0, 0)
    assert found.lives == 3
    assert (found.injected["cuts"], found.injected["resets"]) == (1, 2)
    assert found.retries > count / 10


@pytest.mark.parametrize("frames", [True, False], ids=["lost frames", "lost bytes"])
def test_a_run_survives_a_bad_line(small_program: Path, frames: bool) -> None:
    count = 400 if frames else 200
    faults = replace(BAD_LINE, frames=frames, split=frames, delay=0.002 * frames, seed=5)
    found = soak(
        small_program, faults, samples=count, input_bytes=SMALL, cuts=[0.3], cut_seconds=1.5, resets=[0.5, 0.8]
    )
    complete(found, count)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("frames", [True, False], ids=["lost frames", "lost bytes"])
def test_ten_thousand_inferences_survive_a_bad_line(small_program: Path, frames: bool) -> None:
    faults = replace(BAD_LINE, frames=frames, seed=1)
    found = soak(small_program, faults, samples=10_000, input_bytes=SMALL, cuts=[0.3], resets=[0.5, 0.8])
    complete(found, 10_000)


def test_a_line_that_is_cut_for_good_ends_in_time(small_program: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(LinkError, match=r"no answer within 1 s"):
        soak(small_program, Faults(), samples=50, input_bytes=SMALL, cuts=[0.5], cut_seconds=60, timeout=1)
    assert time.monotonic() - begin < 15


def test_a_reset_is_noticed_although_nothing_of_it_arrives() -> None:
    """The whole input is in RUN: without a session the device would compute, and nobody know that it forgot."""
    with FaultyDevice(NoFaults(), input_bytes=20) as device, Session.connect(device.url) as session:
        device.reset_before_runs = {1}
        for one in samples(3, 20):
            sums, _ = session.run(one).outputs
            assert sums[:12] == expected(one, 0)[0][:12]
        assert session.counters.resets == 1
        assert device.model.runs == 3


def test_a_sequence_begins_anew_when_the_device_forgot_it(small_program: Path) -> None:
    with FaultyDevice(NoFaults(), input_bytes=20) as device, Session.connect(device.url) as session:
        device.reset_before_runs = {4}
        begins: list[int] = []
        sequence = samples(5, 20)
        found = session.in_sequence(
            lambda one: session.run(one).outputs[0], sequence, begin=lambda: begins.append(device.model.runs)
        )
        assert len(begins) == 2
        assert begins[0] == 0
        assert [sums[:12] for sums in found] == [expected(one, 0)[0][:12] for one in sequence]
        assert device.model.seen[-5:] == [one[0] for one in sequence]


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "edgeq.link.faulty", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip


@pytest.mark.parametrize("ending", ["stdin", "Ctrl-C"])
@pytest.mark.parametrize("socket_end", [False, True], ids=["pty", "socket"])
def test_as_a_program(ending: str, socket_end: bool) -> None:
    with FaultyDevice(NoFaults(), input_bytes=20) as device:
        listen = ["--listen", "127.0.0.1:0"] if socket_end else []
        program = start(device.url, "--bit-errors", "1e-3", "--seed", "3", "--cut", "0:0", "--split", *listen)
        assert program.stdout is not None
        url = program.stdout.readline().decode().strip()
        assert url.startswith("socket://127.0.0.1:" if socket_end else "/dev/")
        with Session.connect(url) as session:
            for run, one in enumerate(samples(5, 20), 1):
                assert session.run(one).outputs == expected(one, run)
        if ending == "Ctrl-C":
            program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=10)
        assert (program.returncode, err) == (0, b"")
        told = json.loads(out)
        assert told["cuts"] == 1
        assert told["to_device"]["flipped_bits"] + told["to_host"]["flipped_bits"] > 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["/dev/edgeq-no-such-port"], 3, b"there is no such port"),
        (["x", "--cut", "5"], 2, b"is not AT:SECONDS"),
        (["x", "--listen", "nowhere"], 2, b"is not HOST:PORT"),
        (["x", "--drop", "2"], 2, b"0<=x<=1"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], status: int, said: bytes) -> None:
    program = start(*arguments)
    _, err = program.communicate(timeout=20)
    assert program.returncode == status
    assert said in err
    assert b"Traceback" not in err


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, FaultyDevice(NoFaults(), input_bytes=20) as device:
        port = server.getsockname()[1]
        with pytest.raises(InputError, match="cannot listen there"):
            Proxy(device.url, Faults(), listen=("127.0.0.1", port))
        with Proxy(device.url, Faults(), listen=("127.0.0.1", 0)) as proxy:
            assert proxy.is_alive()
