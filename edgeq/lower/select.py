"""Which kernel computes a call: the fastest whose conditions hold on this core, for these weights.

Lowering makes calls of the portable kernels. On cores with the DSP extension some are exchanged here for calls that
compute the same bits; each exchange is proven from the call's own constants (`packing`), and refused otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower import packing
from edgeq.lower.fixedpoint import Multiplier, multiply
from edgeq.lower.packing import NotExactError
from edgeq.lower.program import Constant, KernelCall, Param

PORTABLE = "portable"
DSP = "dsp"


def select(call: KernelCall, features: frozenset[str]) -> KernelCall:
    """The call, or one of a faster kernel with the same outputs; `variant` says which and why.

    Args:
        call: a portable kernel's call.
        features: the core's, as in board.toml.
    """
    faster = _DSP.get(call.kernel) if DSP in features else None
    if faster is None:
        return call
    try:
        return faster(call)
    except NotExactError as exc:
        return replace(call, variant=f"{PORTABLE}: {exc}")


def _number(call: KernelCall, field: str) -> int:
    return cast(int, call.params[field])


def _data(value: Param) -> NDArray[np.generic]:
    return cast(Constant, value).data


def _weights(call: KernelCall) -> Constant:
    weights = call.inputs[1]
    if not isinstance(weights, Constant):
        raise NotExactError("the weights are computed at run time")
    return weights


def _channels(call: KernelCall, weights: NDArray[np.int8]) -> packing.Channels:
    """The call's channels; `weights` are (channels, depth)."""
    bias = call.params["bias"]
    return packing.channels(
        weights,
        None if bias is None else _data(bias),
        _data(call.params["multipliers"]),
        _data(call.params["shifts"]),
        input_zero_point=-_number(call, "input_offset"),
        output_zero_point=_number(call, "output_offset"),
    )


def _derived(call: KernelCall, what: str, data: NDArray[np.generic]) -> Constant:
    """A constant made for this call alone."""
    return Constant(name=f"op_{call.source_ops[0]}_{what}", data=data)


def _grouped(channels: packing.Channels, at: slice) -> packing.Channels:
    return packing.Channels(
        bias=channels.bias[at],
        low=channels.low[at],
        high=channels.high[at],
        values=channels.values[at],
        shifts=channels.shifts[at],
        zero_point=channels.zero_point,
    )


def _quads(call: KernelCall, weights: NDArray[np.int8], groups: int) -> tuple[dict[str, Param], Constant, int]:
    """Parameters `depth`, `quads` and `channels`, the packed weights, and the scratch, of quads.h."""
    count, taps = weights.shape
    depth = -(-taps // packing.QUAD) * packing.QUAD
    padded = np.zeros((count, depth), np.int8)
    padded[:, :taps] = weights
    channels = _channels(call, weights)
    each = count // groups
    parts = [slice(g * each, (g + 1) * each) for g in range(groups)]
    blocks = np.concatenate([packing.quad_channels(_grouped(channels, part)) for part in parts])
    words = np.concatenate([packing.quad_weights(padded[part]) for part in parts])
    quads = -(-each // packing.QUAD)
    params: dict[str, Param] = {"depth": depth, "quads": quads, "channels": _derived(call, "channels", blocks)}
    return params, _derived(call, "packed_weights", words), 5 * depth + 2 * packing.QUAD * quads


_WINDOW = (
    "batches", "input_height", "input_width", "input_channels", "output_height", "output_width", "output_channels",
    "filter_height", "filter_width", "filter_channels", "groups", "stride_height", "stride_width", "dilation_height",
    "dilation_width", "pad_top", "pad_left",
)  # fmt: skip


def _conv_2d(call: KernelCall) -> KernelCall:
    constant = _weights(call).data
    weights = constant.reshape(len(constant), -1).astype(np.int8)
    params, packed, scratch = _quads(call, weights, _number(call, "groups"))
    return replace(
        call,
        kernel="edgeq_conv_2d_dsp_int8",
        source="conv_2d_dsp.c",
        params_type="edgeq_conv_2d_dsp_params",
        params={
            **{field: call.params[field] for field in _WINDOW},
            "input_zero_point": -_number(call, "input_offset"),
            "activation_min": call.params["activation_min"],
            "activation_max": call.params["activation_max"],
            **params,
        },
        inputs=(call.inputs[0], packed),
        scratch_bytes=scratch,
        variant="dsp: 4 channels x 2 pixels, two weights in a halfword",
    )


def _depthwise_conv_2d(call: KernelCall) -> KernelCall:
    constant = _weights(call).data
    count = constant.shape[-1]
    if _number(call, "depth_multiplier") != 1:
        raise NotExactError("a depth multiplier above 1")
    if count % packing.QUAD:
        raise NotExactError(f"{count} channels, no multiple of 4")
    weights = constant.reshape(-1, count).T.astype(np.int8)
    taps = weights.shape[1] + weights.shape[1] % 2
    padded = np.zeros((count, taps), np.int8)
    padded[:, : weights.shape[1]] = weights
    blocks = packing.single_channels(_channels(call, weights))
    return replace(
        call,
        kernel="edgeq_depthwise_conv_2d_dsp_int8",
        source="depthwise_conv_2d_dsp.c",
        params_type="edgeq_depthwise_conv_2d_dsp_params",
        params={
            **{field: call.params[field] for field in _WINDOW if field in call.params},
            "input_zero_point": -_number(call, "input_offset"),
            "activation_min": call.params["activation_min"],
            "activation_max": call.params["activation_max"],
            "taps": taps,
            "channels": _derived(call, "channels", blocks),
        },
        inputs=(call.inputs[0], _derived(call, "packed_weights", packing.depthwise_weights(padded))),
        scratch_bytes=8 * taps + count,
        variant="dsp: 4 channels x 2 taps",
    )


def _fully_connected(call: KernelCall) -> KernelCall:
    """Its rows are the pixels of a 1x1 convolution."""
    weights = _weights(call).data.astype(np.int8)
    if _number(call, "weights_offset"):
        raise NotExactError("the weights have a zero point")
    rows, depth, outputs = (_number(call, field) for field in ("batches", "depth", "outputs"))
    params, packed, scratch = _quads(call, weights, 1)
    window: dict[str, Param] = {**dict.fromkeys(_WINDOW, 1), "pad_top": 0, "pad_left": 0}
    window |= {"input_width": rows, "output_width": rows, "input_channels": depth, "filter_channels": depth}
    return replace(
        call,
        kernel="edgeq_conv_2d_dsp_int8",
        source="conv_2d_dsp.c",
        params_type="edgeq_conv_2d_dsp_params",
        params={
            **window,
            "output_channels": outputs,
            "input_zero_point": -_number(call, "input_offset"),
            "activation_min": call.params["activation_min"],
            "activation_max": call.params["activation_max"],
            **params,
        },
        inputs=(call.inputs[0], packed),
        scratch_bytes=scratch,
        variant="dsp: 4 channels x 2 rows, two weights in a halfword",
    )


def _add(call: KernelCall, sign: int = 1) -> KernelCall:
    loops = cast(tuple[tuple[int, int, int], ...], call.params["loops"])
    count, *strides = loops[0]
    if _number(call, "loop_count") != 1 or strides != [1, 1]:
        raise NotExactError("the inputs are broadcast")
    multiplier, shift = _number(call, "output_multiplier"), -_number(call, "output_shift")
    if shift < 1:
        raise NotExactError("the output's multiplier is above 1/2")
    tables = [_add_table(call, which) for which in (1, 2)]
    tables[1] *= sign
    constant = (1 << (shift - 1)) + (_number(call, "output_offset") << shift)
    reach = sum(int(np.abs(table).max()) for table in tables)
    if reach >= 1 << 31 or (reach * multiplier >> 32) + abs(constant) + 2 >= 1 << 31:
        raise NotExactError("the output's multiplier is too small")
    return replace(
        call,
        kernel="edgeq_add_dsp_int8",
        source="add_dsp.c",
        params_type="edgeq_add_dsp_params",
        params={
            "count": count,
            "table1": _derived(call, "table1", tables[0].astype(np.int32)),
            "table2": _derived(call, "table2", tables[1].astype(np.int32)),
            "multiplier": multiplier,
            "constant": constant,
            "shift": shift,
            "activation_min": call.params["activation_min"],
            "activation_max": call.params["activation_max"],
        },
        variant="dsp: two tables",
    )


def _add_table(call: KernelCall, which: int) -> NDArray[np.int64]:
    """Twice what each value of an input adds to the sum, at the index of its unsigned byte."""
    scale = Multiplier(value=_number(call, f"input{which}_multiplier"), shift=_number(call, f"input{which}_shift"))
    offset = _number(call, f"input{which}_offset")
    values = np.arange(256, dtype=np.uint8).view(np.int8).tolist()
    return np.array([2 * multiply((value + offset) << 20, scale) for value in values], np.int64)


_DSP: Mapping[str, Callable[[KernelCall], KernelCall]] = {
    "edgeq_add_int8": _add,
    "edgeq_conv_2d_int8": _conv_2d,
    "edgeq_depthwise_conv_2d_int8": _depthwise_conv_2d,
    "edgeq_fully_connected_int8": _fully_connected,
    "edgeq_sub_int8": partial(_add, sign=-1),
}
