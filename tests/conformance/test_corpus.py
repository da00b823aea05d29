"""The graphs that tools/fuzz has kept: those that found something, and a few that have every kernel it saw."""

from __future__ import annotations

from pathlib import Path

import pytest
from conformance import fuzz

from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Share of the kernels and products that the corpus was made for. An entry takes its calls' candidates by number: a new
# kernel is a new candidate, and moves the numbers behind it, so that the graph then has other kernels than it was kept
# for. Each has tests of its own; what the corpus is for, kernels in company, is gone when much of it has moved.
_STILL = 0.8


def test_corpus(tflm: ReferenceWorker, gcc: str, tmp_path: Path) -> None:
    entries, covers = fuzz.read_corpus()
    outcomes = fuzz.compare(entries, tflm, tmp_path)
    problems = [f"{o.entry}: {o.problem}" for o in outcomes if o.problem]
    assert not problems, "\n".join(problems)
    lost = covers - frozenset[str]().union(*(o.covers for o in outcomes))
    assert len(lost) <= (1 - _STILL) * len(covers), (
        f"The corpus has lost {len(lost)} of {len(covers)} kernels and products: {', '.join(sorted(lost))}. "
        "`tools/fuzz --corpus` renews it."
    )
