"""The layers of a PTQ model on the test samples: which are left with few bits, and whose ranges do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeq.comparison.record import LayerReport
from edgeq.errors import EdgeqError
from edgeq.quantize.sensitivity import measure_sensitivity
from edgeq.quantize.twin import twin_of
from edgeq.records import FloatModel, Quantized

if TYPE_CHECKING:
    import numpy as np
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
    """Every activation of an int8 model that has a range of its own; empty where the float model has other layers.

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
    reports = []
    for use in found.ranges:
        layer = layers.get(use.name)
        reports.append(
            LayerReport(
                arm=arm, layer=layer.label if layer else f"input {use.name}", tensor=use.name, low=use.low,
                high=use.high, sqnr_db=layer.sqnr_db if layer else float("inf"), clipped=use.clipped,
                unused=use.unused, channel_ratio=layer.output_ratio if layer else None,
            )
        )  # fmt: skip
    return tuple(reports)
