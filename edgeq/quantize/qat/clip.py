"""Ranges that leave out outliers where that costs less than the coarse steps that they force on everything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.quantize.qat.insert import FakeQuantized
from edgeq.records import Split
from edgeq.training.plan import TrainingPlan
from edgeq.training.steps import Steps

_CLIPS = tuple(2.0**-k for k in (0.5, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9))
_SAMPLES = 512
_GAIN = 0.1
"""A smaller range is taken only if the loss falls by this share at least: less may be the luck of these samples."""

_PATIENCE = 3


def choose_clips(trained: FakeQuantized, plan: TrainingPlan) -> tuple[str, ...]:
    """Set each range's `clip` to the one with which the loss on training samples is smallest; what was done, as notes.

    Rounding is switched on one range after the other in the order of the layers, each time with the best range given
    those before it: the loss then tells about this range alone. The whole range stays unless a smaller one is clearly
    better, so that a model without outliers starts with the ranges of its calibration. (Choosing ranges by the loss:
    Nahshan et al., 2019, Loss Aware Post-training Quantization, arXiv:1911.07190; here one range at a time.)
    """
    subset = _first(plan.train, plan.order(0)[:_SAMPLES])
    steps = Steps(trained.model.handle, replace(plan, validation=subset))
    groups = list(_groups(trained))
    for members in groups:
        _set(members, 0.0)
    notes = []
    for members in groups:
        clip = _best(steps, members)
        _set(members, clip)
        if clip < 1.0:
            names = ", ".join(layer.name for layer in members)
            notes.append(f"{names} {clip:.3g}")
    if not notes:
        return ()
    return (f"Ranges that leave out outliers, as a share of the largest value: {'; '.join(notes)}.",)


def _best(steps: Steps, members: tuple[Any, ...]) -> float:
    _set(members, 1.0)
    whole, _ = steps.evaluate()
    best, lowest, waited = 1.0, whole - _GAIN * abs(whole), 0
    for clip in _CLIPS:
        _set(members, clip)
        loss, _ = steps.evaluate()
        if loss < lowest:
            best, lowest, waited = clip, loss, 0
        else:
            waited += 1
        if waited == _PATIENCE and best < 1.0:
            break
    return best


def _set(members: tuple[Any, ...], clip: float) -> None:
    for layer in members:
        layer.clip.assign(clip)


def _groups(trained: FakeQuantized) -> Iterator[tuple[Any, ...]]:
    """The layers of each range, in the order in which the model first uses them."""
    order = {id(layer): i for i, layer in enumerate(trained.model.handle.layers)}
    groups = {id(layer.group): layer.group.members for layer in trained.ranges}
    yield from sorted(map(tuple, groups.values()), key=lambda g: min(order[id(layer)] for layer in g))


def _first(split: Split, rows: Any) -> Split:
    return Split(x=tuple(a[rows] for a in split.x), y=np.asarray(split.y)[rows])
