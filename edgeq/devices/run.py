"""Samples on one or several devices at once. One that drops out hands its samples to the others."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.devices.base import Device
from edgeq.devices.results import Journal, Results
from edgeq.devices.samples import answers, facts, fitting
from edgeq.errors import UnavailableError
from edgeq.link.about import Hello, TensorInfo
from edgeq.link.session import Session
from edgeq.records import DeviceRun, Progress

_LOOK = 0.1
_SMALLEST_BLOCK = 4

Start = Callable[[Callable[[], str | None]], AbstractContextManager[tuple[Device, Session]]]
"""Starts a device and connects to it. Its argument is asked now and then: why to give up, None to go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A device that may run samples. `name` is unique among those of a run, `device` what reports call its kind."""

    name: str
    device: str
    start: Start


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """What a device told that went to the end."""

    hello: Hello
    outputs: tuple[TensorInfo, ...]
    stack_bytes: int
    arena_used_bytes: int | None
    retries: int
    about: Mapping[str, str]


class SharedRun:
    """Samples on devices, in one thread for each. Made for one `run`."""

    def __init__(
        self,
        places: Sequence[Place],
        inputs: Sequence[NDArray[np.generic]],
        progress: Progress,
        *,
        prepare: Callable[[Place, Device, Session], None] = lambda place, device, session: None,
        finish: Callable[[Place, Device, Session], None] = lambda place, device, session: None,
        stateful: bool = False,
        journal: Journal | None = None,
        results: Results | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            places: the devices; all run the same model. The first of them that goes to the end says what board and
                clock the run has.
            inputs: as of `edgeq.devices.run.fitting`.
            progress: told "start" once and one step per sample.
            prepare: called with each device before it gets samples.
            finish: called with each device when no samples are left.
            stateful: the model has variables: the samples are one sequence, which one device runs.
            journal: keeps each answer; None: nobody does.
            results: may have answers already, which are not run again.
        """
        self._places = places
        self._inputs = inputs
        self._progress = progress
        self._prepare = prepare
        self._finish = finish
        self._stateful = stateful
        self._journal = journal
        self._results = results or Results(len(inputs[0]))
        self._left = deque(self._results.missing())
        self._wanted = len(self._left)
        self._working = 0
        self._changed = threading.Condition()
        self._ended: dict[str, _Ended] = {}
        self._dropped: dict[str, UnavailableError] = {}
        self._failure: BaseException | None = None
        self._stop: str | None = None
        self._began: float | None = None

    def run(self) -> DeviceRun:
        """All samples.

        Raises:
            DataError: the inputs do not fit the model on the device.
            DeviceError, LinkError, ToolError: all devices dropped out; the first one's error.
        """
        if len(self._places) == 1:
            self._work(self._places[0])
        else:
            self._work_in_threads()
        if self._failure is not None:
            raise self._failure
        if not self._ended or self._left:
            raise next(self._dropped[place.name] for place in self._places if place.name in self._dropped)
        seconds = time.monotonic() - (self._began or time.monotonic())
        first = next(self._ended[place.name] for place in self._places if place.name in self._ended)
        why = {place.name: e.message if (e := self._dropped.get(place.name)) else None for place in self._places}
        return DeviceRun(
            device=self._devices(),
            board=first.hello.board,
            clock_hz=first.hello.clock_hz,
            outputs=self._results.arrays(first.outputs),
            ticks=self._results.ticks,
            ticks_hz=first.hello.ticks_hz,
            stack_bytes=max(ended.stack_bytes for ended in self._ended.values()) or None,
            seconds=seconds,
            retries=sum(ended.retries for ended in self._ended.values()),
            resumed=len(self._results.ticks) - self._wanted,
            shares=self._results.shares(why),
            arena_used_bytes=first.arena_used_bytes,
            engine=first.hello.engine,
            trace_points=first.hello.trace_point_count,
            about=first.about,
        )

    def _devices(self) -> str:
        return ", ".join(dict.fromkeys(place.device for place in self._places))

    def _work_in_threads(self) -> None:
        threads = [threading.Thread(target=self._guarded, args=(place,), daemon=True) for place in self._places]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(_LOOK)
        except BaseException:  # Ctrl-C: the devices end in the threads that started them
            self._give_up("The run was interrupted.")
            for thread in threads:
                thread.join()
            raise

    def _guarded(self, place: Place) -> None:
        try:
            self._work(place)
        except BaseException as exc:
            self._failure = self._failure or exc
            self._give_up("The run failed on another device.")

    def _give_up(self, why: str) -> None:
        with self._changed:
            self._stop = why
            self._changed.notify_all()

    def _work(self, place: Place) -> None:
        """Start a device, and let it take samples until none are left."""
        with self._changed:
            self._working += 1
        try:
            with place.start(lambda: self._stop) as (device, session):
                self._prepare(place, device, session)
                inputs = fitting(session.inputs, self._inputs)
                self._begin()
                while block := self._take():
                    self._answer(place, session, inputs, block)
                self._finish(place, device, session)
                self._ended[place.name] = _Ended(
                    hello=session.hello, outputs=session.outputs, retries=session.counters.retries,
                    stack_bytes=session.stats().stack_high_water, arena_used_bytes=session.arena_used(),
                    about=facts(session),
                )  # fmt: skip
        except UnavailableError as exc:
            self._dropped[place.name] = exc
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def _begin(self) -> None:
        with self._changed:
            if self._began is None:
                self._began = time.monotonic()
                self._progress.start(f"Running on {self._devices()}", len(self._results.ticks))
                if self._wanted < len(self._results.ticks):
                    self._progress.step(len(self._results.ticks) - self._wanted)

    def _take(self) -> list[int]:
        """The next samples: half of an equal share, so that slow devices hold up nobody (guided self-scheduling). Waits
        while others may still give theirs back; empty if all is done."""
        with self._changed:
            self._working -= 1
            self._changed.notify_all()
            while not self._left and self._working and not self._stop:
                self._changed.wait(_LOOK)
            self._working += 1
            if self._stop:
                return []
            shares = 1 if len(self._places) == 1 else 2 * len(self._places)
            size = max(_SMALLEST_BLOCK, -(-len(self._left) // shares))
            return [self._left.popleft() for _ in range(min(size, len(self._left)))]

    def _answer(self, place: Place, session: Session, inputs: Sequence[NDArray[np.generic]], block: list[int]) -> None:
        done = 0
        try:
            for result in answers(session, inputs, block, stateful=self._stateful):
                outputs = b"".join(result.outputs)
                self._results.put(block[done], outputs, result.ticks, place.name)
                if self._journal is not None:
                    self._journal.put(block[done], outputs, result.ticks, place.name)
                done += 1
                with self._changed:
                    self._progress.step(1)
        finally:
            with self._changed:
                self._left.extendleft(reversed(block[done:]))
                self._changed.notify_all()


def run_samples(
    device: Device, session: Session, inputs: Sequence[NDArray[np.generic]], progress: Progress | None = None
) -> DeviceRun:
    """Every sample once, on one device that is connected already.

    Args:
        device: what runs, for the record.
        session: connected to it.
        inputs: as of `edgeq.devices.samples.fitting`.
        progress: told "start" once and one step per sample.

    Returns:
        Outputs of shape (n, *shape), a leading batch dimension of 1 left out. Ticks are 0 in a traced build.

    Raises:
        DataError: the inputs do not fit the model on the device.
        DeviceError, LinkError: as `Session.run`.
    """
    place = Place(name=device.name, device=device.name, start=lambda _: contextlib.nullcontext((device, session)))
    return SharedRun([place], inputs, progress or Progress()).run()
