"""The time of each op, by LiteRT's profiler.

The interpreter of Python has none. So the model is compiled once more through LiteRT's C API with profiling on, timed,
and given up again: the interpreter that is measured stays as it is.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.agent import litert_c
from edgeq.agent.litert_c import LiteRt, LiteRtError
from edgeq.link.about import OpTime

SECONDS, MOST_RUNS = 0.5, 200
"""So many inferences are averaged as take so long, and no more."""

_WARM_UPS = 3
_ALIGNMENT = 64  # of what LiteRT takes as memory
_ACCELERATORS, _SEVERITY, _ERRORS, _INTEGER = 24, 25, 3, 2  # tags of the environment, and a value


def op_times(content: bytes, inputs: Sequence[bytes], *, kernel_mode: str, threads: int) -> tuple[OpTime, ...]:
    """The mean time of each op of an inference, in order of execution.

    XNNPACK's ops are its own: it fuses some of the model's, and adds others. The profiler's clock counts whole
    microseconds; a mean over many inferences is finer than that.

    Args:
        content: the .tflite.
        inputs: the bytes of each input of the model.
        kernel_mode: LiteRT's word for a set of kernels: delegate, builtin, reference.
        threads: of an inference.

    Raises:
        LiteRtError: LiteRT refuses the model, or its library is another one than edgeq knows.
    """
    with ExitStack() as stack:
        model = _Compiled(stack, content, kernel_mode, threads)
        model.fill(inputs)
        for _ in range(_WARM_UPS):
            model.events()
        sums: list[int] = []
        labels: list[tuple[str, bool]] = []
        runs, end = 0, time.monotonic() + SECONDS
        while runs < MOST_RUNS and (runs == 0 or time.monotonic() < end):
            found = model.events()
            if runs == 0:
                labels = [(label, delegated) for label, delegated, _ in found]
                sums = [0] * len(found)
            elif [(label, delegated) for label, delegated, _ in found] != labels:
                raise LiteRtError("LiteRT runs other ops from one inference to the next")
            sums = [total + took for total, (_, _, took) in zip(sums, found, strict=True)]
            runs += 1
        return tuple(
            OpTime(label=label, delegated=delegated, nanoseconds=1000 * total // runs)
            for (label, delegated), total in zip(labels, sums, strict=True)
        )


class _Compiled:
    """A compiled model with a profiler, and memory for its inputs and outputs. `stack` ends all of it."""

    def __init__(self, stack: ExitStack, content: bytes, kernel_mode: str, threads: int) -> None:
        self._lib = lib = LiteRt()
        self._stack = stack
        self._content = _aligned(len(content))
        self._content[: len(content)] = np.frombuffer(content, np.uint8)
        self._texts: list[Any] = []
        options = (litert_c.EnvironmentOption * 2)()
        for option, (tag, value) in zip(options, ((_ACCELERATORS, litert_c.CPU), (_SEVERITY, _ERRORS)), strict=True):
            option.tag, option.value.type, option.value.value = tag, _INTEGER, value
        environment = self._kept("LiteRtDestroyEnvironment", lib.made("LiteRtCreateEnvironment", 2, options))
        model = self._kept(
            "LiteRtDestroyModel",
            lib.made("LiteRtCreateModelFromBuffer", environment, self._content.ctypes.data, len(content)),
        )
        made = lib.made("LiteRtCreateOptions")
        try:
            lib.call("LiteRtSetOptionsHardwareAccelerators", made, litert_c.CPU)
            self._add(made, "xnnpack", f'kernel_mode = "{kernel_mode}"\nnum_threads = {threads}\n')
            self._add(made, "runtime_options_string", "enable_profiling = true\n")
            compiled = lib.made("LiteRtCreateCompiledModel", environment, model, made)
        finally:
            lib.destroy("LiteRtDestroyOptions", made)
        self._compiled = self._kept("LiteRtDestroyCompiledModel", compiled)
        self._profiler = lib.made("LiteRtCompiledModelGetProfiler", compiled)
        if not self._profiler:
            raise LiteRtError("LiteRT's library takes no option for its profiler")
        graph = lib.made("LiteRtGetSignatureSubgraph", lib.made("LiteRtGetModelSignature", model, 0))
        self._memory: list[NDArray[np.uint8]] = []
        self._inputs = self._buffers(graph, "Input")
        self._input_count = len(self._memory)
        self._outputs = self._buffers(graph, "Output")

    def fill(self, inputs: Sequence[bytes]) -> None:
        """Give the model's inputs their bytes."""
        for memory, data in zip(self._memory[: self._input_count], inputs, strict=True):
            memory[: len(data)] = np.frombuffer(data, np.uint8)

    def events(self) -> list[tuple[str, bool, int]]:
        """Of one inference: each op's name, whether it is XNNPACK's, and its whole microseconds."""
        lib = self._lib
        lib.call("LiteRtResetProfiler", self._profiler)
        lib.call("LiteRtStartProfiler", self._profiler)
        lib.call(
            "LiteRtRunCompiledModel", self._compiled, 0, len(self._inputs), self._inputs, len(self._outputs),
            self._outputs,
        )  # fmt: skip
        lib.call("LiteRtStopProfiler", self._profiler)
        events = (litert_c.Event * lib.number("LiteRtGetNumProfilerEvents", self._profiler))()
        lib.call("LiteRtGetProfilerEvents", self._profiler, len(events), events)
        if any(event.kind not in litert_c.KINDS for event in events):
            raise LiteRtError("LiteRT's profiler tells events of another form than edgeq knows")
        return [
            ((event.tag or b"?").decode("utf-8", "replace"), event.kind != litert_c.LITERT_OP, int(event.elapsed))
            for event in events
            if event.kind in (litert_c.LITERT_OP, litert_c.DELEGATE_OP, litert_c.DELEGATE_OP_AS_OP)
        ]

    def _kept(self, destroyer: str, made: Any) -> Any:
        self._stack.callback(self._lib.destroy, destroyer, made)
        return made

    def _add(self, options: Any, name: str, text: str) -> None:
        """Options in LiteRT's TOML. They live as long as this object: what LiteRT calls at their end does nothing."""
        payload, release = ctypes.create_string_buffer(text.encode()), litert_c.Release(lambda _payload: None)
        self._texts += [payload, release]
        opaque = self._lib.made(
            "LiteRtCreateOpaqueOptions", name.encode(), ctypes.cast(payload, ctypes.c_void_p), release
        )
        try:
            self._lib.call("LiteRtAddOpaqueOptions", options, opaque)
        except LiteRtError:
            self._lib.destroy("LiteRtDestroyOpaqueOptions", opaque)
            raise

    def _buffers(self, graph: Any, kind: str) -> Any:
        """Memory of ours for all inputs or outputs, as LiteRT takes it."""
        lib = self._lib
        made = []
        for i in range(lib.number(f"LiteRtGetNumSubgraph{kind}s", graph)):
            tensor = litert_c.TensorType()
            lib.call("LiteRtGetRankedTensorType", lib.made(f"LiteRtGetSubgraph{kind}", graph, i), ctypes.byref(tensor))
            needs = lib.made(f"LiteRtGetCompiledModel{kind}BufferRequirements", self._compiled, 0, i)
            size = lib.number("LiteRtGetTensorBufferRequirementsBufferSize", needs)
            memory = _aligned(size)
            self._memory.append(memory)
            buffer = lib.made(
                "LiteRtCreateTensorBufferFromHostMemory", ctypes.byref(tensor), memory.ctypes.data, size, None
            )
            made.append(self._kept("LiteRtDestroyTensorBuffer", buffer))
        return (ctypes.c_void_p * len(made))(*made)


def _aligned(size: int) -> NDArray[np.uint8]:
    """Zeros; XNNPACK reads a little beyond a tensor's end."""
    memory = np.zeros(size + 2 * _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size + _ALIGNMENT]
