"""`edgeq agent` as a real process: what it computes, whom it serves, and how it ends."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from agent_child import Agent, float_model, integer_model, integers, open_pty, running_agent
from tflite_builder import ModelBuilder

from edgeq import process
from edgeq.errors import DeviceError
from edgeq.link.codes import HelloFlag, TicksKind
from edgeq.link.session import Session
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import computed_tensors
from edgeq.records import Reference
from edgeq.reference import layer_outputs, run_reference

pytestmark = pytest.mark.xdist_group("agent")

PATIENCE = 60.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("agent") / "model.tflite"
    path.write_bytes(integer_model())
    return path


@pytest.fixture(scope="module")
def agent(model: Path) -> Iterator[Agent]:
    with running_agent(model, "--warmup", "2", "--idle", "1") as running:
        yield running


def answers(content: bytes, sample: bytes, kernels: Reference) -> bytes:
    x = np.frombuffer(sample, np.int8).reshape(1, 8, 8, 3)
    return run_reference(content, (x,), kernels).outputs[0].tobytes()


def test_what_it_says_and_computes(model: Path, agent: Agent) -> None:
    content = model.read_bytes()
    with Session.connect(agent.url, expect_sha256=hashlib.sha256(content).hexdigest()) as session:
        hello = session.hello
        assert (hello.engine, hello.model, hello.op_count) == ("litert", "model.tflite", 3)
        assert hello.flags == HelloFlag.INTERPRETER
        assert hello.ticks_kind is TicksKind.TIMER
        about = session.about()
        assert about["threads"] == "1"
        assert about["warm-up"] == "2"
        assert about["runtime"].startswith("LiteRT ")
        assert "governor" in about
        assert about["per-op profile"] == "by LiteRT's profiler, in whole microseconds"
        for sample, result in zip(integers(5), session.run_many((s,) for s in integers(5)), strict=True):
            assert result.outputs[0] == answers(content, sample, Reference.LITERT_DEFAULT)
            assert result.ticks > 0
        times = session.times((integers(1)[0],), 50)
        assert times is not None
        assert len(times) == 50
        assert min(times) > 0
        assert session.selftest()


def test_layers_of_both_kernels(model: Path, agent: Agent) -> None:
    """What XNNPACK computed layer by layer is what it hands out as outputs, and the reference kernels differ."""
    content, sample = model.read_bytes(), integers(1)[0]
    tensors = computed_tensors(parse_tflite(content))
    x = (np.frombuffer(sample, np.int8).reshape(1, 8, 8, 3),)
    with running_agent(model, "--kernels", "reference") as other:
        found = []
        for url, kernels in ((agent.url, Reference.LITERT_DEFAULT), (other.url, Reference.LITERT_REFERENCE)):
            layers = layer_outputs(content, x, tensors, reference=kernels)
            with Session.connect(url) as session:
                found.append(session.trace((sample,)))
                assert found[-1] == tuple(zlib.crc32(layers[t].tobytes()) for t in tensors)
                assert session.fetch((sample,), 1) == layers[tensors[1]].tobytes()
                assert session.run((sample,)).outputs[0] == layers[tensors[-1]].tobytes()
    assert found[0] != found[1]


def test_floats_travel(tmp_path: Path) -> None:
    path = tmp_path / "float.tflite"
    path.write_bytes(float_model())
    x = np.random.default_rng(0).normal(size=(1, 600)).astype(np.float32)
    with running_agent(path, "--threads", "2") as agent, Session.connect(agent.url) as session:
        assert [t.dtype for t in (*session.inputs, *session.outputs)] == ["float32", "float32"]
        got = np.frombuffer(session.run((x.tobytes(),)).outputs[0], np.float32)
        expected = run_reference(path.read_bytes(), (x,), Reference.LITERT_DEFAULT).outputs[0][0]
        np.testing.assert_array_equal(got, expected)
        assert session.about()["threads"] == "2"
        assert session.selftest()


def gather_model() -> bytes:
    """GATHER from four values by an index that is an input: LiteRT refuses to run it out of range."""
    b = ModelBuilder()
    table = b.tensor("t", (4, 2), "float32", data=np.arange(8, dtype=np.float32).reshape(4, 2))
    index, out = b.tensor("i", (1,), "int32"), b.tensor("y", (1, 2), "float32")
    b.op("GATHER", [table, index], [out], axis=0, batch_dims=0)
    return b.finish([index], [out])


def test_an_input_that_the_model_cannot_take(tmp_path: Path) -> None:
    """The client is told LiteRT's words; the agent goes on."""
    path = tmp_path / "gather.tflite"
    path.write_bytes(gather_model())
    good, bad = (np.array([i], np.int32).tobytes() for i in (2, 99))
    with running_agent(path) as agent:
        for _ in range(2):
            with Session.connect(agent.url) as session:
                with pytest.raises(DeviceError, match=r"could not run the model.*gather"):
                    session.run((bad,))
                assert session.run((good,)).outputs[0] == np.array([4, 5], np.float32).tobytes()
                assert session.selftest()
        assert agent.child.poll() is None


def test_another_model_is_refused(agent: Agent) -> None:
    with pytest.raises(DeviceError, match=r"runs another model \(model\.tflite\)"):
        Session.connect(agent.url, expect_sha256="00" * 32)


def test_one_client_after_the_other(model: Path, agent: Agent) -> None:
    """Three hosts at once all get served, none of them another's answers."""
    content, samples = model.read_bytes(), integers(3)
    found: dict[int, bytes] = {}

    def work(i: int) -> None:
        with Session.connect(agent.url, timeout=PATIENCE) as session:
            found[i] = session.run((samples[i],)).outputs[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert found == {i: answers(content, samples[i], Reference.LITERT_DEFAULT) for i in range(3)}


def test_noise_and_silent_clients_make_room(agent: Agent) -> None:
    """One client says nothing, one sends noise, one hangs up within a frame: the next one is served."""
    address = (agent.url.removeprefix("socket://").split(":")[0], int(agent.url.rpartition(":")[2]))
    with socket.create_connection(address), socket.create_connection(address) as noisy:
        noisy.sendall(np.random.default_rng(1).bytes(300_000))
        with socket.create_connection(address) as hasty:
            hasty.sendall(b"\0\x05\x11")
        with Session.connect(agent.url, timeout=PATIENCE) as session:
            assert len(session.run((integers(1)[0],)).outputs[0]) == 640


def test_reset_and_many_connections(agent: Agent) -> None:
    for _ in range(10):
        with Session.connect(agent.url) as session:
            assert session.hello.session_before == 0
    with Session.connect(agent.url) as session:
        session.reset()
        assert session.selftest()


def test_on_a_serial_line(model: Path) -> None:
    """A pseudo-terminal between both: the agent on one end, the host on another, bytes carried in between."""
    left, left_far, device = open_pty()
    right, right_far, host = open_pty()
    stop = threading.Event()
    carrier = threading.Thread(target=carry, args=(left, right, stop))
    carrier.start()
    try:
        with running_agent(model, "--serial", f"{device}:921600"), Session.connect(host, timeout=PATIENCE) as session:
            sample = integers(1)[0]
            assert session.run((sample,)).outputs[0] == answers(model.read_bytes(), sample, Reference.LITERT_DEFAULT)
            assert session.speed_up() == 115200  # the line's speed is what --serial said
    finally:
        stop.set()
        carrier.join()
        for end in (left, left_far, right, right_far):
            os.close(end)


def carry(one: int, other: int, stop: threading.Event) -> None:
    import select

    while not stop.is_set():
        for end in select.select([one, other], [], [], 0.1)[0]:
            os.write(other if end == one else one, os.read(end, 4096))


def test_ctrl_c_ends_it(model: Path) -> None:
    with running_agent(model) as agent:
        with Session.connect(agent.url) as session:
            session.run((integers(1)[0],))
            agent.child.send_signal(signal.SIGINT)
            assert agent.child.wait(PATIENCE) == 130
        assert agent.child.stderr is not None
        said = agent.child.stderr.read().decode()
        assert "Traceback" not in said
        assert said.endswith("Interrupted.\n")


def test_the_port_is_free_again(model: Path) -> None:
    with running_agent(model) as first:
        address = first.url.removeprefix("socket://")
        with Session.connect(first.url):
            pass
        taken = refused(model, "--tcp", address)
        assert f"{address}: cannot listen there" in taken
        assert "Use another port" in taken
    with running_agent(model, "--tcp", address) as second:
        assert second.url == first.url


def refused(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "edgeq", "agent", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=PATIENCE, env=process.own_environment(),
    )  # fmt: skip
    assert done.returncode in (2, 3)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tcp", "localhost"], "'localhost' is no address"),
        (["--tcp", "127.0.0.1:0", "--serial", "/dev/ttyX"], "Use one of them"),
        (["--serial", "/dev/edgeq-none:9600"], "there is no such port"),
        (["--serial", "/dev/edgeq-none:fast"], "'fast' is no speed"),
        (["--cpu", "0-"], "no list of CPUs"),
        (["--cpu", "4000"], "may not use CPU 4000"),
    ],
)
def test_wrong_options(model: Path, options: list[str], said: str) -> None:
    assert said in refused(model, *options)


def test_wrong_models(tmp_path: Path) -> None:
    other = tmp_path / "model.h5"
    other.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert "LiteRT refuses" in refused(other)
    assert "cannot be read" in refused(tmp_path / "none.tflite")
    assert "without a model.tflite" in refused(tmp_path)


def test_an_exposed_agent_says_so(model: Path) -> None:
    with running_agent(model, "--tcp", "0.0.0.0:0", "--cpu", "0") as agent:
        with Session.connect(agent.url.replace("0.0.0.0", "127.0.0.1")) as session:  # noqa: S104
            assert session.about()["cpus"] == "0"
        time.sleep(0.1)
        agent.child.send_signal(signal.SIGTERM)
        said = agent.child.communicate(timeout=PATIENCE)[1].decode()
    assert "Warning: whoever reaches 0.0.0.0:" in said
    assert "is connected" in said
