"""Which work a comparison has, and in what order."""

from __future__ import annotations

from edgeq.comparison.arms import Task, Work, plan
from edgeq.records import Method

EVERY = (Method.PTQ, Method.QAT, Method.QAT_TFMOT, Method.INT16X8)


def test_what_takes_long_comes_first() -> None:
    """So that no process is left with a long piece of work at the end, while the others have none."""
    tasks = plan(EVERY, (3, 4), batch_norm=True, random_calibration=True)
    trained = (Work.QAT_TFMOT, Work.QAT, Work.CONTINUED_TFMOT, Work.CONTINUED)
    assert tasks[:8] == tuple(Task(work=work, seed=seed) for seed in (3, 4) for work in trained)
    assert [(t.work, t.seed) for t in tasks[8:]] == [
        (Work.BATCH_NORM, 3), (Work.PTQ, 3), (Work.PTQ, 4), (Work.INT16X8, 3), (Work.FLOAT, 3),
    ]  # fmt: skip


def test_what_no_seed_changes_is_made_once() -> None:
    tasks = plan((Method.PTQ,), (0, 1, 2), batch_norm=False, random_calibration=False)
    assert tasks == (Task(work=Work.PTQ, seed=0), Task(work=Work.FLOAT, seed=0))
