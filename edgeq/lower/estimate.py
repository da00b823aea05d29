"""About how many cycles a program takes on a Cortex-M4, for what passes save; the choice of kernels has its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeq.lower.dsp.candidate import Candidate
from edgeq.lower.select import MVE
from edgeq.model.graph import Graph

# Cycles of portable kernels, measured with zig: per multiply-accumulate, and per byte of output where there is none.
_PER_MAC: Mapping[str, float] = {
    "edgeq_depthwise_conv_2d_int8": 20,
    "edgeq_fully_connected_int8": 5.5,
    "edgeq_transpose_conv_int8": 9.8,
}
_OTHER_MAC = 6.5
_PER_BYTE: Mapping[str, float] = {
    "edgeq_copy": 0.85,
    "edgeq_concatenation_int8": 0.85,
    "edgeq_pad_int8": 1.65,
    "edgeq_table_int8": 13,
}
_OTHER_BYTE = 30


def cycles_of(graph: Graph, chosen: Sequence[Candidate], features: frozenset[str]) -> int | None:
    """The cycles of all calls, as of a Cortex-M4; None for cores with the vector extension, whose kernels it lacks."""
    if MVE in features:
        return None
    return round(sum(_cycles(graph, candidate) for candidate in chosen))


def _cycles(graph: Graph, candidate: Candidate) -> float:
    call = candidate.call
    if call.expected_cycles is not None:
        return call.expected_cycles
    if call.macs:
        return _PER_MAC.get(call.kernel, _OTHER_MAC) * call.macs
    return _PER_BYTE.get(call.kernel, _OTHER_BYTE) * sum(graph.tensors[t].nbytes for t in call.outputs)
