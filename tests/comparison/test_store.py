"""Finished arms are kept, used again, and made again when anything that they depend on is another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeq.comparison.arms import Task, Work
from edgeq.comparison.made import Job, Made, ModelFiles
from edgeq.comparison.record import LayerReport
from edgeq.comparison.store import find, keep, place_of
from edgeq.data.arrays import dataset_from_arrays
from edgeq.training import Epoch, TrainingHistory, TrainingOptions
from edgeq.validation.agreement import Rounding

EPOCH = Epoch(loss=0.5, validation_loss=float("inf"), validation_metric=0.25, learning_rate=1e-3, range_change=None)
HISTORY = TrainingHistory(
    start=EPOCH, epochs=(EPOCH, replace(EPOCH, range_change=0.1)), best=1, stopped_early=True, optimizer="adam",
    loss="mse", batch_size=8, training_samples=90, validation_samples=10, validation_seen=True,
)  # fmt: skip
LAYER = LayerReport(
    arm="ptq", layer="conv", tensor="t", low=-1.0, high=1.0, sqnr_db=float("inf"), clipped=0.0, unused=0.5,
    channel_ratio=None,
)  # fmt: skip
JOB = Job(
    task=Task(work=Work.PTQ, seed=3), model=ModelFiles(name="m.keras", files={"": b"model"}, trusted=False),
    data=dataset_from_arrays({"x_test": np.eye(4, dtype=np.float32)}, "d"), training=TrainingOptions(),
    calibration_samples=20, threads=1, detailed=True, checkpoints=None,
)  # fmt: skip
ROUNDING = (Rounding(step=0.5, logits=0.1), Rounding(step=0.25, sigmoid=True))
RUN = Made(
    arm="ptq", seed=3, scheme="int8", evaluated_by="TFLite Micro", content=b"tflite", test=(np.eye(4), np.ones((4, 1))),
    trained=(np.zeros((4, 2)),), history=HISTORY, layers=(LAYER,), rounding=ROUNDING, notes=("a note",), seconds=1.5,
)  # fmt: skip


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    keep(tmp_path, JOB, (RUN,))
    (found,) = find(tmp_path, JOB) or ()
    assert found.reused
    assert (found.content, found.history, found.layers, found.notes) == (b"tflite", HISTORY, (LAYER,), ("a note",))
    for ours, theirs in zip((*found.test, *found.trained), (*RUN.test, *RUN.trained), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not found.seen


def test_arms_of_an_older_training_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 3 trained QAT and its control with batch norms folded."""
    with monkeypatch.context() as older:
        older.setattr("edgeq.comparison.store._VERSION", 3)
        keep(tmp_path, JOB, (RUN,))
    assert find(tmp_path, JOB) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(JOB, task=Task(work=Work.PTQ, seed=4)),
        replace(JOB, model=replace(JOB.model, files={"": b"model2"})),
        replace(JOB, calibration_samples=21),
        replace(JOB, data=replace(JOB.data, sha256="0")),
    ],
)
def test_another_job_finds_nothing(tmp_path: Path, other: Job) -> None:
    keep(tmp_path, JOB, (RUN,))
    assert find(tmp_path, other) is None


@pytest.mark.parametrize(("work", "found"), [(Work.PTQ, True), (Work.QAT, False), (Work.CONTINUED, False)])
def test_another_training_makes_only_what_trains_again(tmp_path: Path, work: Work, found: bool) -> None:
    job = replace(JOB, task=Task(work=work, seed=3))
    keep(tmp_path, job, (RUN,))
    assert bool(find(tmp_path, replace(job, training=TrainingOptions(epochs=3)))) == found


def test_threads_and_trust_do_not_matter(tmp_path: Path) -> None:
    keep(tmp_path, JOB, (RUN,))
    assert find(tmp_path, replace(JOB, threads=8, model=replace(JOB.model, trusted=True)))


def test_a_failure_is_tried_again(tmp_path: Path) -> None:
    keep(tmp_path, JOB, (Made(arm="ptq", seed=3, failed="no"),))
    assert find(tmp_path, JOB) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damaged", ["made.json", "ptq.npz"])
@pytest.mark.parametrize("cut", [0, 20])
def test_a_damaged_result_is_made_again(tmp_path: Path, damaged: str, cut: int) -> None:
    keep(tmp_path, JOB, (RUN,))
    file = place_of(tmp_path, JOB) / damaged
    file.write_bytes(file.read_bytes()[:cut])
    assert find(tmp_path, JOB) is None
    keep(tmp_path, JOB, (RUN,))
    assert find(tmp_path, JOB)


def test_a_name_is_no_path(tmp_path: Path) -> None:
    keep(tmp_path, JOB, (RUN,))
    file = place_of(tmp_path, JOB) / "made.json"
    facts = json.loads(file.read_text())
    facts["made"][0]["arm"] = "../ptq"
    file.write_text(json.dumps(facts))
    assert find(tmp_path, JOB) is None
