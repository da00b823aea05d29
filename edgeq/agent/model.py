"""A .tflite in LiteRT's interpreter, as what `edgeq.devices.responder` serves."""

from __future__ import annotations

import hashlib
import importlib.metadata
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from edgeq.agent.litert_c import LiteRtError
from edgeq.agent.machine import allowed_cpus, clock_hz, format_cpus, governor, machine_name, platform_name
from edgeq.agent.profiler import op_times
from edgeq.devices.host_model import InferenceError, Inferred
from edgeq.errors import InputError, ModelError
from edgeq.link.about import PER_OP_PROFILE, OpTime, TensorInfo
from edgeq.link.codes import HelloFlag, Status
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import computed_tensors

TICKS_HZ = 10_000_000
"""0.1 µs a tick: 32 bits hold seven minutes."""

_OP_PROFILE = "by LiteRT's profiler, in whole microseconds"


class Kernels(Enum):
    """Which of LiteRT's kernels compute: its defaults (XNNPACK where it has the op), its own without XNNPACK, or the
    reference kernels."""

    DEFAULT = "default"
    BUILTIN = "builtin"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Set:
    """A set of kernels: the names of it in LiteRT's interpreter, its C API and HELLO, and what a person is told."""

    resolver: OpResolverType
    mode: str
    engine: str
    words: str


_SETS = {
    Kernels.DEFAULT: _Set(
        resolver=OpResolverType.AUTO, mode="delegate", engine="litert",
        words="XNNPACK, and LiteRT's own for ops that it lacks",
    ),
    Kernels.BUILTIN: _Set(
        resolver=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, mode="builtin", engine="litert-builtin",
        words="LiteRT's own, without XNNPACK",
    ),
    Kernels.REFERENCE: _Set(
        resolver=OpResolverType.BUILTIN_REF, mode="reference", engine="litert-reference",
        words="LiteRT's reference kernels",
    ),
}  # fmt: skip


class LiteRtModel:
    """A `edgeq.devices.host_model.HostModel`. Ticks are the wall time of LiteRT's `invoke` alone.

    Layers are traced in a second interpreter that keeps every tensor, made when it is first asked for; the measured one
    stays as it is. The self-test says whether both give the same outputs.
    """

    def __init__(self, path: Path, *, kernels: Kernels, threads: int, emulated: str | None = None) -> None:
        """Load it.

        Args:
            path: of the .tflite.
            kernels: which compute.
            threads: of the interpreter.
            emulated: the name of a processor that is, so that its time means nothing: no ticks are told.

        Raises:
            InputError: the file cannot be read.
            ModelError: LiteRT refuses it.
        """
        try:
            self._content = path.read_bytes()
        except OSError as exc:
            raise InputError(f"{path} cannot be read: {exc.strerror or exc}.") from exc
        self._kernels = _SETS[kernels]
        self._threads = threads
        self._graph, no_layers = _graph(self._content, path)
        self._plain = self._interpreter(path, keep_tensors=False)
        self._keeping: Interpreter | None = None
        self._points = computed_tensors(self._graph) if self._graph is not None else ()
        inputs, outputs = self._plain.get_input_details(), self._plain.get_output_details()
        self._input_indices = [int(d["index"]) for d in inputs]
        self._output_indices = [int(d["index"]) for d in outputs]
        self.inputs = tuple(_info(d, i, output=False, path=path) for i, d in enumerate(inputs))
        self.outputs = tuple(_info(d, i, output=True, path=path) for i, d in enumerate(outputs))
        self.name = path.name
        self.engine = self._kernels.engine
        self.board = machine_name() if emulated is None else f"{emulated}, emulated"
        self.sha256 = hashlib.sha256(self._content).hexdigest()
        self.op_count = len(self._graph.ops) if self._graph is not None else 0
        self.trace_point_count = len(self._points)
        self.arena_bytes = 0
        self.flags = HelloFlag.INTERPRETER | (HelloFlag.EMULATED if emulated else HelloFlag(0))
        cpus = allowed_cpus()
        self.clock_hz = 0 if emulated else clock_hz(cpus)
        self.ticks_hz = 0 if emulated else TICKS_HZ
        system = platform_name()
        self._about = {"platform": system} if system else {}
        self._about |= {
            "runtime": f"LiteRT {importlib.metadata.version('ai-edge-litert')}",
            "kernels": self._kernels.words,
            "threads": str(threads),
            "cpus": format_cpus(cpus),
            PER_OP_PROFILE: "none: the processor is emulated" if emulated else _OP_PROFILE,
        }
        self._about |= {"layers": f"none: {no_layers}"} if no_layers else {}
        self._warmed = 0

    @property
    def about(self) -> Mapping[str, str]:
        """What ABOUT tells; the governor is that of now."""
        if not self.ticks_hz:
            return self._about
        return self._about | {"governor": governor(allowed_cpus()), "warm-up": str(self._warmed)}

    def warm_up(self, runs: int) -> None:
        """So many inferences of zeros, so that caches, clock and allocations are those of later ones. None, where the
        model cannot take zeros."""
        for index, tensor in zip(self._input_indices, self.inputs, strict=True):
            self._plain.set_tensor(index, np.zeros(tensor.shape, tensor.dtype))
        try:
            for _ in range(runs):
                _invoke(self._plain)
        except InferenceError:
            runs = 0
        if runs and self._is_stateful:
            self._plain.reset_all_variables()
        self._warmed += runs

    def invoke(self, inputs: Sequence[bytes], repeat: int = 1) -> Inferred:
        """`repeat` inferences; the input is not restored in between."""
        self._fill(self._plain, inputs)
        ticks = []
        for _ in range(repeat):
            began = time.perf_counter_ns()
            _invoke(self._plain)
            ticks.append((time.perf_counter_ns() - began) * TICKS_HZ // 1_000_000_000)
        return Inferred(outputs=self._values(self._plain, self._output_indices), ticks=ticks if self.ticks_hz else ())

    def points(self, inputs: Sequence[bytes]) -> tuple[bytes, ...]:
        """The tensors at all trace points."""
        keeping = self._with_tensors()
        self._fill(keeping, inputs)
        _invoke(keeping)
        return self._values(keeping, self._points)

    def op_times(self, inputs: Sequence[bytes]) -> tuple[OpTime, ...]:
        """By LiteRT's profiler, in a model compiled for it."""
        try:
            return op_times(self._content, inputs, kernel_mode=self._kernels.mode, threads=self._threads)
        except (LiteRtError, ValueError) as exc:
            raise InferenceError(f"LiteRT's profiler: {exc}") from exc

    def selftest(self) -> Status:
        """Whether the interpreter that keeps every tensor gives the same outputs. Variables begin anew."""
        sample = [_ramp(tensor) for tensor in self.inputs]
        self._begin_anew()
        first = self.invoke(sample).outputs
        keeping = self._with_tensors() if self._points else self._plain
        self._begin_anew()
        self._fill(keeping, sample)
        _invoke(keeping)
        second = self._values(keeping, self._output_indices)
        self._begin_anew()
        return Status.OK if first == second else Status.MISMATCH

    @property
    def _is_stateful(self) -> bool:
        return self._graph is None or self._graph.is_stateful

    def _begin_anew(self) -> None:
        if self._is_stateful:
            for interpreter in (self._plain, self._keeping):
                if interpreter is not None:
                    interpreter.reset_all_variables()

    def _with_tensors(self) -> Interpreter:
        if self._keeping is None:
            self._keeping = self._interpreter(None, keep_tensors=True)
        return self._keeping

    def _interpreter(self, path: Path | None, *, keep_tensors: bool) -> Interpreter:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that keeping tensors takes memory
                interpreter = Interpreter(
                    model_content=self._content,
                    num_threads=self._threads,
                    experimental_op_resolver_type=self._kernels.resolver,
                    experimental_preserve_all_tensors=keep_tensors,
                )
                interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as exc:
            raise ModelError(f"LiteRT refuses {path or 'the model'}: {exc}") from exc
        return interpreter

    def _fill(self, interpreter: Interpreter, inputs: Sequence[bytes]) -> None:
        for index, tensor, data in zip(self._input_indices, self.inputs, inputs, strict=True):
            interpreter.set_tensor(index, np.frombuffer(data, tensor.dtype).reshape(tensor.shape))

    @staticmethod
    def _values(interpreter: Interpreter, tensors: Sequence[int]) -> tuple[bytes, ...]:
        return tuple(np.ascontiguousarray(interpreter.get_tensor(i)).tobytes() for i in tensors)


def _invoke(interpreter: Interpreter) -> None:
    try:
        interpreter.invoke()
    except (RuntimeError, ValueError) as exc:
        raise InferenceError(f"LiteRT: {exc}") from exc


def _graph(content: bytes, path: Path) -> tuple[Any, str | None]:
    """The model's graph; None and why, where only LiteRT can read it: it runs all the same, without its layers."""
    try:
        return parse_tflite(content, where=path.name), None
    except ModelError as exc:
        return None, exc.message


def _info(details: Mapping[str, Any], index: int, *, output: bool, path: Path) -> TensorInfo:
    dtype = np.dtype(details["dtype"])
    shape = tuple(int(n) for n in details["shape"])
    if dtype.kind not in "iufb":
        raise ModelError(f"{path}: tensor {details['name']} is of type {dtype}, which the protocol does not have.")
    scale, zero_point = details["quantization"]
    return TensorInfo(
        output=output,
        index=index,
        name=str(details["name"]),
        dtype=dtype.name,
        shape=shape,
        nbytes=int(np.prod(shape, dtype=np.int64)) * dtype.itemsize,
        scale=float(scale),
        zero_point=int(zero_point),
    )


def _ramp(tensor: TensorInfo) -> bytes:
    """Values for the self-test: from the whole range of integers of 8 and 16 bits, from −1 to 1, and zeros where they
    may be indices."""
    count = int(np.prod(tensor.shape, dtype=np.int64))
    dtype = np.dtype(tensor.dtype)
    values: NDArray[np.generic] = np.zeros(count, dtype)
    if dtype.kind == "f":
        values = np.linspace(-1, 1, count).astype(dtype)
    elif dtype.kind in "iu" and dtype.itemsize <= 2:
        info = np.iinfo(dtype)
        values = np.linspace(info.min, info.max, count).astype(dtype)
    return values.tobytes()
