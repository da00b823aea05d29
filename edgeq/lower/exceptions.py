"""Ops whose TensorFlow Lite Micro kernel is known to be wrong, so that the aot engine differs from it on purpose.

docs/exceptions.md is the list for people; tests/conformance/test_exceptions.py has a test of each entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgeq.lower.ops.resize import leaves_input
from edgeq.model.graph import DType, Graph, Op

SOFTMAX_LIMIT = 512  # TFLM aborts from this sum of exponentials on


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownException:
    """Op `op` (its index) differs from TFLM: `rule` names the entry of docs/exceptions.md, `reason` says it briefly.

    `always` is False where it takes unusual inputs for a difference to show.
    """

    op: int
    rule: str
    reason: str
    always: bool


def known_exceptions(graph: Graph) -> tuple[KnownException, ...]:
    """Every op of a model for which TFLM is no reference, in the model's order."""
    return tuple(found for op in graph.ops for found in _of(graph, op))


def _of(graph: Graph, op: Op) -> Iterator[KnownException]:
    if op.name == "RELU6" and _requantizes(graph, op):
        yield KnownException(
            op=op.index,
            rule="relu6",
            reason="TFLite Micro's RELU6 ignores the output's scale and zero point",
            always=True,
        )
    elif op.name == "SOFTMAX" and graph.tensors[op.inputs[0]].shape[-1:] >= (SOFTMAX_LIMIT,):
        yield KnownException(
            op=op.index,
            rule="softmax",
            reason=f"TFLite Micro stops where the exponentials of a row add up to {SOFTMAX_LIMIT} or more",
            always=False,
        )
    elif op.name == "DEPTHWISE_CONV_2D" and op.inputs[2:3] == (-1,):
        yield KnownException(
            op=op.index,
            rule="depthwise-bias",
            reason="TFLite Micro crashes on a depthwise convolution whose bias is marked as absent",
            always=True,
        )
    elif op.name == "RESIZE_BILINEAR" and any(
        leaves_input(
            graph.tensors[op.inputs[0]].shape[axis],
            graph.tensors[op.outputs[0]].shape[axis],
            corners=bool(op.options.get("align_corners")),
            centers=bool(op.options.get("half_pixel_centers")),
        )
        for axis in (1, 2)
    ):
        yield KnownException(
            op=op.index,
            rule="resize-bilinear",
            reason="TFLite Micro's RESIZE_BILINEAR reads behind the last row or column here",
            always=True,
        )
    elif op.name == "SVDF" and op.inputs[3] < 0:
        yield KnownException(
            op=op.index,
            rule="svdf-bias",
            reason="TFLite Micro crashes on an SVDF without a bias",
            always=True,
        )
    elif op.name == "RSQRT":
        yield KnownException(
            op=op.index,
            rule="rsqrt",
            reason="TFLite Micro stops at a negative input of RSQRT",
            always=False,
        )
    elif op.name == "QUANTIZE" and graph.tensors[op.inputs[0]].dtype is DType.FLOAT32:
        yield KnownException(
            op=op.index,
            rule="quantize",
            reason="TFLite Micro's QUANTIZE overflows on NaN and on inputs beyond 2^31 steps",
            always=False,
        )


def _requantizes(graph: Graph, op: Op) -> bool:
    source, target = graph.tensors[op.inputs[0]].quantization, graph.tensors[op.outputs[0]].quantization
    return (
        source is not None
        and target is not None
        and (source.scales, source.zero_points) != (target.scales, target.zero_points)
    )
