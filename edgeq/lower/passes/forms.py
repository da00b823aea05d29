"""Calls that are special cases of another kernel's, for which there are faster ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgeq.lower.passes.one_channel import as_convolution
from edgeq.lower.passes.one_pixel import as_dense
from edgeq.lower.passes.record import Stepped, Steps, counted
from edgeq.lower.passes.scalars import as_table
from edgeq.lower.program import KernelCall


def scalars_to_tables(steps: Steps) -> Stepped:
    """ADD, SUB, MUL, MAXIMUM and MINIMUM with a single constant."""
    return _turned(steps, as_table, "op", "with a single constant as a table")


def depthwise_to_convolution(steps: Steps) -> Stepped:
    """Depthwise convolutions of one channel."""
    return _turned(steps, as_convolution, "depthwise convolution", "of one channel as a convolution")


def convolution_to_dense(steps: Steps) -> Stepped:
    """Convolutions of one output pixel."""
    return _turned(steps, as_dense, "convolution", "over the whole image as a matrix product")


def _turned(steps: Steps, turn: Callable[[KernelCall], KernelCall], what: str, how: str) -> Stepped:
    parts = tuple(turn(part) if isinstance(part, KernelCall) else part for part in steps.parts)
    count = sum(a is not b for a, b in zip(parts, steps.parts, strict=True))
    return Stepped(
        steps=replace(steps, parts=parts), count=count, saved=f"{counted(count, what)} {how}" if count else ""
    )
