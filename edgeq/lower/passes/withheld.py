"""What kernels and the planner do by themselves, taken from them where a user leaves the pass out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgeq.lower.dsp.candidate import Candidate
from edgeq.lower.layout import Layout
from edgeq.lower.program import KernelCall

# Kernels that subtract the input's zero point from each value that they multiply.
_WEIGHTED = frozenset(
    {
        "edgeq_conv_1x1_bands_int8",
        "edgeq_conv_2d_int8",
        "edgeq_depthwise_conv_2d_int8",
        "edgeq_fully_connected_int8",
        "edgeq_transpose_conv_int8",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """`without` gives what is left of a call's candidate where the pass is left out: the candidate changed, or None.
    `count` says how often a finished program does it, given each call as lowered and as chosen, and the layout;
    `what` is counted, and `how` says what became of it."""

    without: Callable[[KernelCall, Candidate], Candidate | None]
    count: Callable[[Sequence[tuple[KernelCall, KernelCall]], Layout], int]
    what: str
    how: str


def _folds_zero_point(call: KernelCall, chosen: KernelCall) -> bool:
    """Portable kernels read `input_offset`; all others have it in their packed biases."""
    return call.kernel in _WEIGHTED and chosen.kernel != call.kernel and call.params["input_offset"] != 0


def _unfolded(call: KernelCall, candidate: Candidate) -> Candidate | None:
    return None if _folds_zero_point(call, candidate.call) else candidate


ZERO_POINTS = Habit(
    without=_unfolded,
    count=lambda calls, _: sum(_folds_zero_point(*both) for both in calls),
    what="layer",
    how="with the zero-point terms in the biases",
)

IN_PLACE = Habit(
    without=lambda _, candidate: replace(candidate, call=replace(candidate.call, in_place=())),
    count=lambda _, layout: len(layout.in_place),
    what="output",
    how="in the place of an input",
)
