"""What the child process asks of an interpreter; `tflm` and `litert` implement it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Session(Protocol):
    """One model, loaded into one interpreter. Arrays have the tensor's full shape, batch dimension included."""

    def set_input(self, index: int, value: NDArray[np.generic]) -> None:
        """Fill the model's input number `index`."""
        ...

    def invoke(self) -> None:
        """Run one inference."""
        ...

    def output(self, index: int) -> NDArray[np.generic]:
        """The model's output number `index`, a copy."""
        ...

    def tensor(self, index: int) -> NDArray[np.generic]:
        """The tensor `index` of the .tflite, a copy; only where the session was opened to keep all tensors."""
        ...
