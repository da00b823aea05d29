"""PAD in front of a convolution becomes the convolution's own padding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.lower.fixedpoint import output_size, padding_before
from edgeq.lower.ops import common
from edgeq.lower.passes.record import Passed
from edgeq.model.graph import Graph, Op

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def merge_padding(graph: Graph) -> Passed:
    """A convolution pads with its input's zero point, as PAD does: where SAME on the unpadded input gives the same
    windows as VALID on the padded one, the PAD goes."""
    readers: dict[int, list[Op]] = {}
    for op in graph.ops:
        for tensor in op.inputs:
            readers.setdefault(tensor, []).append(op)
    exchanged: dict[int, Op] = {}
    merged: dict[int, int] = {}
    saved = 0
    for pad in graph.ops:
        if pad.name != "PAD" or pad.outputs[0] in graph.outputs:
            continue
        users = readers.get(pad.outputs[0], [])
        if len(users) == 1 and _fits(graph, pad, users[0]):
            user = users[0]
            inputs = (pad.inputs[0], *user.inputs[1:])
            exchanged[user.index] = replace(user, inputs=inputs, options={**user.options, "padding": "SAME"})
            merged[pad.index] = user.index
            saved += graph.tensors[pad.outputs[0]].nbytes
    if not merged:
        return Passed(graph=graph)
    ops = tuple(exchanged.get(op.index, op) for op in graph.ops if op.index not in merged)
    words = f"{len(merged)} PAD merged into convolutions, {saved:,} bytes not copied"
    return Passed(graph=replace(graph, ops=ops), merged=merged, count=len(merged), saved=words)


def _fits(graph: Graph, pad: Op, user: Op) -> bool:
    if user.name not in _CONVOLUTIONS or user.inputs[0] != pad.outputs[0] or user.options.get("padding") != "VALID":
        return False
    source, padded, target = (graph.tensors[i] for i in (pad.inputs[0], pad.outputs[0], user.outputs[0]))
    amounts = graph.tensors[pad.inputs[1]].data
    if amounts is None or source.quantization != padded.quantization or len(source.shape) != 4:
        return False
    before, after = np.asarray(amounts, np.int64).reshape(4, 2).T.tolist()
    if any((before[0], after[0], before[3], after[3])):
        return False
    weights = graph.tensors[user.inputs[1]]
    for axis, side in ((1, "h"), (2, "w")):
        stride = common.integer(user, f"stride_{side}", 1)
        dilation = common.integer(user, f"dilation_{side}_factor", 1)
        window = weights.shape[axis]
        outputs = output_size("SAME", source.shape[axis], window, stride, dilation)
        first = padding_before(source.shape[axis], window, stride, outputs, dilation)
        if outputs != target.shape[axis] or first != before[axis]:
            return False
    return True
