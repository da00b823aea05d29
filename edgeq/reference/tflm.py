"""TensorFlow Lite Micro's interpreter and kernels, from the tflite-micro wheel. Only the child process imports this."""

from __future__ import annotations

import os
import re
import tempfile

import numpy as np
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime


class TflmSession:
    """A `edgeq.reference.session.Session` on TFLM's reference kernels."""

    def __init__(self, content: bytes, *, arena_bytes: int, keep_tensors: bool) -> None:
        """Load a model.

        `keep_tensors` uses TFLM's linear planner, which gives every tensor memory of its own.
        """
        kinds = runtime.InterpreterConfig
        config = kinds.kPreserveAllTensors if keep_tensors else kinds.kAllocationRecording
        # "intrepreter_config" is how the wheel spells it.
        self._interpreter = runtime.Interpreter.from_bytes(content, arena_size=arena_bytes, intrepreter_config=config)

    def set_input(self, index: int, value: NDArray[np.generic]) -> None:
        """Fill the model's input number `index`."""
        self._interpreter.set_input(value, index)

    def invoke(self) -> None:
        """Run one inference."""
        self._interpreter.invoke()

    def output(self, index: int) -> NDArray[np.generic]:
        """The model's output number `index`, a copy."""
        value: NDArray[np.generic] = self._interpreter.get_output(index)
        return value

    def tensor(self, index: int) -> NDArray[np.generic]:
        """The tensor `index` of the .tflite, a copy."""
        value: NDArray[np.generic] = self._interpreter.GetTensor(index, 0)["tensor_data"]
        return value

    def arena_bytes(self) -> int:
        """Bytes of the arena in use, from the recording allocator's own words (it prints; there is no call for it).

        Raises:
            RuntimeError: it printed something else.
        """
        with tempfile.TemporaryFile() as printed:
            saved = os.dup(2)
            try:
                os.dup2(printed.fileno(), 2)
                self._interpreter.print_allocations()
            finally:
                os.dup2(saved, 2)
                os.close(saved)
            printed.seek(0)
            text = printed.read().decode(errors="replace")
        found = re.search(r"Arena allocation total (\d+) bytes", text)
        if found is None:
            raise RuntimeError(f"TFLM's allocation report has no total: {text[:200]!r}")
        return int(found[1])
