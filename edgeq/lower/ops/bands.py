"""CONV_2D of one pixel whose bias differs from position to position: what passes make of channels that they remove."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.lower.bands import KERNEL, Bands
from edgeq.lower.ops import common
from edgeq.lower.program import Constant, KernelCall, Param
from edgeq.model.graph import Graph, Op, Tensor


def has_bands(bias: Tensor | None, target: Tensor) -> bool:
    """Whether the bias has a value for each of the output's positions and channels."""
    return bias is not None and bias.shape == target.shape[1:] and bias.elements != target.shape[-1]


def banded(graph: Graph, op: Op, bias: Tensor, scales: Mapping[str, Param]) -> KernelCall:
    """The call: of a CONV_2D with a window of one pixel, strides of 1 and one batch.

    Args:
        graph: with the op.
        op: the CONV_2D.
        bias: int32, (height, width, channels), constant.
        scales: the kernel's parameters that say how sums become results, without the bias.
    """
    target = graph.tensors[op.outputs[0]]
    weights = graph.tensors[op.inputs[1]]
    values = common.require_constant(graph, op, bias, "bias")
    found = Bands.of(values)
    if found is None:
        raise AssertionError(f"{common.place(graph, op)} has a bias of more than three bands.")
    count = target.shape[-1]
    return KernelCall(
        kernel=KERNEL,
        source="conv_1x1_bands.c",
        params_type="edgeq_conv_1x1_bands_params",
        support=("conv_2d.c",),
        params={
            **scales,
            "input_channels": weights.shape[3],
            "output_channels": count,
            "rows": found.rows,
            "columns": found.columns,
            "biases": Constant(name=f"op_{op.index}_biases", data=found.firsts(values)),
        },
        inputs=(op.inputs[0], common.operand(graph, op.inputs[1])),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        macs=target.elements * weights.shape[3],
    )
