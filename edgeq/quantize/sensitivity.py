"""Which layers of an int8 model lose what: each layer's values against the float model's, on given samples.

Float values are the twin's (`edgeq.quantize.twin`), by LiteRT's reference kernels; integers are TFLite Micro's, with
every tensor kept. Nothing is trained, and the .tflite may come from anywhere as long as it has the float model's
layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq import reference
from edgeq.model.graph import DType, Graph, Op, Tensor
from edgeq.model.naming import op_label
from edgeq.model.quantization import dequantize_output, quantize_input
from edgeq.model.roles import Role, input_of
from edgeq.model.scales import CHANNEL_AXIS, has_own_range
from edgeq.quantize.align import align
from edgeq.quantize.constants import real_values
from edgeq.quantize.one_layer import accuracy_of_one_layer
from edgeq.quantize.twin import Twin, float_values
from edgeq.records import Reference
from edgeq.reference.rewrite import corrected_for_tflm

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSensitivity:
    """One op of the .tflite and what quantization does to its output.

    Attributes:
        index: the op's index; `label` its name in reports, `tensor` its output's name.
        sqnr_db: 10·log10(Σ float² / Σ (float − int8)²) of the output over all samples, with all layers before it
            quantized too; inf if equal.
        output_ratio: the range of the output's widest channel over that of its lower quartile. All channels share one
            scale: at 100, a quarter of them has 3 steps or fewer. None for outputs without channels.
        weight_ratio: the same of the weights' output channels, which have scales of their own unless they are per
            tensor. None for ops without weights.
        weight_input_ratio: the same of the weights' input channels, which share their output channel's scale.
        accuracy: of the float model with only this layer's weights and output quantized, None where not measured.
    """

    index: int
    label: str
    tensor: str
    sqnr_db: float
    output_ratio: float | None
    weight_ratio: float | None
    weight_input_ratio: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeUse:
    """How samples use the range of one activation that calibration gave it (not the op, nor another tensor).

    Attributes:
        tensor: index in the .tflite; `name` as there.
        low, high: the smallest and largest value that its integers hold.
        seen_low, seen_high: the smallest and largest float value on the samples.
        clipped: share of the float values that are outside by more than half a step, 0 to 1.
        unused: share of the range that no sample reaches, 0 to 1.
    """

    tensor: int
    name: str
    low: float
    high: float
    seen_low: float
    seen_high: float
    clipped: float
    unused: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Layers in the .tflite's order, and every activation's range; `unmatched` has labels of ops that the float model
    has no counterpart of (rescaling, mostly). `float_accuracy` is the twin's, where `LayerSensitivity.accuracy` is
    given."""

    samples: int
    layers: tuple[LayerSensitivity, ...]
    ranges: tuple[RangeUse, ...]
    unmatched: tuple[str, ...]
    float_accuracy: float | None


def measure_sensitivity(
    content: bytes,
    graph: Graph,
    twin: Twin,
    x: Sequence[NDArray[np.generic]],
    labels: NDArray[np.generic] | None = None,
) -> Sensitivity:
    """Compare an integer model with the float model, layer by layer.

    Args:
        content: the .tflite, full-integer (int8 or 16x8).
        graph: the same, parsed.
        twin: of the float model that it was made from.
        x: one array per input, shape (n, *input shape), real values.
        labels: as `edgeq.validation.accuracy.choose_task` takes them; None leaves out the accuracy per layer, which
            takes one run of the float model for each.

    Raises:
        UnsupportedError: the .tflite has other layers than the float model.
        InterpreterError: an interpreter is missing, or refused the model.
    """
    pairs = align(graph, twin)
    found = _gather(content, graph, twin, pairs, x)
    producers = {i: op for op in graph.ops for i in op.outputs}
    matched = [op for op in graph.ops if op.outputs[0] in pairs]
    alone: Mapping[int, float] = {}
    whole = None
    if labels is not None:
        whole, alone = accuracy_of_one_layer(graph, twin, pairs, x, labels)
    return Sensitivity(
        samples=len(x[0]),
        layers=tuple(_layer(graph, twin, op, found[op.outputs[0]], alone.get(op.index)) for op in matched),
        ranges=tuple(
            found[i].range_use(graph.tensors[i]) for i in pairs if has_own_range(graph, producers.get(i), i)
        ),
        unmatched=tuple(op_label(graph, op) for op in graph.ops if op.outputs[0] not in pairs),
        float_accuracy=whole,
    )  # fmt: skip


class _Gathered:
    """Sums over the chunks of samples of one tensor."""

    def __init__(self, tensor: Tensor) -> None:
        if tensor.quantization is None:
            raise ValueError(f"tensor {tensor.name} is not quantized")
        limits = np.iinfo(tensor.dtype.value)
        self.scale = tensor.quantization.scale
        self.low = self.scale * (int(limits.min) - tensor.quantization.zero_point)
        self.high = self.scale * (int(limits.max) - tensor.quantization.zero_point)
        self.signal = self.noise = 0.0
        self.values = self.outside = 0
        channels = tensor.shape[-1] if len(tensor.shape) > 1 else 1
        self.smallest, self.largest = np.full(channels, np.inf), np.full(channels, -np.inf)

    def add(self, real: NDArray[np.float32], integer: NDArray[np.float32]) -> None:
        self.signal += float(np.sum(np.square(real, dtype=np.float64)))
        self.noise += float(np.sum(np.square(real.astype(np.float64) - integer)))
        self.values += real.size
        half = self.scale / 2
        self.outside += int(np.count_nonzero((real < self.low - half) | (real > self.high + half)))
        rows = real.reshape(-1, len(self.smallest))
        self.smallest = np.minimum(self.smallest, rows.min(axis=0))
        self.largest = np.maximum(self.largest, rows.max(axis=0))

    @property
    def sqnr_db(self) -> float:
        if self.noise == 0.0:
            return float("inf")
        return float(10 * np.log10(self.signal / self.noise)) if self.signal else float("-inf")

    def range_use(self, tensor: Tensor) -> RangeUse:
        seen_low, seen_high = float(self.smallest.min()), float(self.largest.max())
        if tensor.dtype is DType.INT16:  # symmetric: what one side needs, the other gets
            seen = max(abs(seen_low), abs(seen_high))
            used = 2 * min(seen, self.high)
        else:  # 0 must be among the 256 values
            used = min(max(seen_high, 0.0), self.high) - max(min(seen_low, 0.0), self.low)
        return RangeUse(
            tensor=tensor.index,
            name=tensor.name,
            low=self.low,
            high=self.high,
            seen_low=seen_low,
            seen_high=seen_high,
            clipped=self.outside / self.values,
            unused=float(np.clip(1.0 - used / (self.high - self.low), 0.0, 1.0)),
        )


def _gather(
    content: bytes, graph: Graph, twin: Twin, pairs: Mapping[int, int], x: Sequence[NDArray[np.generic]]
) -> Mapping[int, _Gathered]:
    interpreter, _ = reference.primary()
    if interpreter is Reference.TFLM:
        content = corrected_for_tflm(content, graph)
    inputs = [quantize_input(values, t) for values, t in zip(x, graph.input_tensors, strict=True)]
    gathered = {i: _Gathered(graph.tensors[i]) for i in pairs}
    with reference.ReferenceWorker(interpreter) as worker:
        for chunk, real in float_values(twin, x, list(pairs.values())):
            integers = worker.tensors(content, [values[chunk] for values in inputs], list(pairs))
            for (i, sums), values, steps in zip(gathered.items(), real, integers, strict=True):
                sums.add(values, dequantize_output(steps, graph.tensors[i]))
    return gathered


def _layer(graph: Graph, twin: Twin, op: Op, found: _Gathered, accuracy: float | None) -> LayerSensitivity:
    weights = input_of(graph, op, Role.WEIGHTS)
    by_output = by_input = None
    if weights is not None and weights.data is not None and weights.quantization is not None:
        axis = CHANNEL_AXIS[op.name]
        magnitude = np.abs(real_values(weights))
        by_output = _ratio(magnitude.max(axis=tuple(i for i in range(magnitude.ndim) if i != axis)))
        last = magnitude.ndim - 1
        if axis != last:
            # Relative to the scale of its output channel, which is what an input channel has to share.
            share = magnitude / np.maximum(magnitude.max(axis=tuple(range(1, last + 1)), keepdims=True), 1e-30)
            by_input = _ratio(share.max(axis=tuple(range(last))))
    return LayerSensitivity(
        index=op.index,
        label=op_label(graph, op),
        tensor=graph.tensors[op.outputs[0]].name,
        sqnr_db=found.sqnr_db,
        output_ratio=_ratio(np.maximum(np.abs(found.smallest), np.abs(found.largest))),
        weight_ratio=by_output,
        weight_input_ratio=by_input,
        accuracy=accuracy,
    )


def _ratio(widths: NDArray[np.floating]) -> float | None:
    """Largest over lower quartile, of the channels that are not all zero; None where there are not at least two."""
    live = widths[widths > 0]
    return float(live.max() / np.quantile(live, 0.25)) if len(live) > 1 else None
