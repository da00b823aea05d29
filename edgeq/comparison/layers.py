"""The layers of an int8 arm: which are left with few bits, whose ranges do not fit, how wide its weights are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.layer_names import input_label, layer_names
from edgeq.comparison.own_ranges import own_ranges
from edgeq.comparison.record import LayerReport, WeightReport
from edgeq.errors import EdgeqError, InterpreterError
from edgeq.model.graph import DType
from edgeq.model.roles import Role, input_of
from edgeq.quantize.sensitivity import measure_sensitivity
from edgeq.quantize.twin import twin_of
from edgeq.records import FloatModel, Quantized

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = 500
"""So many test samples show a clipped share of 1 % with certainty, and take seconds."""


def layer_reports(
    arm: str,
    quantized: Quantized,
    model: FloatModel,
    calibration: tuple[NDArray[np.float32], ...],
    x: Sequence[NDArray[np.generic]],
) -> tuple[LayerReport, ...]:
    """Every activation of a PTQ model that has a range of its own, by the values that the float model has there; empty
    where that has other layers.

    Args:
        arm: the arm's name.
        quantized: the int8 model.
        model: what it was made from.
        calibration: the samples that it was calibrated with, one array per input.
        x: test samples, one array per input.
    """
    try:
        twin = twin_of(model, calibration)
        found = measure_sensitivity(quantized.content, quantized.graph, twin, [a[:SAMPLES] for a in x])
    except EdgeqError:
        return ()
    layers = {layer.tensor: layer for layer in found.layers}
    graph, names = quantized.graph, layer_names(model)
    labels = {graph.tensors[i].name: input_label(graph, i) for i in graph.inputs}
    labels |= {graph.tensors[op.outputs[0]].name: names.label(graph, op) for op in graph.ops}
    reports = []
    for use in found.ranges:
        layer = layers.get(use.name)
        reports.append(
            LayerReport(
                arm=arm, layer=labels.get(use.name, use.name), tensor=use.name, low=use.low,
                high=use.high, sqnr_db=layer.sqnr_db if layer else float("inf"), clipped=use.clipped,
                unused=use.unused, channel_ratio=layer.output_ratio if layer else None,
            )
        )  # fmt: skip
    return tuple(reports)


def ranges_by_integers(arm: str, quantized: Quantized, x: Sequence[NDArray[np.generic]]) -> tuple[LayerReport, ...]:
    """The same of any integer model, by its own integers (`own_ranges`); empty where no interpreter runs it."""
    try:
        return own_ranges(arm, quantized, x)
    except InterpreterError:
        return ()


def weight_reports(arm: str, quantized: Quantized) -> tuple[WeightReport, ...]:
    """The ranges of an integer model's weights, op by op; output channels without any weight are left out."""
    graph, names = quantized.graph, layer_names(quantized.float_model)
    reports = []
    for op in graph.ops:
        weights = input_of(graph, op, Role.WEIGHTS)
        if weights is None or weights.data is None or weights.quantization is None or weights.dtype is not DType.INT8:
            continue
        scales = np.asarray(weights.quantization.scales, np.float64)
        axis = weights.quantization.axis or 0
        rows = np.moveaxis(weights.data, axis, 0) if len(scales) > 1 else weights.data[None]
        limits = 127.0 * scales[np.abs(rows.reshape(len(scales), -1).astype(np.int16)).max(axis=1) > 0]
        if len(limits) == 0:
            continue
        reports.append(
            WeightReport(
                arm=arm, layer=names.label(graph, op), channels=len(limits), narrowest=float(limits.min()),
                middle=float(np.median(limits)), widest=float(limits.max()),
            )
        )  # fmt: skip
    return tuple(reports)
