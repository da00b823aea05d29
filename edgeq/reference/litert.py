"""LiteRT's interpreter, with any of its sets of kernels. Only the child imports this."""

from __future__ import annotations

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from edgeq.records import Reference

_RESOLVERS = {
    Reference.LITERT_DEFAULT: OpResolverType.AUTO,
    Reference.LITERT_REFERENCE: OpResolverType.BUILTIN_REF,
    Reference.LITERT_BUILTIN: OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


class LiteRtSession:
    """A `edgeq.reference.session.Session` on LiteRT."""

    def __init__(self, content: bytes, kernels: Reference, *, keep_tensors: bool) -> None:
        """Load a model. With `keep_tensors` the default kernels give the same, and hand out every tensor."""
        self._interpreter = Interpreter(
            model_content=content,
            num_threads=1,
            experimental_op_resolver_type=_RESOLVERS[kernels],
            experimental_preserve_all_tensors=keep_tensors,
        )
        self._interpreter.allocate_tensors()
        self._inputs = [details["index"] for details in self._interpreter.get_input_details()]
        self._outputs = [details["index"] for details in self._interpreter.get_output_details()]

    def set_input(self, index: int, value: NDArray[np.generic]) -> None:
        """Fill the model's input number `index`."""
        self._interpreter.set_tensor(self._inputs[index], value)

    def invoke(self) -> None:
        """Run one inference."""
        self._interpreter.invoke()

    def output(self, index: int) -> NDArray[np.generic]:
        """The model's output number `index`, a copy."""
        return self.tensor(self._outputs[index])

    def tensor(self, index: int) -> NDArray[np.generic]:
        """The tensor `index` of the .tflite, a copy."""
        value: NDArray[np.generic] = self._interpreter.get_tensor(index)
        return value
