"""The child process behind `--device tflm-host`: the C array of a shared library, run by TFLM's interpreter.

python -m edgeq.devices.tflm_host_child LIBRARY ARRAY
"""

from __future__ import annotations

import ctypes
import hashlib
import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from elftools.elf.elffile import ELFFile

from edgeq.devices.host_model import Inferred
from edgeq.devices.pty_server import serve
from edgeq.errors import EdgeqError
from edgeq.link.about import TensorInfo
from edgeq.link.codes import HelloFlag, Status
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Tensor, computed_tensors
from edgeq.reference.tflm import TflmSession
from edgeq.reference.worker import safe_arena


def read_array(library: str, name: str) -> bytes:
    """The array's bytes as the loaded library has them; its size is the symbol's.

    Raises:
        SystemExit: there is no such array.
    """
    with open(library, "rb") as file:  # noqa: PTH123 (a plain path from the command line)
        table = ELFFile(file).get_section_by_name(".dynsym")
        found = table.get_symbol_by_name(name) if table is not None else None
        if not found:
            raise SystemExit(f"{library} has no array {name}")
        size = int(found[0]["st_size"])
    return bytes((ctypes.c_char * size).in_dll(ctypes.CDLL(library), name))


def _info(tensor: Tensor, index: int, output: bool) -> TensorInfo:
    quantization = tensor.quantization
    return TensorInfo(
        output=output,
        index=index,
        name=tensor.name,
        dtype=tensor.dtype.value,
        shape=tensor.shape,
        nbytes=tensor.nbytes,
        scale=quantization.scale if quantization is not None else 0.0,
        zero_point=quantization.zero_point if quantization is not None else 0,
    )


class TflmModel:
    """A `edgeq.devices.host_model.HostModel` on TFLM. `content` is a .tflite."""

    engine = "tflm"
    board = "host"
    flags = HelloFlag.TRACED | HelloFlag.INTERPRETER
    clock_hz = ticks_hz = 0
    about: ClassVar[Mapping[str, str]] = {}

    def __init__(self, content: bytes, name: str) -> None:
        """Load it."""
        self._content = content
        self._graph = parse_tflite(content)
        self._points = computed_tensors(self._graph)
        self._plain = TflmSession(content, arena_bytes=safe_arena(self._graph), keep_tensors=False)
        self._keeping: TflmSession | None = None
        self.name = name
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.inputs = tuple(_info(t, i, False) for i, t in enumerate(self._graph.input_tensors))
        self.outputs = tuple(_info(t, i, True) for i, t in enumerate(self._graph.output_tensors))
        self.op_count = len(self._graph.ops)
        self.trace_point_count = len(self._points)
        self.arena_bytes = self._plain.arena_bytes()

    def _run(self, session: TflmSession, inputs: Sequence[bytes]) -> tuple[bytes, ...]:
        for i, (tensor, data) in enumerate(zip(self._graph.input_tensors, inputs, strict=True)):
            session.set_input(i, np.frombuffer(data, tensor.dtype.value).reshape(tensor.shape))
        session.invoke()
        return tuple(np.ascontiguousarray(session.output(i)).tobytes() for i in range(len(self.outputs)))

    def _with_tensors(self) -> TflmSession:
        if self._keeping is None:
            self._keeping = TflmSession(self._content, arena_bytes=safe_arena(self._graph), keep_tensors=True)
        return self._keeping

    def invoke(self, inputs: Sequence[bytes], repeat: int = 1) -> Inferred:
        """The outputs of `repeat` inferences."""
        for _ in range(repeat - 1):
            self._run(self._plain, inputs)
        return Inferred(outputs=self._run(self._plain, inputs))

    def points(self, inputs: Sequence[bytes]) -> tuple[bytes, ...]:
        """The tensors at all trace points."""
        session = self._with_tensors()
        self._run(session, inputs)
        return tuple(np.ascontiguousarray(session.tensor(i)).tobytes() for i in self._points)

    def op_times(self, inputs: Sequence[bytes]) -> None:
        """TFLM's wheel tells none."""

    def selftest(self) -> Status:
        """Both ways to plan the arena must give the same outputs. Variables begin anew before and after it."""
        ramp = [bytes(i * 37 % 256 for i in range(t.nbytes)) for t in self.inputs]
        self._begin_anew()
        same = self._run(self._plain, ramp) == self._run(self._with_tensors(), ramp)
        self._begin_anew()
        return Status.OK if same else Status.MISMATCH

    def _begin_anew(self) -> None:
        if self._graph.is_stateful:
            self._plain = TflmSession(self._content, arena_bytes=safe_arena(self._graph), keep_tensors=False)
            self._keeping = None


def main(library: str, array: str) -> None:
    """Serve the array of the library.

    Raises:
        SystemExit: with TFLM's words, if it refuses the model.
    """
    try:
        model = TflmModel(read_array(library, array), array)
    except (RuntimeError, ValueError, EdgeqError) as exc:
        raise SystemExit(f"TensorFlow Lite Micro refuses the model: {exc}") from exc
    serve(model)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
