"""A depthwise convolution of one channel is a convolution, with as many filters as the depth multiplier."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from edgeq.lower.program import Constant, KernelCall

_ABSENT = ("depth_multiplier",)


def as_convolution(call: KernelCall) -> KernelCall:
    """The call as one of a convolution, where it is one of several outputs of one channel; else the same.

    Args:
        call: of any portable kernel.
    """
    if call.kernel != "edgeq_depthwise_conv_2d_int8" or call.params["input_channels"] != 1:
        return call
    weights, filters = call.inputs[1], cast(int, call.params["depth_multiplier"])
    if not isinstance(weights, Constant) or filters == 1:
        return call
    turned = weights.data.transpose(3, 1, 2, 0)  # (1, height, width, filters) to (filters, height, width, 1)
    return replace(
        call,
        kernel="edgeq_conv_2d_int8",
        source="conv_2d.c",
        params_type="edgeq_conv_2d_params",
        params={
            **{name: value for name, value in call.params.items() if name not in _ABSENT},
            "output_channels": filters,
            "filter_channels": 1,
            "groups": 1,
        },
        inputs=(call.inputs[0], Constant(name=f"op_{call.source_ops[0]}_turned_weights", data=turned)),
    )
