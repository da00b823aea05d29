"""A convolution whose output has one pixel is a dense layer on what its window sees of the input."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.program import Constant, KernelCall

_KEPT = (
    "batches", "input_offset", "output_offset", "activation_min", "activation_max", "bias", "multipliers", "shifts",
    "channel_step",
)  # fmt: skip


def as_dense(call: KernelCall) -> KernelCall:
    """The call as one of FULLY_CONNECTED, where its output has one pixel and its window sees the whole input; else the
    same.

    Streaming models are made of such layers, and so is what follows a global pool. Taps outside of the input add
    nothing: padding has the value of the zero point.

    Args:
        call: of any portable kernel.
    """
    if call.kernel != "edgeq_conv_2d_int8" or _number(call, "output_height") * _number(call, "output_width") != 1:
        return call
    weights = call.inputs[1]
    if not isinstance(weights, Constant) or _number(call, "groups") != 1:
        return call
    rows, columns = _taps(call, "height", "pad_top"), _taps(call, "width", "pad_left")
    if min(rows.min(), columns.min()) < 0:
        return call
    seen = weights.data[:, rows][:, :, columns]
    flat = seen.reshape(len(seen), -1)
    # Constants are one where their names are: ops that share weights and what they see of them go on sharing.
    # Taps follow one another: with a dilation, an input of two values or more would have one that no tap meets.
    name = f"{weights.name}_flat_{rows[0]}_{len(rows)}_{columns[0]}_{len(columns)}"
    return replace(
        call,
        kernel="edgeq_fully_connected_int8",
        source="fully_connected.c",
        params_type="edgeq_fully_connected_params",
        params={
            **{name: call.params[name] for name in _KEPT},
            "depth": flat.shape[1],
            "outputs": len(flat),
            "weights_offset": 0,
        },
        inputs=(call.inputs[0], Constant(name=name, data=flat)),
    )


def _number(call: KernelCall, field: str) -> int:
    return cast(int, call.params[field])


def _taps(call: KernelCall, axis: str, pad: str) -> NDArray[np.int64]:
    """For each position of the input along an axis, the window's tap that meets it; -1: none does."""
    taps = np.full(_number(call, f"input_{axis}"), -1)
    for tap in range(_number(call, f"filter_{axis}")):
        at = tap * _number(call, f"dilation_{axis}") - _number(call, pad)
        if 0 <= at < len(taps):
            taps[at] = tap
    return taps
