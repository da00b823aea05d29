"""A reference interpreter in a child process, fed with one model after another.

A crash of native code (segmentation fault, abort) or a hang ends the child: the caller gets an InterpreterError, and
the next request starts a new child.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import InterpreterError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Graph, Tensor
from edgeq.model.naming import tensor_name
from edgeq.records import Reference
from edgeq.reference.children import Child, left, started
from edgeq.reference.samples import empty, fit, safe_arena, without_batch
from edgeq.reference.wire import Arrays, receive, send

__all__ = ["STALL_SECONDS", "TITLES", "ReferenceWorker", "safe_arena"]

TITLES = {
    Reference.TFLM: "TensorFlow Lite Micro",
    Reference.LITERT_REFERENCE: "LiteRT (reference kernels)",
    Reference.LITERT_DEFAULT: "LiteRT (default kernels)",
    Reference.LITERT_BUILTIN: "LiteRT (its own kernels, without XNNPACK)",
}

# A silent child is stopped after this many seconds: longer than any single inference of a microcontroller's model.
STALL_SECONDS = 120.0

_LOG_LINES = 8


class ReferenceWorker:
    """Runs models in one reference interpreter.

    ::

        with ReferenceWorker(Reference.TFLM) as worker:
            for content, inputs in cases:
                outputs = worker.run(content, inputs)

    Not thread-safe; use one per thread.
    """

    def __init__(self, reference: Reference, *, stall_seconds: float = STALL_SECONDS) -> None:
        """Starts nothing yet: the child starts with the first request."""
        self.reference = reference
        self._stall_seconds = stall_seconds
        self._child: Child | None = None
        self._stalled = False
        self._aborted = False

    def __enter__(self) -> Self:
        """The worker itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the child; within `edgeq.reference.kept_children` it stays for the next worker."""
        if self._child is None or self._aborted:
            self.close()
        else:
            child, self._child = self._child, None
            left(self.reference, child)

    def close(self) -> None:
        """End the child, if there is one. The worker may be used again."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def abort(self) -> None:
        """Kill the child from another thread, for good: a call that waits for it ends with an InterpreterError."""
        self._aborted = True
        if self._child is not None:
            self._child.process.kill()

    def run(
        self, content: bytes, inputs: Sequence[NDArray[np.generic]], *, step: Callable[[int], object] | None = None
    ) -> Arrays:
        """The model's outputs.

        Args:
            content: the .tflite.
            inputs: one array per model input in the input's dtype, shape (n, *shape), where a leading batch dimension
                of 1 in the model's shape may be left out.
            step: called with the number of samples done since the last call.

        Returns:
            One array per model output: (n, *shape), a leading batch dimension of 1 left out.

        Raises:
            ModelError: the bytes are no .tflite.
            DataError: the inputs do not fit the model.
            InterpreterError: the interpreter refused the model, crashed or hung.
        """
        graph = parse_tflite(content)
        found, _ = self._ask(content, graph, inputs, collect="outputs", indices=range(len(graph.outputs)), step=step)
        return tuple(
            self._shaped(values, tensor).reshape(len(values), *without_batch(tensor))
            for values, tensor in zip(found, graph.output_tensors, strict=True)
        )

    def tensors(
        self,
        content: bytes,
        inputs: Sequence[NDArray[np.generic]],
        tensors: Sequence[int],
        *,
        step: Callable[[int], object] | None = None,
    ) -> Arrays:
        """The values of the .tflite's tensors `tensors`, each (n, *tensor shape). Arguments and errors as in `run`."""
        graph = parse_tflite(content)
        found, _ = self._ask(content, graph, inputs, collect="tensors", indices=tensors, step=step)
        return tuple(self._shaped(values, graph.tensors[i]) for values, i in zip(found, tensors, strict=True))

    def crcs(
        self,
        content: bytes,
        inputs: Sequence[NDArray[np.generic]],
        tensors: Sequence[int],
        *,
        step: Callable[[int], object] | None = None,
    ) -> NDArray[np.uint32]:
        """CRC-32 (zlib's) of the tensors' little-endian bytes, (n, len(tensors)). Otherwise as `tensors`."""
        found, _ = self._ask(content, parse_tflite(content), inputs, collect="crcs", indices=tensors, step=step)
        samples = len(inputs[0])
        if not tensors:
            return np.zeros((samples, 0), np.uint32)
        return np.stack([column.astype(np.uint32).reshape(samples) for column in found], axis=1)

    def arena_bytes(self, content: bytes) -> int:
        """Bytes of the smallest TFLM arena, to 16, that the model runs in on this (64-bit) host. Errors as in `run`.

        What TFLM reports as used is not always enough: while it plans the memory it needs more for a moment, which
        shows where activations are small. From the reported size the search goes upwards, by running the model.
        """
        graph = parse_tflite(content)
        zeros = [np.zeros((1, *t.shape), t.dtype.value) for t in graph.input_tensors]
        _, header = self._ask(content, graph, zeros, collect="arena")

        def runs_in(size: int) -> bool:
            try:
                self._ask(content, graph, zeros, collect="outputs", arena_bytes=size)
            except InterpreterError:
                return False
            return True

        too_small, enough = header["arena_bytes"] // 16 - 1, safe_arena(graph) // 16
        step = 1
        while too_small + step < enough:
            if runs_in(16 * (too_small + step)):
                enough = too_small + step
            else:
                too_small += step
                step *= 2
        while enough - too_small > 1:
            middle = (too_small + enough) // 2
            if runs_in(16 * middle):
                enough = middle
            else:
                too_small = middle
        return 16 * enough

    def _shaped(self, values: NDArray[np.generic], tensor: Tensor) -> NDArray[np.generic]:
        if values.shape[1:] == tensor.shape:
            return values
        raise InterpreterError(
            f"{TITLES[self.reference]} computed shape {values.shape[1:]} where the model says {tensor.shape} "
            f"({tensor_name(tensor)}).",
            hint="The file is inconsistent: convert the model again.",
        )

    def _ask(
        self,
        content: bytes,
        graph: Graph,
        inputs: Sequence[NDArray[np.generic]],
        *,
        collect: str,
        indices: Sequence[int] = (),
        arena_bytes: int | None = None,
        step: Callable[[int], object] | None = None,
    ) -> tuple[Arrays, dict[str, Any]]:
        arrays = fit(graph, inputs)
        samples = len(arrays[0])
        request = {
            "collect": collect,
            "indices": list(indices),
            "samples": samples,
            "arena_bytes": arena_bytes or safe_arena(graph),
        }
        found, header = self._exchange(request, (np.frombuffer(content, np.uint8), *arrays), step)
        if not found and indices:
            found = tuple(empty(graph, collect, index) for index in indices)
        return found, header

    def _exchange(
        self, request: dict[str, Any], arrays: Arrays, step: Callable[[int], object] | None
    ) -> tuple[Arrays, dict[str, Any]]:
        child = self._started().process
        told = 0
        try:
            self._guarded(child, lambda stream: send(stream, request, arrays), cast(BinaryIO, child.stdin))
            while True:
                header, found = self._guarded(child, receive, cast(BinaryIO, child.stdout))
                if "progress" not in header:
                    break
                told += header["progress"]
                if step is not None:
                    step(header["progress"])
        except BaseException:
            self.close()  # an answer may be on its way that nobody will read
            raise
        if "refused" in header:
            raise InterpreterError(
                f"{TITLES[self.reference]} refused the model: {header['refused']}{self._last_words()}",
                hint="An op that it does not have, or a value out of its range: `edgeq inspect` shows the model's ops.",
            )
        if step is not None and request["samples"] > told:
            step(request["samples"] - told)
        return found, header

    def _guarded(self, child: subprocess.Popen[bytes], action: Callable[[BinaryIO], Any], stream: BinaryIO) -> Any:
        """Does I/O with the child; a child that is silent for too long is killed, which ends the I/O.

        Raises:
            InterpreterError: the child is gone.
        """

        def stop() -> None:
            self._stalled = True
            child.kill()

        self._stalled = False
        timer = threading.Timer(self._stall_seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            return action(stream)
        except (OSError, EOFError) as exc:
            raise self._broken(child) from exc
        finally:
            timer.cancel()

    def _broken(self, child: subprocess.Popen[bytes]) -> InterpreterError:
        try:
            code = child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        title, words = TITLES[self.reference], self._last_words()
        if not words and child.stderr is not None:
            words = _quoted(child.stderr.read().decode(errors="replace"))  # what it said before it opened the log
        self.close()
        if self._stalled:
            return InterpreterError(
                f"{title} gave no sign of life for {self._stall_seconds:g} s on this model and was stopped.{words}",
                hint="Leave this reference out of the comparison, or try a smaller model.",
            )
        if code < 0:
            name = signal.Signals(-code).name
            return InterpreterError(
                f"{title} crashed on this model ({name}).{words}",
                hint="Only the child process died. Look at `edgeq inspect` for degenerate scales and unusual shapes, "
                "or leave this reference out of the comparison.",
            )
        return InterpreterError(
            f"{title}'s process ended with exit status {code}.{words}",
            hint="`edgeq doctor` shows what is installed, and the command that fixes it.",
        )

    def _last_words(self) -> str:
        return "" if self._child is None else _quoted(self._child.words())

    def _started(self) -> Child:
        if self._child is not None and self._child.lives:
            return self._child
        self.close()
        self._child = started(self.reference, TITLES[self.reference])
        if self._aborted:
            self.close()
            raise InterpreterError(f"{TITLES[self.reference]} was stopped.")
        return self._child


def _quoted(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()][-_LOG_LINES:]
    return "\nIts last words:\n" + "\n".join("  " + line for line in lines) if lines else ""
