"""Samples shared by devices, devices that drop out, runs that are interrupted and resumed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from link_firmware import NATIVE_INPUT_BYTES

from edgeq.devices.base import Device
from edgeq.devices.native import native_device
from edgeq.devices.results import Journal, Results
from edgeq.devices.run import Place, SharedRun
from edgeq.errors import DataError, DeviceError, InputError, LinkError
from edgeq.link.session import Session
from edgeq.records import DeviceRun, Progress
from edgeq.sharing import _Beside, expanded

COUNT = 60


@pytest.fixture(scope="module")
def inputs() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    images = rng.integers(-128, 128, (COUNT, NATIVE_INPUT_BYTES)).astype(np.int8)
    return images, rng.integers(-100, 100, (COUNT, 1, 5)).astype(np.int16)


class Lab:
    """Native devices. `dies[name]` is after how many of its samples a device is killed; the others wait for that."""

    def __init__(self, program: Path, inputs: tuple[np.ndarray, ...]) -> None:
        self.program = program
        self.inputs = inputs
        self.dies: dict[str, int] = {}
        self.dead = threading.Event()
        self.computed: dict[str, int] = {}
        self.children: dict[str, Any] = {}

    def place(self, name: str) -> Place:
        @contextmanager
        def start(stop: Callable[[], str | None]) -> Iterator[tuple[Device, Session]]:
            with native_device(self.program) as device:
                self.children[name] = device
                failure = lambda: stop() or device.failure()  # noqa: E731
                with Session.connect(device.url, failure=failure) as session:
                    if name in self.dies:
                        self._die_after(device, session, self.dies[name])
                    elif self.dies:
                        self._answer_later(session)
                    yield device, session
                    self.computed[name] = session.stats().runs

        return Place(name=name, device="native", start=start)

    def run(self, *names: str, **options: Any) -> DeviceRun:
        return SharedRun([self.place(name) for name in names], self.inputs, Progress(), **options).run()

    def check(self, run: DeviceRun) -> None:
        """Every answer is that of its sample."""
        images, contexts = self.inputs
        assert run.outputs[0][:, 0].tolist() == images.astype(np.int32).sum(axis=1).tolist()
        assert run.outputs[0][:, 2].tolist() == contexts.astype(np.int32).sum(axis=(1, 2)).tolist()
        np.testing.assert_array_equal(run.outputs[1].view(np.uint8), images.view(np.uint8)[:, ::-1] ^ 0x55)
        owned = [i for share in run.shares for a, b in share.ranges for i in range(a, b + 1)]
        assert sorted(owned) == list(range(COUNT))
        assert sum(share.samples for share in run.shares) == COUNT

    def _answer_later(self, session: Session) -> None:
        """Or else a device that is ready early leaves none of the samples to the one that is to die."""
        run_many = session.run_many

        def patient(samples: Any) -> Any:
            for result in run_many(samples):
                assert self.dead.wait(60)
                yield result

        session.run_many = patient  # type: ignore[method-assign]

    def _die_after(self, device: Any, session: Session, count: int) -> None:
        run_many = session.run_many

        def mortal(samples: Any) -> Any:
            for done, result in enumerate(run_many(samples)):
                if done == count:
                    device._child.kill()
                    device._child.wait()
                    self.dead.set()
                    raise DeviceError("the power failed")
                yield result

        session.run_many = mortal  # type: ignore[method-assign]


@pytest.fixture
def lab(native_program: Path, inputs: tuple[np.ndarray, np.ndarray]) -> Lab:
    return Lab(native_program, inputs)


def test_three_devices_share_the_samples(lab: Lab) -> None:
    run = lab.run("a", "b", "c")
    lab.check(run)
    assert sum(lab.computed.values()) == COUNT
    assert (run.device, [share.device for share in run.shares]) == ("native", ["a", "b", "c"])
    assert all(share.failure is None for share in run.shares)


def test_the_first_device_that_the_user_names_says_what_the_board_is(lab: Lab) -> None:
    """Also if another one is done first."""
    place = lab.place

    def named(name: str) -> Place:
        made = place(name)

        @contextmanager
        def start(stop: Callable[[], str | None]) -> Iterator[tuple[Device, Session]]:
            with made.start(stop) as (device, session):
                session.hello = replace(session.hello, board=name, clock_hz=ord(name))
                stats = session.stats
                session.stats = lambda: (time.sleep(0.3 if name == "a" else 0), stats())[1]  # type: ignore[method-assign]
                yield device, session

        return replace(made, start=start)

    lab.place = named  # type: ignore[method-assign]
    run = lab.run("a", "b")
    assert (run.board, run.clock_hz) == ("a", ord("a"))


def test_one_that_dies_hands_its_samples_to_the_others(lab: Lab) -> None:
    lab.dies = {"b": 2}
    run = lab.run("a", "b")
    lab.check(run)
    assert {share.device: share.failure for share in run.shares} == {"a": None, "b": "the power failed"}
    assert run.shares[1].samples == 2


def test_one_that_does_not_start_leaves_everything_to_the_others(lab: Lab) -> None:
    @contextmanager
    def missing(stop: Callable[[], str | None]) -> Iterator[tuple[Device, Session]]:
        raise LinkError("/dev/x: there is no such port.", hint="Plug it in.")
        yield

    places = [Place(name="/dev/x", device="/dev/x", start=missing), lab.place("a")]
    run = SharedRun(places, lab.inputs, Progress()).run()
    lab.check(run)
    assert run.shares[0].samples == 0
    assert run.shares[0].failure == "/dev/x: there is no such port."


def test_all_that_die_end_the_run(lab: Lab) -> None:
    lab.dies = {"a": 3, "b": 4}
    with pytest.raises(DeviceError, match="the power failed"):
        lab.run("a", "b")


def test_what_is_wrong_with_the_data_ends_all_devices(lab: Lab) -> None:
    lab.inputs = (lab.inputs[0].astype(np.int16), lab.inputs[1])
    with pytest.raises(DataError, match="Input image of the model on the device is int8"):
        lab.run("a", "b")
    assert all(child.failure() for child in lab.children.values())


def test_an_interrupted_run_ends_its_devices(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(self: SharedRun, place: Place) -> None:
        with place.start(lambda: self._stop) as (_, session):
            while not self._stop:
                time.sleep(0.01)
            with pytest.raises(DeviceError, match="was interrupted"):
                lab.children[place.name]._child.kill()
                session.stats()

    join = threading.Thread.join

    def once(self: threading.Thread, timeout: float | None = None) -> None:
        monkeypatch.setattr(threading.Thread, "join", join)
        raise KeyboardInterrupt

    monkeypatch.setattr(SharedRun, "_work", work)
    monkeypatch.setattr(threading.Thread, "join", once)
    with pytest.raises(KeyboardInterrupt):
        lab.run("a", "b")
    assert all(child.failure() for child in lab.children.values())


def test_a_run_that_broke_off_is_resumed(lab: Lab, journal: Callable[..., Journal]) -> None:
    lab.dies = {"a": 20}
    first = journal()
    with pytest.raises(DeviceError):
        lab.run("a", journal=first)
    first.close(done=False)
    assert first.kept == 20
    with first.path.open("ab") as file:
        file.write(b'00000000 {"sample": 21, "tic')  # the power failed in the middle of a line

    results, second = Results(COUNT), journal()
    assert second.resume(results) == 20
    assert results.missing() == list(range(20, COUNT))
    run = lab.run("b", journal=second, results=results)
    lab.check(run)
    assert lab.computed["b"] == COUNT - 20
    assert run.resumed == 20
    assert [(share.device, share.ranges) for share in run.shares] == [("b", ((20, 59),)), ("a", ((0, 19),))]
    with pytest.raises(InputError, match="Another run of this build is under way"):
        journal().claim()
    with pytest.raises(InputError, match="Another run of this build is under way"):
        journal().resume(Results(COUNT))
    journal().close(done=True)  # of a run that was too short to keep anything
    second.close(done=False)
    third = journal()
    assert third.resume(Results(COUNT)) == COUNT
    third.close(done=True)
    assert not second.path.exists()


def test_jobs() -> None:
    assert expanded(["native"], 3) == ("native",) * 3
    assert expanded(["native", "/dev/ttyACM0"], 1) == ("native", "/dev/ttyACM0")
    with pytest.raises(InputError, match="several of one device"):
        expanded(["native", "qemu"], 2)
    with pytest.raises(InputError, match="is one board"):
        expanded(["/dev/ttyACM0"], 2)


def test_one_failed_self_test_among_several_is_not_forgotten() -> None:
    """The first device's is still running when the second one's fails."""
    places = [Place(name=name, device="native", start=lambda _: nullcontext(None)) for name in "ab"]  # type: ignore[arg-type,return-value]
    beside = _Beside(lambda kind, device, session: None, places[0])
    failed = threading.Event()

    class Slow:
        def selftest(self) -> bool:
            failed.wait(10)
            return True

    class Broken:
        def selftest(self) -> bool:
            return False

    slow = threading.Thread(target=beside.prepare, args=(places[0], None, Slow()))
    slow.start()
    time.sleep(0.1)
    beside.prepare(places[1], None, Broken())  # type: ignore[arg-type]
    failed.set()
    slow.join()
    assert not beside.passed


def test_nobody_waits_until_the_first_device_is_profiled(lab: Lab) -> None:
    """The second one answers all samples meanwhile."""
    answered, measured, steps = threading.Event(), [], []

    def profile(kind: str, device: object, session: object) -> str:
        measured.append(answered.wait(30))
        return kind

    def step(count: int = 1) -> None:
        steps.append(count)
        if sum(steps) == COUNT:
            answered.set()

    places = [lab.place(name) for name in "ab"]
    beside = _Beside(profile, places[0])  # type: ignore[arg-type]
    run = SharedRun(places, lab.inputs, Progress(step=step), prepare=beside.prepare, finish=beside.finish).run()
    lab.check(run)
    assert measured == [True]
    assert beside.profile == "native"


@pytest.mark.parametrize("known", [True, False])
def test_the_first_device_that_the_user_names_is_profiled(known: bool) -> None:
    """Whoever is ready or done first; another one where that one's profile is not to be had."""
    asked: list[str] = []

    def profile(kind: str, device: object, session: object) -> str | None:
        asked.append(kind)
        return kind if known or kind == "qemu" else None

    class Passes:
        def selftest(self) -> bool:
            return True

    places = [Place(name=name, device=name, start=lambda _: nullcontext(None)) for name in ("native", "qemu")]  # type: ignore[arg-type,return-value]
    beside = _Beside(profile, places[0])  # type: ignore[arg-type]
    for step in (beside.prepare, beside.finish):
        for place in reversed(places):
            step(place, None, Passes())  # type: ignore[arg-type]
    assert beside.profile == ("native" if known else "qemu")
    assert asked == (["native"] if known else ["native", "qemu"])


def test_a_port_is_named_once() -> None:
    with pytest.raises(InputError, match="named twice"):
        expanded(["/dev/ttyACM0", "/dev/ttyACM0"], 1)
    assert expanded(["emulated", "emulated"], 1) == ("emulated", "emulated")
