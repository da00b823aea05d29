"""What the paragraph says about a difference that is not decided, and about what would settle it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from comparison_parts import contrast, finding

from edgeq.comparison.arms import PTQ, QAT
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.record import Conclusion, Contrast, Severity
from edgeq.comparison.verdict import verdict
from edgeq.records import Metric


def evidence(found: Contrast) -> Evidence:
    nothing: Any = None
    return Evidence(
        metric=Metric.TOP1, given=False, margin=0.01, level=0.05, data=nothing, checks=None,
        arms={PTQ: nothing, QAT: nothing}, runs={}, seen={}, contrasts=(found,), layers=(),
    )  # fmt: skip


def undecided(detectable: float | None, needed: int | None) -> Evidence:
    made = contrast(PTQ, QAT, "Better?", declared=True, n=200, seeds=(0,), tests=1)
    answer = replace(
        made.artifact, conclusion=Conclusion.INCONCLUSIVE, detectable=detectable, samples_needed=needed,
        within_margin=False,
    )  # fmt: skip
    return evidence(replace(made, artifact=answer))


@pytest.mark.parametrize(
    ("detectable", "needed", "said"),
    [
        (0.042, 1300, " They could show a difference of 4.2 points or more; about 1,300 would show the one"),
        (0.042, None, " They could show a difference of 4.2 points or more. "),
        (None, 1300, " Of them about 1,300 would show the one that is seen, if it is real. "),
        (None, None, "). Ship PTQ"),
    ],
)
def test_an_open_question_comes_with_what_would_decide_it(
    detectable: float | None, needed: int | None, said: str
) -> None:
    assert said in verdict(undecided(detectable, needed), ()).paragraph


def test_an_interval_without_0_may_leave_the_question_open() -> None:
    given = undecided(0.042, None)
    (one,) = given.contrasts
    clear = replace(one, artifact=replace(one.artifact, interval=(0.001, 0.03)))
    several = replace(given, contrasts=(clear, replace(clear, first="float")))
    assert (
        "leaves out 0, which is too little where 2 questions are asked at once. They" in verdict(several, ()).paragraph
    )
    assert "leaves out" not in verdict(replace(given, contrasts=(clear,)), ()).paragraph


def test_the_first_cause_comes_with_what_settles_it() -> None:
    first, second = (finding(code, Severity.WARNING, f"{code} it is") for code in ("one", "two"))
    said = verdict(undecided(None, None), (first, second)).paragraph
    assert "Behind the numbers: one it is. Also, two it is. What settles it: train the float model until" in said
    error = verdict(undecided(None, None), (finding("bad", Severity.ERROR, "bad data"), first)).paragraph
    assert "as they are: bad data. What settles it: train" in error
