"""Ranges that TensorFlow's calibrator took from what the next op had written over a tensor, in a given model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tflite_builder import ModelBuilder

from edgeq.comparison.findings.overwritten import ranges_overwritten
from edgeq.comparison.record import LayerReport, Severity


def model(op: str, result_scale: float) -> bytes:
    """A dense layer, and an op behind it whose result's range is [-128, 127] times the scale."""
    made = ModelBuilder()
    x = made.tensor("x", (1, 4), scale=0.1)
    weights = made.tensor("w", (4, 4), data=np.eye(4, dtype=np.int8), scale=0.1)
    hidden = made.tensor("hidden", (1, 4), scale=0.1)
    factor = made.tensor("factor", (4,), data=np.ones(4, np.int8), scale=0.1)
    y = made.tensor("y", (1, 4), scale=result_scale)
    made.op("FULLY_CONNECTED", [x, weights, -1], [hidden])
    made.op(op, [hidden, factor] if op == "MUL" else [hidden, weights, -1], [y])
    return made.finish([x], [y])


def evidence(content: bytes, unused: float, gain: float, **changes: Any) -> Any:
    layers = tuple(
        LayerReport(
            arm="ptq", layer=f"op {name}", tensor=name, low=-12.8, high=12.7, sqnr_db=None, clipped=0.0, unused=used,
            channel_ratio=None,
        )
        for name, used in (("x", 0.1), ("hidden", unused), ("y", 0.1))
    )  # fmt: skip
    run = SimpleNamespace(scheme="int8", content=content)
    usual = {
        "given": True, "arms": {"float": None, "ptq": None}, "layers": layers, "margin_share": 0.01,
        "first_run": lambda arm: run if arm == "ptq" else None, "gain": lambda first, second: gain,
    }  # fmt: skip
    return SimpleNamespace(**{**usual, **changes})


@pytest.mark.parametrize(("gain", "severity"), [(-0.03, Severity.WARNING), (0.0, Severity.INFO)])
def test_the_tensor_and_the_op_behind_it_are_named(gain: float, severity: Severity) -> None:
    (found,) = ranges_overwritten(evidence(model("MUL", 0.1), 0.9, gain))
    assert (found.code, found.severity) == ("calibrator-read-overwritten-tensors", severity)
    assert "op hidden has the range -12.8 to 12.7 and leaves 90 %" in found.text
    assert "MUL" in found.text and "1 tensor" in found.title


@pytest.mark.parametrize(
    "known",
    [
        evidence(model("MUL", 0.1), 0.2, -0.03),  # uses its range
        evidence(model("MUL", 0.3), 0.9, -0.03),  # another range than the result's
        evidence(model("FULLY_CONNECTED", 0.1), 0.9, -0.03),  # an op that writes elsewhere
        evidence(model("MUL", 0.1), 0.9, -0.03, given=False),
    ],
)
def test_other_ranges_are_no_fault_of_the_calibrator(known: Any) -> None:
    assert not list(ranges_overwritten(known))
