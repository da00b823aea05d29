"""What an agent's machine tells of itself, and the distribution of its times."""

from __future__ import annotations

import os
import platform
import sys
import types
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from edgeq.agent.machine import allowed_cpus, clock_hz, format_cpus, governor, governors, parse_cpus, pin, platform_name
from edgeq.agent.server import is_exposed, parse_address
from edgeq.errors import DataError, DeviceError, InputError
from edgeq.link.codes import HelloFlag
from edgeq.link.session import Session
from edgeq.model.graph import DType, Tensor
from edgeq.validation.latency import interpreted, latency
from edgeq.validation.pairs import measure_pairs


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "aarch64", "linux-arm64"), ("Linux", "x86_64", "linux-x86_64"), ("Darwin", "arm64", None),
        ("Android", "aarch64", "android-arm64"), ("Windows", "AMD64", None), ("Linux", "riscv64", None),
        ("Linux", "armv7l", None), ("Linux", "i686", None),
    ],
)  # fmt: skip
def test_platforms(system: str, machine: str, name: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert platform_name() == name
    if system == "Linux":  # Termux's Python, before 3.13
        monkeypatch.setattr(sys, "getandroidapilevel", lambda: 34, raising=False)
        assert platform_name() == (None if name is None else name.replace("linux", "android"))


@pytest.mark.parametrize(("text", "cpus"), [("0", {0}), ("0-3,6", {0, 1, 2, 3, 6}), (" 2 , 1", {1, 2})])
def test_lists_of_cpus(text: str, cpus: set[int]) -> None:
    assert parse_cpus(text) == cpus
    assert parse_cpus(format_cpus(cpus)) == cpus


@pytest.mark.parametrize("text", ["", "a", "3-1", "1,,2", "-1", "99999"])
def test_lists_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="no list of CPUs"):
        parse_cpus(text)


def test_pinning_to_what_there_is() -> None:
    before = allowed_cpus()
    try:
        pin(frozenset({min(before)}))
        assert allowed_cpus() == {min(before)}
        with pytest.raises(InputError, match="may not use CPU 9000"):
            pin(frozenset({9000}))
    finally:
        os.sched_setaffinity(0, before)


def cpufreq(root: Path, cpu: int, **files: object) -> None:
    folder = root / f"cpu{cpu}" / "cpufreq"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(f"{content}\n")


def test_the_governor_and_the_clock(tmp_path: Path) -> None:
    """Big and little cores with clocks of their own; a machine without any says so."""
    little = {"scaling_governor": "schedutil", "scaling_min_freq": 300000, "scaling_max_freq": 1800000}
    cpufreq(tmp_path, 0, **little, cpuinfo_max_freq=1800000)
    cpufreq(tmp_path, 1, **little, cpuinfo_max_freq=1800000)
    cpufreq(tmp_path, 7, scaling_governor="performance", cpuinfo_max_freq=2800000)
    assert governor([0, 1], tmp_path) == "schedutil, 300 to 1800 MHz"
    assert governor([0, 1, 7], tmp_path) == "schedutil, 300 to 1800 MHz; performance"
    assert clock_hz([0, 7], tmp_path) == 2_800_000_000
    assert governor([3], tmp_path).startswith("unknown")
    assert governors([3], tmp_path) is None
    assert clock_hz([3], tmp_path) == 0


@pytest.mark.parametrize(
    ("text", "host", "port", "exposed"),
    [
        ("127.0.0.1:7007", "127.0.0.1", 7007, False),
        (":0", "127.0.0.1", 0, False),
        ("7007", "127.0.0.1", 7007, False),
        ("[::1]:5", "::1", 5, False),
        ("0.0.0.0:80", "0.0.0.0", 80, True),  # noqa: S104
        ("raspberrypi:7007", "raspberrypi", 7007, True),
    ],
)
def test_addresses(text: str, host: str, port: int, exposed: bool) -> None:
    assert parse_address(text) == (host, port)
    assert is_exposed(host) == exposed


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3.4:http", "1.2.3.4:70000"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="is no address"):
        parse_address(text)


def test_the_distribution_of_times() -> None:
    found = latency([*range(1000, 1990, 10), 50000], 1_000_000)
    assert (found.runs, found.median_ms) == (100, pytest.approx(1.495))
    assert found.p90_ms == pytest.approx(1.891)
    assert 1.98 < found.p99_ms < 3
    assert latency([7], 1000).p99_ms == 7.0


def test_pairs_count_flips_of_the_largest() -> None:
    tensor = Tensor(index=0, name="y", shape=(1, 3), dtype=DType.INT8)
    one = (np.array([[1, 5, 2], [9, 0, 9], [3, 3, 4]], np.int8),)
    two = (np.array([[1, 5, 2], [8, 0, 9], [3, 3, 1]], np.int8),)
    (pair,) = measure_pairs({"a": one, "b": two}, [tensor])
    assert (pair.first, pair.second, pair.samples, pair.outputs) == ("a", "b", 3, 9)
    assert (pair.mismatches, pair.mismatched_samples, pair.max_lsb, pair.argmax_flips) == (2, 2, 3, 2)
    assert len(measure_pairs({"a": one, "b": two, "c": one}, [tensor])) == 3
    (single,) = measure_pairs({"a": (one[0][:, :1],), "b": (two[0][:, :1],)}, [tensor])
    assert single.argmax_flips is None
    with pytest.raises(DataError, match=r"a gave \(3, 3\), b \(2, 3\)"):
        measure_pairs({"a": one, "b": (two[0][:2],)}, [tensor])


class Slow:
    """A session with a device whose inferences take so many seconds; `limit` ends requests as the link does."""

    def __init__(self, seconds: float, limit: float) -> None:
        self.hello = types.SimpleNamespace(ticks_hz=1000, clock_hz=0, flags=HelloFlag(0))
        self.ticks, self.limit, self.asked = round(1000 * seconds), limit, list[int]()

    def run(self, sample: object) -> types.SimpleNamespace:
        return types.SimpleNamespace(ticks=self.ticks)

    def times(self, sample: object, repeat: int) -> tuple[int, ...]:
        if repeat * self.ticks > 1000 * self.limit:
            raise DeviceError("gave no result")
        self.asked.append(repeat)
        return (self.ticks,) * repeat


@pytest.mark.parametrize(("seconds", "requests"), [(0.01, [200]), (4.0, [7, 7, 7, 7, 2]), (40.0, [1] * 30)])
def test_slow_models_are_timed_in_several_requests(seconds: float, requests: list[int]) -> None:
    session = Slow(seconds, limit=120.0)
    found = interpreted(cast("Session", session), [b""])
    assert found is not None
    assert found.latency is not None
    assert found.latency.median_ms == 1000 * seconds
    assert session.asked == requests


def test_a_failure_gives_no_latency() -> None:
    assert interpreted(cast("Session", Slow(4.0, limit=1.0)), [b""]) is None
