"""How an integer model uses its ranges, seen on its own integers: no float model is needed, and none is assumed.

A model that somebody brings may be equalised, trained on, or of another training altogether: what its tensors would
hold in floats is unknown. Its integers tell what became of its ranges all the same. Where they pile up at an end of the
256 values, the range is too narrow; where they never leave a few codes in the middle, it is too wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgeq import reference
from edgeq.comparison.layer_names import LayerNames, input_label, layer_names
from edgeq.comparison.record import LayerReport
from edgeq.model.graph import DType, Graph, Op, Tensor
from edgeq.model.quantization import quantize_input
from edgeq.model.scales import SAME_SCALE, has_own_range
from edgeq.records import Quantized, Reference
from edgeq.reference.rewrite import corrected_for_tflm

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = 500
"""So many test samples show a share of 1 % at a limit with certainty, and take seconds."""

_CHUNK_BYTES = 64 << 20
_BOUNDED = {"RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "MINIMUM", "MAXIMUM"}
"""Activations and ops that cut values off by definition: what lies at their limits is no loss."""

_ELEMENTWISE = {"ADD", "SUB", "MUL"}


def own_ranges(arm: str, quantized: Quantized, x: Sequence[NDArray[np.generic]]) -> tuple[LayerReport, ...]:
    """Every activation of an integer model whose range was chosen for it, on the first `SAMPLES` samples.

    `clipped` is the share of values at a limit of the range (of inputs: the share outside of it). It is 0 at a limit
    where values pile up by nature: zero behind a ReLU, six behind a ReLU6, and what is computed from these value by
    value. `sqnr_db` is None.

    Args:
        arm: the arm's name.
        quantized: a full-integer model.
        x: test samples, one array per input, real values.

    Raises:
        InterpreterError: the interpreter is missing, refused the model or crashed.
    """
    graph = quantized.graph
    producers = {i: op for op in graph.ops for i in op.outputs}
    wanted = [i for i in _activations(graph) if has_own_range(graph, producers.get(i), i)]
    bounded = _bounded(graph)
    found = {i: _Use(graph.tensors[i], bounded=i in bounded) for i in wanted}
    interpreter, _ = reference.primary()
    content = quantized.content
    if interpreter is Reference.TFLM:
        content = corrected_for_tflm(content, graph)
    given = [a[:SAMPLES] for a in x]
    inputs = [quantize_input(a, t) for a, t in zip(given, graph.input_tensors, strict=True)]
    size = max(1, _CHUNK_BYTES // max(1, sum(graph.tensors[i].elements for i in wanted)))
    with reference.ReferenceWorker(interpreter) as worker:
        for start in range(0, len(given[0]), size):
            values = worker.tensors(content, [a[start : start + size] for a in inputs], wanted)
            for use, integers in zip(found.values(), values, strict=True):
                use.add(integers)
    for i, values_given in zip(graph.inputs, given, strict=True):
        if i in found:
            found[i].look_at(values_given)
    names = layer_names(quantized.float_model)
    return tuple(use.report(arm, _label(names, graph, producers.get(i), i)) for i, use in found.items())


def _activations(graph: Graph) -> list[int]:
    """Quantized tensors that depend on the input, in the order of the ops."""
    produced = [*graph.inputs, *(i for op in graph.ops for i in op.outputs)]
    whole = (DType.INT8, DType.INT16)
    return [i for i in dict.fromkeys(produced) if graph.tensors[i].dtype in whole and graph.tensors[i].quantization]


def _bounded(graph: Graph) -> set[int]:
    """Tensors whose values pile up at an end by definition: cut off, or computed value by value from such."""
    found: set[int] = set()
    for op in graph.ops:
        of_input = [i for i in op.inputs if i >= 0 and graph.tensors[i].data is None]
        inherits = op.name in SAME_SCALE or (op.name in _ELEMENTWISE and len(of_input) == 1) or len(op.inputs) == 1
        cuts = {op.name, str(op.options.get("fused_activation_function", "NONE"))} & _BOUNDED
        if cuts or (inherits and any(i in found for i in of_input)):
            found.update(op.outputs)
    return found


def _label(names: LayerNames, graph: Graph, op: Op | None, tensor: int) -> str:
    return names.label(graph, op) if op is not None else input_label(graph, tensor)


class _Use:
    """Counts over the chunks of samples of one tensor."""

    def __init__(self, tensor: Tensor, *, bounded: bool) -> None:
        assert tensor.quantization is not None  # noqa: S101 (as `_activations` has looked)
        limits = np.iinfo(tensor.dtype.value)
        self._tensor, self._bounded = tensor, bounded
        self._scale, self._zero = tensor.quantization.scale, tensor.quantization.zero_point
        self._lowest, self._highest = int(limits.min), int(limits.max)
        self._values = self._at_limits = 0
        channels = tensor.shape[-1] if len(tensor.shape) > 1 else 1
        self._smallest = np.full(channels, self._highest)
        self._largest = np.full(channels, self._lowest)

    def add(self, integers: NDArray[np.generic]) -> None:
        values = integers.reshape(-1, len(self._smallest)).astype(np.int32)
        self._values += values.size
        if not self._bounded:
            ends = [end for end in (self._lowest, self._highest) if end != self._zero]
            self._at_limits += sum(int(np.count_nonzero(values == end)) for end in ends)
        self._smallest = np.minimum(self._smallest, values.min(axis=0))
        self._largest = np.maximum(self._largest, values.max(axis=0))

    def look_at(self, values: NDArray[np.generic]) -> None:
        """Of an input the real values are known: only those beyond the range are lost, and pixels at its ends not."""
        real, half = np.asarray(values, np.float64), self._scale / 2
        low, high = self._ends()
        self._at_limits = int(np.count_nonzero((real < low - half) | (real > high + half)))

    def _ends(self) -> tuple[float, float]:
        return self._scale * (self._lowest - self._zero), self._scale * (self._highest - self._zero)

    def report(self, arm: str, label: str) -> LayerReport:
        low, high = self._ends()
        smallest, largest = min(int(self._smallest.min()), self._zero), max(int(self._largest.max()), self._zero)
        used = largest - smallest
        if self._tensor.dtype is DType.INT16:  # symmetric: what one side needs, the other gets
            used = 2 * max(abs(smallest), abs(largest))
        widths = self._scale * np.maximum(np.abs(self._smallest - self._zero), np.abs(self._largest - self._zero))
        live = widths[widths > 0]
        return LayerReport(
            arm=arm, layer=label, tensor=self._tensor.name, low=low, high=high, sqnr_db=None,
            clipped=self._at_limits / max(1, self._values),
            unused=float(np.clip(1 - used / (self._highest - self._lowest), 0.0, 1.0)),
            channel_ratio=float(live.max() / np.quantile(live, 0.25)) if len(live) > 1 else None,
        )  # fmt: skip
