"""The next input travels while the device computes."""

from __future__ import annotations

from pathlib import Path

import link_firmware
import pytest
from link_firmware import NATIVE_INPUT_BYTES, expected
from test_session import samples

from edgeq import resources
from edgeq.devices.native import native_device
from edgeq.link.codes import Kind
from edgeq.link.frame import Decoder, Frame
from edgeq.link.messages import WRITE_HEAD, Run
from edgeq.link.session import Session
from edgeq.link.transport import Transport


@pytest.fixture(scope="module")
def small_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware on the native board, with inputs of 3000 and 10 bytes, and 32 bytes of output."""
    out = tmp_path_factory.mktemp("link") / "small-output"
    board = resources.firmware() / "boards" / "native" / "board.c"
    defines = ("MODEL_ECHO_BYTES=16",)
    return link_firmware.compile_firmware(out, board=board, main=True, input_bytes=NATIVE_INPUT_BYTES, defines=defines)


def test_the_next_input_is_sent_behind_run(small_output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []
    write = Transport.write
    monkeypatch.setattr(Transport, "write", lambda self, data: sent.append(data) or write(self, data))
    inputs = samples(6, NATIVE_INPUT_BYTES)
    with native_device(small_output) as device, Session.connect(device.url, failure=device.failure) as session:
        assert session.hello.rx_window == 4096
        for run, (one, result) in enumerate(zip(inputs, session.run_many(inputs), strict=True), 1):
            sums, echo = expected(one, run)
            assert result.outputs == (sums, echo[:16])
        stats = session.stats()
    assert (stats.runs, stats.repeats, stats.frames_bad) == (6, 0, 0)
    assert session.counters.retries == 0
    batches = [Decoder().feed(data) for data in sent]
    running = [batch for batch in batches if any(isinstance(f, Frame) and f.kind == Kind.RUN for f in batch)]
    assert len(running) == 6
    for number, batch in enumerate(running, 1):
        frames = [frame for frame in batch if isinstance(frame, Frame)]
        at = [frame.kind for frame in frames].index(Kind.RUN)
        assert Run.unpack(frames[at].payload).run == number
        ahead = frames[at + 1 :]
        assert bool(ahead) == (number < 6)
        assert {WRITE_HEAD.unpack_from(frame.payload)[0] for frame in ahead} <= {number + 1}
        # All of it fits into the window: RUN finds its input on the device.
        assert sum(len(frame.payload) - WRITE_HEAD.size for frame in ahead) in {0, NATIVE_INPUT_BYTES + 10}


def test_a_result_that_does_not_fit_has_the_line_for_itself(native_program: Path) -> None:
    """Input of a later run overwrites what is still to be read."""
    inputs = samples(4, NATIVE_INPUT_BYTES)
    with native_device(native_program) as device, Session.connect(device.url, failure=device.failure) as session:
        for run, (one, result) in enumerate(zip(inputs, session.run_many(inputs), strict=True), 1):
            assert result.outputs == expected(one, run)
        assert session.stats().runs == 4


def test_something_else_may_come_between(small_output: Path) -> None:
    inputs = samples(4, NATIVE_INPUT_BYTES)
    with native_device(small_output) as device, Session.connect(device.url, failure=device.failure) as session:
        running = session.run_many(inputs)
        next(running)
        assert session.selftest()  # the second input was sent ahead, for a run that is now too old
        counts = [result.outputs[0][12] for result in running]
        assert counts == [3, 4, 5]
