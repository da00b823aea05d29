"""What it costs to compute channels at all, and what it costs to have biases for sides and corners instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeq.lower.bands import Bands
from edgeq.lower.passes.families import Family
from edgeq.model.graph import Graph, Op

# Cycles of a Cortex-M4: of four outputs of two pixels by input channel, and besides (`edgeq.lower.dsp.quads`); of
# copying their weights, by input channel, and besides; of an output of a depthwise convolution by its window; of a
# product of any other.
_QUAD, _QUAD_BESIDES = 7.5, 60
_COPY, _COPY_BESIDES = 1.5, 110
_DEPTHWISE, _PRODUCT = 2.0, 1.0

# Cycles that a byte of flash must save: about what the choice of kernels asks for in models of some 100 KB.
_PRICE = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Banded:
    """A convolution of one pixel, and the bands that its bias would have."""

    op: Op
    where: Bands


def pays(graph: Graph, family: Family, banded: Sequence[Banded], count: int) -> bool:
    """Whether a family with `count` channels and such biases is better than it is.

    Args:
        graph: as it is.
        family: of the graph.
        banded: the readers that would have such biases; the others only become smaller.
        count: of channels that would be left.
    """
    fewer = family.channels - count
    saved, spent = 0.0, 0
    for op in (family.producer, *family.channelwise):
        if op.name not in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
            continue
        weights, target = graph.tensors[op.inputs[1]], graph.tensors[op.outputs[0]]
        of_each = weights.elements // family.channels
        spent -= fewer * of_each
        product = _PRODUCT if op.name == "CONV_2D" else _DEPTHWISE
        saved += fewer * of_each * product * (target.elements // family.channels)
    for reader in banded:
        *_, height, width, outputs = graph.tensors[reader.op.outputs[0]].shape
        quads = -(-outputs // 4)
        saved += quads * (_products(-(-height * width // 2), family.channels) - _by_band(reader.where, count))
        spent += (reader.where.count - 1) * 16 * quads - fewer * outputs
    return saved > max(0, _PRICE * spent)


def _products(pairs: int, channels: int) -> float:
    return pairs * (_QUAD_BESIDES + _QUAD * channels)


def _by_band(where: Bands, channels: int) -> float:
    """A quad's products, of each rectangle by itself; the middle one row by row, with the weights where they are."""
    total = 0.0
    for i, (rows, columns) in enumerate(where.sizes):
        if i == where.middle:
            whole = where.columns[0] == where.columns[2] == 0
            total += _products(-(-rows * columns // 2) if whole else rows * -(-columns // 2), channels)
        else:
            total += _products(-(-rows * columns // 2), channels) + _COPY_BESIDES + _COPY * channels
    return total
