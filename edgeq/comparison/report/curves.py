"""Learning curves of every trained arm, one line per seed."""

from __future__ import annotations

from edgeq.comparison.record import Comparison, Run
from edgeq.comparison.report.plots import arm_kind
from edgeq.report import curves
from edgeq.report import format as fmt


def curve_plots(comparison: Comparison) -> tuple[curves.CurvePlot, ...]:
    """One plot per trained arm; all have the same axes."""
    methods = [
        curves.Trainings(
            title=arm.title,
            kind=arm_kind(comparison, arm.name),
            runs=tuple((_name(run), run.history) for run in arm.runs if run.history is not None),
        )
        for arm in comparison.arms
    ]
    return curves.curve_plots([m for m in methods if m.runs], share=fmt.is_share(comparison.metric))


def _name(run: Run) -> str:
    return "the run" if run.seed is None else f"seed {run.seed}"
