"""Channels that are constant, or that nothing reads, are removed, and what they add goes into biases.

Channels of tensors that are computed channel by channel from each other (depthwise convolutions, pools, means) go
together. A channel goes if wherever something else reads it, it is constant or meets weights of zero only. Biases wrap
modulo 2^32 as TFLM's sums do, so the outputs stay the same bits. Some stay to make whole fours: behind the others, read
by weights of zero only, so that nobody need compute them.

Behind a padded depthwise convolution such a channel has other values at the borders, unless it was equal to the
padding. What it adds there a convolution of one pixel takes as a bias of its own for each side and corner
(`border_biases`), where that costs less than the channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from edgeq.lower.bands import Bands
from edgeq.lower.ops import common
from edgeq.lower.passes.borders import Banded, pays
from edgeq.lower.passes.constants import Values, constants_of
from edgeq.lower.passes.cutting import FOUR, added, without_channels, zero_of
from edgeq.lower.passes.families import MOVES, Family, families, summed
from edgeq.lower.passes.record import Passed, counted
from edgeq.model.graph import Graph, Op


class _Adds(Enum):
    """What a channel that no input can change adds to the sums of those that read it."""

    THE_SAME = 1
    BY_POSITION = 2
    UNKNOWN = 3


def remove_channels(graph: Graph) -> Passed:
    """The graph without channels that add the same everywhere; `changed` are the tensors that have fewer."""
    return _removed(graph, borders=False)


def border_biases(graph: Graph) -> Passed:
    """The graph without channels that add something else at the borders, where that pays; others of their layers go
    with them."""
    return _removed(graph, borders=True)


def _removed(graph: Graph, *, borders: bool) -> Passed:
    removed = weights = left = biases = 0
    changed: set[int] = set()
    read: dict[int, int] = {}
    for family in families(graph):
        if family.fixed or not family.readers:
            continue
        known = constants_of(graph, family.producer, family.channelwise)
        adds = [_adds(graph, family, known, c) for c in range(family.channels)]
        kinds = {_Adds.THE_SAME, _Adds.BY_POSITION} if borders else {_Adds.THE_SAME}
        gone = [c for c in range(family.channels) if adds[c] in kinds]
        count = family.channels - len(gone)
        # A layer keeps a channel, and whole fours.
        spare = min(max(-count % FOUR, 1 - count), len(gone))
        if borders:
            if _Adds.BY_POSITION not in adds:
                continue
            banded = _banded(graph, family, known, gone)
            if banded is None or not pays(graph, family, banded, count + spare):
                continue
            biases += sum(b.where.count - 1 for b in banded)
        gone, idle = gone[: len(gone) - spare], gone[len(gone) - spare :]
        if gone or idle:
            before = _weights(graph)
            graph = without_channels(graph, family, known, gone, idle)
            removed += len(gone)
            left += len(idle)
            weights += before - _weights(graph)
            changed |= set(family.tensors)
            changed |= {op.outputs[0] for op, _ in family.readers if op.name in MOVES}
            read |= {tensor: max(1, count) for tensor in family.tensors if idle}
    which = "channel" if borders else "constant or unread channel"
    words = f"{counted(removed, which)} removed, {weights:,} bytes of weights" if removed else ""
    words += f"{', ' if words else ''}{left} left to make fours" if left else ""
    words += f"; {biases} more biases for sides and corners" if biases else ""
    return Passed(graph=graph, changed=frozenset(changed), count=removed + left, saved=words, read=read)


def _weights(graph: Graph) -> int:
    return sum(t.nbytes for t in graph.tensors if t.data is not None and t.dtype.size == 1)


def _adds(graph: Graph, family: Family, known: Mapping[int, Values], channel: int) -> _Adds:
    found = _Adds.THE_SAME
    for reader, tensor in family.readers:
        op, weights = summed(graph, reader, family.channels)
        if not weights[:, :, channel].any():
            continue
        values = known[tensor].get(channel)
        if values is None:
            return _Adds.UNKNOWN
        more = values - zero_of(graph.tensors[tensor])
        if not more.any():
            continue
        taps, even = weights.shape[1], bool((more == more.flat[0]).all())
        if len(op.inputs) < 3 or op.inputs[2] < 0:
            return _Adds.UNKNOWN
        if op.name == "CONV_2D":
            if taps == 1 and not even and _has_one_batch(graph, op):
                found = _Adds.BY_POSITION
            elif not even or (taps > 1 and op.options.get("padding") != "VALID"):
                return _Adds.UNKNOWN
        elif (more.reshape(-1, taps) != more.reshape(-1, taps)[0]).any():
            return _Adds.UNKNOWN
    return found


def _has_one_batch(graph: Graph, op: Op) -> bool:
    """And each position of the output is one of the input."""
    source, target = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    strides = {common.integer(op, f"stride_{side}") for side in "hw"}
    return strides == {1} and source.shape[0] == 1 and source.shape[:3] == target.shape[:3]


def _banded(graph: Graph, family: Family, known: Mapping[int, Values], gone: Sequence[int]) -> list[Banded] | None:
    """The readers whose biases would differ from position to position without these channels; None: too much so."""
    found = []
    for reader, tensor in family.readers:
        op, weights = summed(graph, reader, family.channels)
        more = added(weights, known[tensor], zero_of(graph.tensors[tensor]), gone)
        if more.ndim == 1:  # channels may make up for each other
            continue
        where = Bands.of(more)
        if where is None:
            return None
        found.append(Banded(op=op, where=where))
    return found
