"""Ranges of a given int8 model that TensorFlow's calibrator took from the next op's result (`edgeq.quantize.twin`)."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.words import percent
from edgeq.comparison.record import CompareFinding, LayerReport, Severity
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import DType, Graph, Tensor
from edgeq.model.naming import op_label
from edgeq.quantize.twin import HARMLESS


def ranges_overwritten(evidence: Evidence) -> Iterator[CompareFinding]:
    """Tensors of a given model that use half of their codes or fewer, and end where the next op's result does."""
    for arm in evidence.arms if evidence.given else ():
        run = evidence.first_run(arm)
        layers = {layer.tensor: layer for layer in evidence.layers if layer.arm == arm}
        if run is None or run.scheme != "int8" or run.content is None or not layers:
            continue
        found = list(_overwritten(parse_tflite(run.content), layers))
        if not found:
            continue
        layer, reader = max(found, key=lambda pair: pair[0].unused)
        behind = any(-evidence.gain(other, arm) > evidence.margin_share for other in evidence.arms if other != arm)
        tensors = "tensor has" if len(found) == 1 else "tensors have"
        yield CompareFinding(
            code="calibrator-read-overwritten-tensors",
            severity=Severity.WARNING if behind else Severity.INFO,
            title=f"{len(found)} {tensors} the range of what was computed next in {arm}",
            text=f"{layer.layer} has the range {layer.low:.3g} to {layer.high:.3g} and leaves {percent(layer.unused)} "
            f"of it unused; the result of {reader} ends at the same value. TensorFlow's calibrator reads an op's "
            "inputs after the op has run, and by then some ops (ADD, MUL, SUB) have overwritten them in place.",
            evidence={
                "tensors": len(found), "of": len(layers), "worst_unused": layer.unused, "low": layer.low,
                "high": layer.high,
            },
            advice="Let `edgeq build --method ptq` convert the float model: it measures such ranges anew.",
        )  # fmt: skip


def _overwritten(graph: Graph, layers: dict[str, LayerReport]) -> Iterator[tuple[LayerReport, str]]:
    """Such tensors, and the op that overwrote each."""
    for op in graph.ops:
        if op.name in HARMLESS:
            continue
        results = [t for t in (graph.tensors[i] for i in op.outputs) if _is_int8(t)]
        for tensor in (graph.tensors[i] for i in op.inputs if i >= 0):
            layer = layers.get(tensor.name)
            if layer is None or layer.unused < limit.UNUSED or not _is_int8(tensor):
                continue
            if any(_share_an_end(tensor, result) for result in results):
                yield layer, op_label(graph, op)


def _is_int8(tensor: Tensor) -> bool:
    return tensor.dtype is DType.INT8 and tensor.data is None and tensor.quantization is not None


def _share_an_end(one: Tensor, two: Tensor) -> bool:
    """Whether both ranges end at the same value, which is not zero: within a step, as zero is moved onto one."""
    assert one.quantization is not None and two.quantization is not None  # noqa: S101 (as `_is_int8` has looked)
    step = max(one.quantization.scale, two.quantization.scale)
    return any(abs(a - b) <= step < max(abs(a), abs(b)) for a, b in zip(_ends(one), _ends(two), strict=True))


def _ends(tensor: Tensor) -> tuple[float, float]:
    assert tensor.quantization is not None  # noqa: S101 (as `_is_int8` has looked)
    scale, zero = tensor.quantization.scale, tensor.quantization.zero_point
    return scale * (-128 - zero), scale * (127 - zero)
