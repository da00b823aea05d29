"""All that was measured, as findings and the verdict read it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeq.comparison.arms import FLOAT
from edgeq.comparison.contrasts import ScoredArm
from edgeq.comparison.made import Made
from edgeq.comparison.record import ComparedData, Contrast, LayerReport
from edgeq.comparison.scores import Scores
from edgeq.records import Metric
from edgeq.report.format import is_share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgeq.data.overlap import DataChecks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Everything that a comparison measured.

    `given` says that the user brought the models. `runs` has what was made by arm and seed, `arms` the same scored on
    the test samples, `seen` the float arms scored on training samples. `groups` (n,) says which test samples belong
    together, None: none do. `calibration_classes` (n,) are the float model's predictions of the calibration samples,
    `loss` is Keras' name of the one that the float model's file names, `failures` has the reasons of runs that failed,
    by arm. `margin` is the largest difference that does not matter: a share of samples, or, for an error metric, in the
    unit of the error.
    """

    metric: Metric
    given: bool
    margin: float
    level: float
    data: ComparedData
    checks: DataChecks | None
    arms: Mapping[str, ScoredArm]
    runs: Mapping[tuple[str, int], Made]
    seen: Mapping[str, Scores]
    contrasts: tuple[Contrast, ...]
    layers: tuple[LayerReport, ...]
    groups: NDArray[np.int64] | None = None
    calibration_classes: NDArray[np.int64] | None = None
    loss: str | None = None
    failures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def contrast(self, first: str, second: str) -> Contrast | None:
        """The contrast of two arms, if it was asked."""
        return next((c for c in self.contrasts if (c.first, c.second) == (first, second)), None)

    def first_run(self, arm: str) -> Made | None:
        """What was made of an arm with the lowest seed."""
        seeds = [seed for name, seed in self.runs if name == arm]
        return self.runs[arm, min(seeds)] if seeds else None

    @property
    def margin_share(self) -> float:
        """The margin as `gain` counts: a share of samples, or of the float model's error."""
        if is_share(self.metric):
            return self.margin
        base = self.arms[FLOAT] if FLOAT in self.arms else next(iter(self.arms.values()))
        return self.margin / base.first.mean if base.first.mean else math.inf

    def mean(self, arm: str) -> float:
        """An arm's figure on the test samples, mean over seeds."""
        runs = self.arms[arm].runs.values()
        return sum(run.mean for run in runs) / len(runs)

    def gain(self, first: str, second: str) -> float:
        """How much better the second arm is on the test samples, mean over seeds: a share of samples, or of the first
        arm's error. Negative: worse."""
        one, two = self.mean(first), self.mean(second)
        return two - one if is_share(self.metric) else (one - two) / one if one else 0.0
