"""The native agent holds connections in a row, hosts that send nonsense or vanish, and a model of 100 MB.

Every agent here runs under AddressSanitizer and UndefinedBehaviorSanitizer, and must end without a leak.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import struct
import threading
import time
import types
from pathlib import Path

import numpy as np
import pytest
from running import Agent, Running
from test_outputs import in_file, outputs_of, random_samples
from tflite_builder import ModelBuilder

from edgeq.link.codes import Kind, Mode
from edgeq.link.frame import Decoder, Frame, encode
from edgeq.link.session import Session
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import Reference
from edgeq.reference import run_reference

pytestmark = pytest.mark.xdist_group("native-agent")

FULL = "EDGEQ_FULL" in os.environ
CONNECTIONS = 10_000 if FULL else 1_000
NONSENSE_BYTES = 100_000_000 if FULL else 2_000_000
CORPUS = Path(__file__).parents[1] / "vectors" / "link_fuzz.txt"


@pytest.fixture
def demo(zoo: types.ModuleType, tmp_path: Path) -> Path:
    return in_file(zoo.zoo_tflite("demo"), tmp_path)


def ask(agent: Agent, *requests: Frame) -> list[bytes]:
    """The payloads of the replies to requests over a connection of their own. (pyserial sleeps 0.3 s when it closes a
    socket, so that Session is no good for a thousand of them.)"""
    replies: list[bytes] = []
    with socket.create_connection(("127.0.0.1", agent.port), timeout=20) as line:
        line.sendall(b"".join(map(encode, requests)))
        decoder = Decoder()
        while len(replies) < len(requests):
            data = line.recv(65536)
            assert data, "the agent closed the connection"
            replies += [f.payload for f in decoder.feed(data) if isinstance(f, Frame) and f.kind < Kind.FAULT]
    return replies


def answers_ping(agent: Agent) -> bool:
    return ask(agent, Frame(kind=Kind.PING, payload=b"still there?")) == [b"still there?"]


def run_request(run: int, data: bytes) -> Frame:
    return Frame(kind=Kind.RUN, payload=struct.pack("<IBxHHHI", run, Mode.INFER, 1, 0, 1024, 0) + data)


HELLO = Frame(kind=Kind.HELLO, payload=b"\x01\0\0\0")


def test_a_thousand_connections_in_a_row(demo: Path, host_agent: Running) -> None:
    (x,) = random_samples(demo.read_bytes(), 1)
    expected = run_reference(demo.read_bytes(), (x,), Reference.LITERT_DEFAULT).outputs[0].tobytes()
    with host_agent(demo) as agent:
        sizes = []
        for i in range(CONNECTIONS):
            assert ask(agent, HELLO, run_request(i + 1, x.tobytes()))[1].endswith(expected)
            if i in (CONNECTIONS // 10, CONNECTIONS - 1):
                sizes.append((agent.resident_bytes(), agent.open_files()))
        (early, files), (late, files_late) = sizes
        print(f"{CONNECTIONS} connections: {late - early} bytes more, {files_late} open files")
        assert abs(files_late - files) <= 1  # the last connection may not be closed yet
        assert late - early < 4 << 20


def test_hosts_that_send_nonsense(demo: Path, host_agent: Running) -> None:
    rng = random.Random(5)  # noqa: S311 (repeatable)
    corpus = [bytes.fromhex(line) for line in CORPUS.read_text().split()]
    with host_agent(demo) as agent:
        sent = 0
        while sent < NONSENSE_BYTES:
            with socket.create_connection(("127.0.0.1", agent.port), timeout=20) as line:
                line.settimeout(20)
                for _ in range(50):
                    piece = bytearray(rng.choice(corpus))
                    for _ in range(rng.randrange(4)):
                        piece[rng.randrange(len(piece))] = rng.randrange(256)
                    whole = rng.random() < 0.9
                    data = bytes(piece) if whole else rng.randbytes(rng.randrange(1, 70_000))
                    line.sendall(data + b"\0")
                    sent += len(data) + 1
                    line.setblocking(False)
                    try:
                        while line.recv(1 << 20):
                            pass
                    except BlockingIOError:
                        line.settimeout(20)
            assert answers_ping(agent)


def test_hosts_that_vanish(demo: Path, host_agent: Running) -> None:
    """In the middle of a frame, with a reset of the connection, and without ever reading what comes back."""
    (x,) = random_samples(demo.read_bytes(), 1)
    hello, run = encode(HELLO), encode(run_request(1, x.tobytes()))
    with host_agent(demo) as agent:
        for data in (hello[:9], hello + run[: len(run) // 2], hello + run, hello * 20_000):
            for reset in (False, True):
                with socket.create_connection(("127.0.0.1", agent.port), timeout=20) as line:
                    line.settimeout(0.2)
                    with contextlib.suppress(TimeoutError):  # the agent waits for this host to read
                        line.sendall(data)
                    if reset:
                        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                assert answers_ping(agent)


def test_a_second_host_waits_for_its_turn(demo: Path, host_agent: Running) -> None:
    with (
        host_agent(demo) as agent,
        Session.connect(agent.url) as first,
        socket.create_connection(("127.0.0.1", agent.port), timeout=0.3) as second,
    ):
        second.sendall(encode(Frame(kind=Kind.PING, sequence=3)))
        with pytest.raises(TimeoutError):
            second.recv(100)
        assert first.stats().runs == 0
        first.close()
        second.settimeout(20)
        assert second.recv(100)


def test_a_silent_host_makes_room_for_one_that_waits(demo: Path, host_agent: Running) -> None:
    with host_agent(demo, "--idle", "1") as agent, socket.create_connection(("127.0.0.1", agent.port)) as silent:
        assert answers_ping(agent)
        silent.settimeout(20)
        assert silent.recv(100) == b""


def test_a_host_that_comes_late_does_not_wait_another_period(demo: Path, host_agent: Running) -> None:
    with host_agent(demo, "--idle", "4") as agent, socket.create_connection(("127.0.0.1", agent.port)):
        time.sleep(6)
        began = time.monotonic()
        assert answers_ping(agent)
        assert time.monotonic() - began < 1.5


def test_noise_does_not_keep_the_place(demo: Path, host_agent: Running) -> None:
    with host_agent(demo, "--idle", "1") as agent, socket.create_connection(("127.0.0.1", agent.port)) as noisy:
        done = threading.Event()

        def make_noise() -> None:
            with contextlib.suppress(OSError):
                while not done.wait(0.05):
                    noisy.sendall(b"no frame\0")

        noise = threading.Thread(target=make_noise)
        noise.start()
        try:
            assert answers_ping(agent)
        finally:
            done.set()
            noise.join()


def test_who_asks_now_and_then_keeps_the_place(demo: Path, host_agent: Running) -> None:
    ping = encode(Frame(kind=Kind.PING))
    with host_agent(demo, "--idle", "1") as agent, socket.create_connection(("127.0.0.1", agent.port)) as busy:
        busy.settimeout(20)
        with socket.create_connection(("127.0.0.1", agent.port)):
            for _ in range(6):
                time.sleep(0.4)
                busy.sendall(ping)
                assert busy.recv(100)


def large_model(side: int) -> bytes:
    b = ModelBuilder()
    rng = np.random.default_rng(1)
    x = b.tensor("x", (1, side), scale=0.02)
    w = b.tensor("w", (side, side), data=rng.integers(-127, 128, (side, side), dtype=np.int8), scale=0.01)
    y = b.tensor("y", (1, side), scale=1.0)
    bias = b.tensor("b", (side,), "int32", data=np.zeros(side), scale=0.0002)
    b.op("FULLY_CONNECTED", [x, w, bias], [y])
    return b.finish([x], [y])


def test_a_model_of_100_mb(host_agent: Running, tmp_path: Path) -> None:
    content = large_model(10_240)
    assert len(content) > 100 << 20
    inputs = random_samples(content, 3)
    expected = run_reference(content, inputs, Reference.LITERT_DEFAULT).outputs[0]
    began = time.monotonic()
    assert outputs_of(host_agent, in_file(content, tmp_path), inputs) == (expected.tobytes(),)
    print(f"100 MB model: {time.monotonic() - began:.1f} s from start to end")


def test_a_model_that_is_cut_off_or_mangled_is_refused(demo: Path, host_agent: Running, tmp_path: Path) -> None:
    content = demo.read_bytes()
    rng = random.Random(11)  # noqa: S311 (repeatable)
    cut = [content[:n] for n in (0, 1, 8, 64, len(content) // 2)]
    for bad in (*cut, rng.randbytes(5000)):
        path = in_file(bad, tmp_path)
        status, said = host_agent.refusal(str(path), "--litert", str(host_agent.litert))
        assert status == 2, said
        assert str(path) in said and "Sanitizer" not in said
    assert parse_tflite(content)  # the file itself is whole
