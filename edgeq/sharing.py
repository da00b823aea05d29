"""A build's samples shared by devices, and picked up where an interrupted run left them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeq.devices.base import Device
from edgeq.devices.names import is_adb, is_serial
from edgeq.devices.results import Journal, Results
from edgeq.devices.run import Place, SharedRun, Start
from edgeq.errors import InputError, UnavailableError
from edgeq.generate.manifest import NAME as MANIFEST
from edgeq.link.session import Session
from edgeq.records import DeviceRun, Profile, Progress


def journal_of(folder: Path) -> Path:
    """Where the answers of a run of the build in `folder` are kept until it is done: beside it."""
    place = folder.resolve()
    return place.with_name(f"{place.name}.journal")


def identity_of(folder: Path) -> str:
    """The build in a folder: SHA-256 of its manifest, which has those of all files."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def expanded(devices: Sequence[str], jobs: int) -> tuple[str, ...]:
    """The devices of `--device a --device b --jobs N`: one that is named alone, N times.

    Raises:
        InputError: several jobs for several devices, or for a port, which is one board.
    """
    twice = next((d for d in devices if _is_one(d) and devices.count(d) > 1), None)
    if twice is not None:
        raise InputError(f"{twice} is one board, and named twice.", hint="Name each port once.")
    if jobs == 1:
        return tuple(devices)
    if len(devices) > 1:
        raise InputError("--jobs starts several of one device.", hint="Repeat --device instead, and leave --jobs out.")
    if _is_one(devices[0]):
        raise InputError(f"{devices[0]} is one board: it cannot do {jobs} jobs.", hint="Name each board: --device.")
    return (devices[0],) * jobs


def _is_one(device: str) -> bool:
    return is_serial(device) or is_adb(device)


def run_shared(
    starts: Mapping[str, Start],
    devices: Sequence[str],
    inputs: Sequence[NDArray[np.generic]],
    progress: Progress,
    *,
    profile: Callable[[str, Device, Session], Profile | None],
    stateful: bool,
    identity: str,
    journal: Path | None,
    resume: bool,
) -> tuple[DeviceRun, Profile | None, bool]:
    """All samples through the devices.

    Args:
        starts: how to start each kind of device.
        devices: which; a kind may be there several times.
        inputs: one array per model input.
        progress: told how far it is.
        profile: what one inference costs; called with the first of `devices`, and with others only where that one says
            None, or drops out.
        stateful: the model has variables.
        identity: of what runs, in hex: a journal of something else is refused.
        journal: keeps answers; None: nothing does.
        resume: whether to begin with what it has.

    Returns:
        The run, the profile, and whether all self-tests passed.

    Raises:
        InputError: there is nothing to resume, or of another build; another run of the build is under way; or a model
            with variables, whose samples one device runs in one go.
        UnavailableError: all devices dropped out; the hint tells how to resume.
        KeyboardInterrupt: likewise, in a note.
    """
    if stateful and (resume or len(devices) > 1):
        raise InputError(
            "The model has variables: its samples are one sequence, which one device runs in one go.",
            hint="Leave out --jobs and --resume, and name one --device.",
        )
    book, results = None, Results(len(inputs[0]))
    if journal is not None and not stateful:
        book = Journal(journal, identity)
        book.claim()
        if resume:
            book.resume(results)
    names = [d if devices.count(d) == 1 else f"{d} {devices[: i + 1].count(d)}" for i, d in enumerate(devices)]
    places = [
        Place(name=name, device=device, start=starts[device]) for name, device in zip(names, devices, strict=True)
    ]
    side = _Beside(profile, places[0])
    done = False
    try:
        ran = SharedRun(
            places, inputs, progress, prepare=side.prepare, finish=side.finish, stateful=stateful, journal=book,
            results=results,
        ).run()  # fmt: skip
        done = True
    except (UnavailableError, KeyboardInterrupt) as exc:
        if book is not None and book.kept:
            text = f"{book.kept} answers are kept in {book.path}: the same command with --resume does the rest."
            if isinstance(exc, KeyboardInterrupt):
                exc.add_note(text)
            else:
                exc.hint = f"{exc.hint}\n{text}" if exc.hint else text
        raise
    finally:
        if book is not None:
            book.close(done=done)
    return ran, side.profile, side.passed


class _Beside:
    """What devices do besides the samples: each has its self-test run, and one is profiled: the first in the user's
    order that can be, whoever is ready first."""

    def __init__(self, measure: Callable[[str, Device, Session], Profile | None], first: Place) -> None:
        self.profile: Profile | None = None
        self.passed = True
        self._measure = measure
        self._first = first
        self._lock = threading.Lock()  # of `passed`
        self._measuring = threading.Lock()  # of `profile`, held for many inferences: only `finish` waits for it

    def prepare(self, place: Place, device: Device, session: Session) -> None:
        if place is self._first:
            with self._measuring:
                self.profile = self._measure(place.device, device, session)
        passed = session.selftest()  # takes as long as an inference: not under the lock
        with self._lock:
            self.passed = self.passed and passed

    def finish(self, place: Place, device: Device, session: Session) -> None:
        with self._measuring:
            if self.profile is None and place is not self._first:
                self.profile = self._measure(place.device, device, session)
