"""Answers to samples as they come in, from whichever device, and the file that keeps them over an interruption."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sys
import threading
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import InputError
from edgeq.link.about import TensorInfo
from edgeq.records import DeviceShare

_FORM = 1
_BINARY = getattr(os, "O_BINARY", 0)  # Windows
_SYNC_SECONDS = 1.0
SECONDS_UNTIL_KEPT = 3.0
"""How long a run takes before its answers are kept."""


def sample_shape(tensor: TensorInfo) -> tuple[int, ...]:
    """The tensor's shape without a leading batch dimension of 1."""
    return tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape


class Results:
    """Room for the answers to `samples` samples. `put` may be called from any thread."""

    def __init__(self, samples: int) -> None:
        """Nothing is answered yet, and the outputs' shapes are not known."""
        self.ticks = np.zeros(samples, np.uint32)
        self._raw: list[bytes | None] = [None] * samples
        self._device: list[str] = [""] * samples
        self._lock = threading.Lock()

    def put(self, sample: int, outputs: bytes, ticks: int, device: str) -> None:
        """One answer: all outputs, one behind the other, little-endian."""
        with self._lock:
            self._raw[sample] = outputs
            self.ticks[sample] = ticks
            self._device[sample] = device

    def missing(self) -> list[int]:
        """Samples without an answer, in order."""
        return [i for i, raw in enumerate(self._raw) if raw is None]

    def arrays(self, tensors: Sequence[TensorInfo]) -> tuple[NDArray[np.generic], ...]:
        """One array per output, shape (n, *shape), a leading batch dimension of 1 left out.

        Raises:
            InputError: an answer has another size than the outputs.
        """
        sizes, total = [t.nbytes for t in tensors], sum(t.nbytes for t in tensors)
        rows = [raw or b"" for raw in self._raw]
        if any(len(row) != total for row in rows):
            raise InputError(f"The answers do not have the {total} bytes of the model's outputs.")
        arrays, at = [], 0
        for tensor, size in zip(tensors, sizes, strict=True):
            dtype = np.dtype(tensor.dtype).newbyteorder("<")
            flat = np.frombuffer(b"".join(row[at : at + size] for row in rows), dtype)
            arrays.append(flat.reshape(len(rows), *sample_shape(tensor)).astype(dtype.newbyteorder("=")))
            at += size
        return tuple(arrays)

    def shares(self, failures: Mapping[str, str | None]) -> tuple[DeviceShare, ...]:
        """Who answered what: every device of this run (`failures` says why it dropped out), and those of earlier ones
        that it resumed."""
        names = dict.fromkeys([*failures, *(name for name in self._device if name)])
        return tuple(
            DeviceShare(
                device=name,
                samples=self._device.count(name),
                ranges=_ranges(self._device, name),
                failure=failures.get(name),
            )
            for name in names
        )


def _ranges(owners: Sequence[str], name: str) -> tuple[tuple[int, int], ...]:
    """First and last index of each row of `name`s."""
    found: list[tuple[int, int]] = []
    for i, owner in enumerate(owners):
        if owner != name:
            continue
        if found and found[-1][1] == i - 1:
            found[-1] = (found[-1][0], i)
        else:
            found.append((i, i))
    return tuple(found)


class Journal:
    """The answers so far in a file, one a line, each with a checksum: a torn last line is no answer.

    The first line ties it to what ran. The file appears when the run has taken some seconds: shorter ones are quicker
    repeated than resumed. It belongs to the run that writes it: a lock keeps others away. May be used from any thread.
    """

    def __init__(self, path: Path, digest: str) -> None:
        """Nothing is read or written yet.

        Args:
            path: of the file.
            digest: SHA-256 of the build's manifest, which has those of the image, the model and the samples.
        """
        self.path = path
        self._head = {"journal": _FORM, "manifest": digest}
        self._file: int | None = None
        self._lock = threading.Lock()
        self._began = self._synced = time.monotonic()
        self._waiting: list[bytes] | None = []
        self._kept = 0

    def claim(self) -> None:
        """Make sure that no other run keeps its answers in this file.

        Raises:
            InputError: one does.
        """
        with contextlib.suppress(FileNotFoundError, PermissionError):
            file = os.open(self.path, os.O_RDONLY)
            try:
                self._lock_file(file)
            finally:
                os.close(file)

    def resume(self, results: Results) -> int:
        """Put what the file has into `results`, and go on behind it; how many answers there were.

        Raises:
            InputError: there is no such file, it belongs to another build, or another run is writing it.
        """
        try:
            file = self._opened(os.O_RDWR)
        except OSError as exc:
            raise InputError(
                f"There is nothing to resume: {self.path} cannot be opened ({exc.strerror or exc}).",
                hint="A run that was interrupted leaves that file; without it, run without --resume.",
            ) from exc
        try:
            good = self._take_over(_content(file), results)
            os.ftruncate(file, good)
            os.lseek(file, 0, os.SEEK_END)
        except BaseException:
            os.close(file)
            raise
        self._file, self._waiting = file, None
        return self._kept

    def _take_over(self, content: bytes, results: Results) -> int:
        """The answers in `content` to `results`; how many of its bytes are good."""
        lines = content.split(b"\n")[:-1]
        head = _parsed(lines[0]) if lines else None
        if head is None or head.get("journal") != _FORM:
            raise InputError(f"{self.path} is no journal of a run.", hint="Run without --resume.")
        if head != self._head:
            raise InputError(
                f"{self.path} belongs to another build: model, image, samples or options were changed since.",
                hint="Run without --resume: all samples run again.",
            )
        good = len(lines[0]) + 1
        for line in lines[1:]:
            values = _parsed(line)
            if values is None:
                break
            good += len(line) + 1
            if 0 <= values["sample"] < len(results.ticks):
                results.put(values["sample"], base64.b64decode(values["outputs"]), values["ticks"], values["device"])
                self._kept += 1
        return good

    def put(self, sample: int, outputs: bytes, ticks: int, device: str) -> None:
        """Keep one answer; it survives the end of this process, and after a second a power failure.

        A file that cannot be made is no reason not to run: then nothing is kept.

        Raises:
            InputError: the disk is full or gone.
        """
        text = base64.b64encode(outputs).decode()
        line = _line({"sample": sample, "ticks": ticks, "device": device, "outputs": text})
        with self._lock:
            if self._waiting is not None:
                self._waiting.append(line)
                if time.monotonic() < self._began + SECONDS_UNTIL_KEPT:
                    return
                lines, self._waiting = [_line(self._head), *self._waiting], None
                self._begin(lines)
            elif self._file is not None:
                self._write(line)
                self._kept += 1

    def close(self, *, done: bool) -> None:
        """Remove the file if the run is done, also one of an earlier run that was too short to write its own."""
        with self._lock:
            with contextlib.suppress(OSError, InputError):
                if done and self._file is None:
                    self._file = self._opened(os.O_RDONLY)
                if done and sys.platform != "win32":  # while it is still locked: nobody else has begun to write
                    self.path.unlink(missing_ok=True)
            if self._file is not None:
                os.close(self._file)
                self._file = None
                if done and sys.platform == "win32":  # where open files stay
                    with contextlib.suppress(OSError):
                        self.path.unlink(missing_ok=True)

    @property
    def kept(self) -> int:
        """How many answers the file has."""
        return self._kept

    def _begin(self, lines: Sequence[bytes]) -> None:
        """A new file with what there is so far, or none."""
        with contextlib.suppress(InputError):
            try:
                self._file = self._opened(os.O_WRONLY | os.O_CREAT)
            except OSError:
                return
            try:
                os.ftruncate(self._file, 0)
                self._write(b"".join(lines))
                self._kept = len(lines) - 1
            except InputError:
                if self._file is not None:
                    os.close(self._file)
                self._file = None
                self.path.unlink(missing_ok=True)
                raise

    def _opened(self, flags: int) -> int:
        """The file, locked, and still the one of that name: another run may have removed it meanwhile."""
        for last in (False, False, True):  # not without end: there may be file systems that count no names
            file = os.open(self.path, flags | _BINARY, 0o666)
            try:
                self._lock_file(file)
                if last or os.fstat(file).st_nlink:
                    break
            except BaseException:
                os.close(file)
                raise
            os.close(file)
        return file

    def _lock_file(self, file: int) -> None:
        """Until `file` is closed, or its process has ended. Windows has no such locks."""
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise InputError(
                    f"Another run of this build is under way: it keeps its answers in {self.path}.",
                    hint="Wait until it is done, or end it.",
                ) from exc
            except OSError:
                pass  # a file system without locks

    def _write(self, lines: bytes) -> None:
        assert self._file is not None  # noqa: S101 (opened by the callers)
        try:
            left = memoryview(lines)
            while left:
                left = left[os.write(self._file, left) :]
            if time.monotonic() > self._synced + _SYNC_SECONDS:
                os.fsync(self._file)
                self._synced = time.monotonic()
        except OSError as exc:
            raise InputError(f"{self.path} cannot be written: {exc.strerror or exc}.") from exc


def _content(file: int) -> bytes:
    pieces = iter(lambda: os.read(file, 1 << 20), b"")
    return b"".join(pieces)


def _line(values: Mapping[str, object]) -> bytes:
    text = json.dumps(values)
    return f"{zlib.crc32(text.encode()):08x} {text}\n".encode()


def _parsed(line: bytes) -> dict[str, Any] | None:
    check, _, text = line.partition(b" ")
    if check != f"{zlib.crc32(text):08x}".encode():
        return None
    values = json.loads(text)
    return values if isinstance(values, dict) else None
