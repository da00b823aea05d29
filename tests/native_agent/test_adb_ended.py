"""Nothing stays on a phone, nor a forwarded port here, whatever ends edgeq."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from phones import Plug, adb, left_on

from edgeq.devices.adb.device import AdbDevice
from edgeq.devices.adb.program import Adb
from edgeq.native_agent.build import PROGRAM

pytestmark = pytest.mark.xdist_group("native-agent")

# A suite in the background is deaf to SIGINT, and its children would be.
_PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from edgeq.native_agent import bundle
bundle.default_folder = lambda target: Path(sys.argv[1])
from edgeq.devices.adb.device import AdbDevice
with AdbDevice(None, Path(sys.argv[2])):
    print("running", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_on_the_phone_after_an_interruption_or_a_kill(
    number: signal.Signals, plug: Plug, built: Path, model: Path, tmp_path: Path
) -> None:
    plug()
    child = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(built), str(model)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=dict(os.environ),
    )  # fmt: skip
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "running\n"
        child.send_signal(number)
        child.wait(30)
    assert left_on(tmp_path / "phone0" / "tmp") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_on_the_phone_if_edgeq_is_ended_while_files_are_copied(
    number: signal.Signals, plug: Plug, built: Path, model: Path, tmp_path: Path
) -> None:
    plug(stalls=True)
    phone = tmp_path / "phone0" / "tmp"
    child = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(built), str(model)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ),
    )  # fmt: skip
    with child:
        deadline = time.monotonic() + 60
        while not list(phone.glob(f"*/{PROGRAM}")) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert child.poll() is None and list(phone.glob(f"*/{PROGRAM}"))
        child.send_signal(number)
        child.wait(30)
    assert left_on(phone) == []


def test_an_interruption_while_a_port_is_forwarded_leaves_none(
    plug: Plug, built: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug()
    forward = Adb.forward

    def interrupted(self: Adb, port: int) -> int:
        ours = forward(self, port)
        signal.raise_signal(signal.SIGINT)
        return ours

    monkeypatch.setattr(Adb, "forward", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            AdbDevice(None, model)
    finally:
        signal.signal(signal.SIGINT, before)
    assert adb("forward", "--list").strip() == ""
    assert left_on(tmp_path / "phone0" / "tmp") == []
