"""Ranges that leave out outliers where that costs less than the coarse steps that they force on everything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.quantize.qat.insert import SUFFIX, FakeQuantized
from edgeq.records import FloatModel, Split
from edgeq.reference.float_model import float_outputs
from edgeq.training.objective import Labels, Objective
from edgeq.training.plan import TrainingPlan
from edgeq.training.steps import Steps

_CLIPS = tuple(2.0**-k for k in (0.5, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9))
_SAMPLES = 512
_PATIENCE = 3

_GAIN = 0.2
"""A smaller range is taken only if it makes the error smaller by this share: less may be the luck of these samples."""

_MATTERS = 1e-3
"""An error below this share of the outputs' mean square is left as it is."""


def choose_clips(trained: FakeQuantized, form: FloatModel, plan: TrainingPlan) -> tuple[str, ...]:
    """Set each range's `clip` to the one that changes the model's outputs least; what was done, as notes.

    The error is the mean squared difference from the float model's outputs on training samples. Rounding is switched
    on one range after the other in the order of the layers, each time with the best range given those before it: the
    error then tells about this range alone. The whole range stays unless a smaller one is clearly better, so that a
    model without outliers starts with the ranges of its calibration. (Nahshan et al., 2019, Loss Aware Post-training
    Quantization, arXiv:1911.07190, choose ranges by the loss; that of an undertrained model may fall when its input is
    cut off, so the float outputs are the aim here.)

    Args:
        trained: the fake-quantized model, with ranges from calibration.
        form: the float model that it was made from.
        plan: whose training samples are taken.
    """
    rows = plan.order(0)[:_SAMPLES]
    x = tuple(a[rows] for a in plan.train.x)
    (aim,) = float_outputs(form, x)
    error = Objective(labels=Labels.VALUES, loss="mean_squared_error", from_logits=True, classes=plan.objective.classes)
    steps = Steps(trained.model.handle, replace(plan, validation=Split(x=x, y=aim), objective=error))
    floor = _MATTERS * float(np.mean(np.square(aim)))
    groups = list(_groups(trained))
    for members in groups:
        _set(members, 0.0)
    notes = []
    for members in groups:
        clip = _best(steps, members, floor)
        _set(members, clip)
        if clip < 1.0:
            names = ", ".join(layer.name.removesuffix(SUFFIX) for layer in members)
            notes.append(f"{names} {clip:.3g}")
    if not notes:
        return ()
    return (f"Ranges that leave out outliers, as a share of the largest value: {'; '.join(notes)}.",)


def _best(steps: Steps, members: tuple[Any, ...], floor: float) -> float:
    _set(members, 1.0)
    whole, _ = steps.evaluate()
    if whole <= floor:
        return 1.0
    best, lowest, waited = 1.0, (1.0 - _GAIN) * whole, 0
    for clip in _CLIPS:
        _set(members, clip)
        error, _ = steps.evaluate()
        if error < lowest:
            best, lowest, waited = clip, error, 0
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
