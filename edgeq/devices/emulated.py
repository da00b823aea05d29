"""A Cortex-M board emulated by Unicorn, in a child process, behind a pseudo-terminal."""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from edgeq import process
from edgeq.boards import Board
from edgeq.closing import Closing
from edgeq.devices.base import RX_WINDOW
from edgeq.errors import DeviceError

_START_TIMEOUT = 30.0
_ANSWER_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCounts:
    """Blocks that ran: (operator, address, bytes, executions). Operator −1 is the engine between its operators, −2
    everything outside of the inference. `runs` is how many inferences there were."""

    runs: int
    blocks: tuple[tuple[int, int, int, int], ...]


class EmulatedDevice(Closing):
    """The board, running from the moment this object exists. See `edgeq.devices.base.Device`."""

    def __init__(self, elf: Path, board: Board, *, symbol: str | None = None) -> None:
        """Boot an image.

        Args:
            elf: the image.
            board: the board to play; its `unicorn_cpu` must be set.
            symbol: the project's C prefix. With it, the costly check for misaligned accesses ends with the first
                inference; without it, it stays on.

        Raises:
            DeviceError: the emulator did not start; the message has its words.
        """
        if board.unicorn_cpu is None:
            raise DeviceError(
                f"The built-in emulator cannot play {board.name}: it has no {board.core}.", hint="Use --device qemu."
            )
        if sys.platform == "win32":
            raise DeviceError("--device emulated needs pseudo-terminals, which Windows does not have.")
        argv = [sys.executable, "-P", "-m", "edgeq.devices.unicorn_child", str(elf.resolve()), str(board.folder)]
        self._what = f"Emulating {board.name}"
        self._child = process.start(
            [*argv, *([f"{symbol}_invoke"] if symbol else [])],
            what=self._what,
            env=process.own_environment(),
            error=DeviceError,
        )
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._errors = bytearray()
        self._failure: str | None = None
        self._readers = [threading.Thread(target=t, daemon=True) for t in (self._read_answers, self._read_errors)]
        for reader in self._readers:
            reader.start()
        try:
            self._url = str(self._answer(_START_TIMEOUT)["pty"])
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """What reports call it."""
        return "emulated"

    @property
    def url(self) -> str:
        """The pseudo-terminal."""
        return self._url

    @property
    def rx_window(self) -> int:
        """An emulated receiver is not asked for a byte before the last one was read: what arrives waits in the line."""
        return RX_WINDOW

    def failure(self) -> str | None:
        """What the core saw when it faulted: access, address, function. Or how the emulator ended."""
        if self._child.poll() is not None:
            return f"{self._what}: the emulator ended (status {self._child.returncode}).{self._words()}"
        return f"{self._what}: {self._failure}." if self._failure else None

    def start_counting(self, invoke: str, operators: tuple[str, ...]) -> None:
        """Count executed blocks from now on; the board's counter then follows the instructions.

        Args:
            invoke: the engine's invoke function.
            operators: the C function of each kernel call.

        Raises:
            DeviceError: the firmware is not waiting for a request.
        """
        self._ask({"do": "count", "invoke": invoke, "operators": list(operators)}, _ANSWER_TIMEOUT)

    def stop_counting(self) -> BlockCounts:
        """What ran since `start_counting`.

        Raises:
            DeviceError: the firmware is not waiting for a request.
        """
        answer = self._ask({"do": "counts"}, _ANSWER_TIMEOUT)
        return BlockCounts(
            runs=int(answer["runs"]), blocks=tuple((int(s), int(a), int(n), int(k)) for s, a, n, k in answer["counts"])
        )

    def close(self) -> None:
        """End the emulator."""
        process.stop(self._child)

    def _ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        try:
            _pipe(self._child.stdin).write(json.dumps(request).encode() + b"\n")
            _pipe(self._child.stdin).flush()
        except OSError as exc:
            raise DeviceError(f"{self._what}: the emulator ended.{self._words()}") from exc
        answer = self._answer(timeout)
        if "error" in answer:
            raise DeviceError(f"{self._what}: {answer['error']}.")
        return answer

    def _answer(self, timeout: float) -> dict[str, Any]:
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise DeviceError(f"{self._what}: the emulator does not answer.") from None
        if answer is None:
            self._child.wait()
            self._readers[1].join(1.0)
            raise DeviceError(f"{self._what}: the emulator ended (status {self._child.returncode}).{self._words()}")
        return answer

    def _read_answers(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in _pipe(self._child.stdout):
                message = json.loads(line)
                if "failure" in message:
                    self._failure = message["failure"]
                else:
                    self._answers.put(message)
        self._answers.put(None)

    def _read_errors(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in _pipe(self._child.stderr):
                self._errors += line

    def _words(self) -> str:
        lines = self._errors.decode(errors="replace").strip().splitlines()[-5:]
        return "\n" + "\n".join("  " + line for line in lines) if lines else ""


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise DeviceError("The emulator was started without pipes.")
    return stream
