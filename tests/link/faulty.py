"""A device in this process behind a pseudo-terminal, on a line that damages what travels on it."""

from __future__ import annotations

import contextlib
import os
import pty
import random
import select
import threading
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from link_firmware import PythonModel

from edgeq.devices.responder import Responder


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Probabilities per byte, in both directions; `garbage` of some noise before a piece of data."""

    flip: float = 0.0
    drop: float = 0.0
    double: float = 0.0
    garbage: float = 0.0
    split: bool = False
    delay: float = 0.0  # longest, in seconds, per piece
    seed: int = 0


class FaultyDevice:
    """Runs in a thread. `url` is what to connect to; `mute` swallows everything while it is set."""

    def __init__(
        self, faults: Faults, *, input_bytes: int = 300, max_payload: int = 256,
        make: Callable[[Callable[[bytes], object]], Responder] | None = None,
    ) -> None:  # fmt: skip
        self.model = PythonModel(input_bytes)
        self.faults = faults
        self.mute = threading.Event()
        self.resets = 0
        self.reset_before_runs: set[int] = set()
        self._make = make or (lambda send: Responder(self.model, send, max_payload=max_payload))
        self._rng = random.Random(faults.seed)  # noqa: S311
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.url = os.ttyname(self._slave)
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._stopped)
        self._thread.join()
        for fd in (self._stop, self._master, self._slave):
            os.close(fd)

    def _mangled(self, data: bytes) -> bytes:
        faults, rng, out = self.faults, self._rng, bytearray()
        if self.mute.is_set():
            return b""
        if rng.random() < faults.garbage:
            out += rng.randbytes(rng.randrange(40))
        for byte in data:
            chance = rng.random()
            if chance < faults.drop:
                continue
            if chance < faults.drop + faults.double:
                out.append(byte)
            flipped = rng.random() < faults.flip
            out.append(byte ^ (1 << rng.randrange(8)) if flipped else byte)
        if faults.delay and rng.random() < 0.1:
            time.sleep(rng.random() * faults.delay)
        return bytes(out)

    def _send(self, data: bytes) -> None:
        data = self._mangled(data)
        while data:
            piece = data[: self._rng.randrange(1, 60)] if self.faults.split else data
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self._master, piece) :]
                continue
            if self._stop in select.select([self._stop], [self._master], [], 1.0)[0]:
                raise SystemExit

    def _serve(self) -> None:
        while True:
            responder = self._make(self._send)
            while not responder.reset_requested:
                if self._stop in select.select([self._stop, self._master], [], [])[0]:
                    return
                data = self._mangled(os.read(self._master, 4096))
                if self.model.runs in self.reset_before_runs:
                    # The power fails while the next input travels: everything but the model's own count is lost.
                    self.reset_before_runs.remove(self.model.runs)
                    self.resets += 1
                    break
                responder.receive(data)
