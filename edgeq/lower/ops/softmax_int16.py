"""SOFTMAX on int16: exponentials and reciprocals by interpolation in tables, made here."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgeq.lower.fixedpoint import OutOfRangeError, quantize_multiplier, round_half_away
from edgeq.lower.ops import common
from edgeq.lower.program import Constant, KernelCall
from edgeq.model.graph import Graph, Op

_STEPS = 512
_RANGE = 65535  # of an int16
_MAX_DEPTH = 1 << 16  # exponentials of at most 2^15 whose sum an int32 holds


def softmax_int16(graph: Graph, op: Op) -> KernelCall:
    """SOFTMAX over the last dimension, int16 to int16: CalculateSoftmaxParams."""
    source, target = common.present(graph, op, 0), common.result(graph, op)
    outgoing = common.affine(graph, op, target)
    if not source.shape or source.shape[-1] >= _MAX_DEPTH:
        common.refuse(graph, op, f"has an input of shape {source.shape}.", f"Rows hold up to {_MAX_DEPTH - 1} values.")
    if abs(outgoing.scale - 1 / 32768) > 0.001 / 32768:
        common.refuse(
            graph,
            op,
            f"has an output scale of {outgoing.scale:g}, not 1/32768.",
            "Let the converter choose the output's quantization: the kernel is made for this one.",
        )
    beta = float(common.option(op, "beta", 0.0))
    try:
        multiplier = quantize_multiplier(common.affine(graph, op, source).scale * beta / (10.0 / _RANGE))
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    return KernelCall(
        kernel="edgeq_softmax_int16",
        source="softmax_int16.c",
        params_type="edgeq_softmax_int16_params",
        params={
            "rows": source.elements // source.shape[-1],
            "depth": source.shape[-1],
            "multiplier": multiplier.value,
            "shift": multiplier.shift,
            "exp_table": Constant(name="softmax_exp", data=_table(_exp, 10.0, 32767)),
            "reciprocal_table": Constant(name="softmax_reciprocal", data=_table(_reciprocal, 1.0, -32768)),
        },
        inputs=op.inputs,
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        in_place=(0,),
    )


def _exp(x: np.float32) -> np.float32:
    """A correctly rounded expf."""
    return np.float32(math.exp(float(x)))


def _reciprocal(x: np.float32) -> np.float32:
    return np.float32(1) / (np.float32(1) + x)


def _round(x: np.float32) -> np.float32:
    return np.float32(round_half_away(float(x)))


def _table(
    function: Callable[[np.float32], np.float32], width: float, zero_point: int
) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """LUTPopulateInt16, in floats: 512 values, each shifted by half of the error that interpolation makes in the middle
    of its step, and the last one, which only gives a slope."""
    scale, out = np.float32(width) / np.float32(_RANGE), np.float32(2) / np.float32(_RANGE)
    low, high = scale * np.float32(-32768 - zero_point), scale * np.float32(32767 - zero_point)
    step = (high - low) / np.float32(_STEPS)
    half = step / np.float32(2)
    inverse = np.float32(65536) / (out * np.float32(32767) - out * np.float32(-32768))
    values = []
    for i in range(_STEPS):
        at = low + np.float32(i) * step
        here = _round(function(at) * inverse)
        middle = _round(function(at + half) * inverse)
        line = _round((function(low + np.float32(i + 1) * step) * inverse + here) / np.float32(2))
        values.append(float(here - _round((line - middle) / np.float32(2))))
    values.append(float(_round(function(high) * inverse)))
    return np.clip(values, -32768, 32767).astype(np.int16)
