"""Work side by side: in processes, on a Dask cluster, interrupted, and what a dead scheduler says."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import planted
import pytest

from edgeq.comparison.arms import FLOAT, PTQ, Task, Work
from edgeq.comparison.cluster import connected, threads_per_task
from edgeq.comparison.look import Look, Question
from edgeq.comparison.made import Job, Made
from edgeq.comparison.options import CompareOptions
from edgeq.comparison.run import crew, run_jobs, threads, workers
from edgeq.comparison.work import pack
from edgeq.data import load_dataset
from edgeq.errors import UnavailableError
from edgeq.model.peek import peek_inputs
from edgeq.records import ModelFormat, Progress
from edgeq.training import TrainingOptions

KERAS3 = ModelFormat.KERAS3

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("compare")]


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> CompareOptions:
    """A model and its data."""
    return planted.clean(0, False).write(tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="module")
def jobs(options: CompareOptions) -> list[Job]:
    """The float model and its PTQ."""
    assert options.model is not None
    data = load_dataset(options.data)
    return [
        Job(
            task=Task(work=work, seed=0), model=pack(options.model, trusted=False), data=data,
            training=TrainingOptions(), calibration_samples=50, threads=1, detailed=False, checkpoints=None,
        )
        for work in (Work.FLOAT, Work.PTQ)
    ]  # fmt: skip


def made(
    jobs: list[Job], at_a_time: int, dask: str | None = None, *, question: Question | None = None
) -> dict[str, Made]:
    steps = []
    progress = Progress(step=lambda n=1: steps.append(n))
    with crew(len(jobs), at_a_time=at_a_time, dask=dask) as workers:
        if question is not None:
            answer = workers.ask(question)
            assert isinstance(answer, Look), answer
            assert (answer.facts.name, answer.refusal) == ("model.keras", None)
        done = list(run_jobs(jobs, workers, progress=progress))
    assert sum(steps) == len(jobs)
    return {run.arm: run for _, runs in done for run in runs}


def same(one: dict[str, Made], two: dict[str, Made]) -> None:
    assert set(one) == set(two) == {FLOAT, PTQ}
    for name, run in one.items():
        assert run.failed is None
        assert run.content == two[name].content
        for a, b in zip(run.test, two[name].test, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_dask_cluster_of_two_workers_makes_the_same(jobs: list[Job]) -> None:
    from distributed import LocalCluster

    alone = made(jobs, 1)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        same(alone, made(jobs, 2, cluster.scheduler_address))


def test_a_single_worker_works_too(jobs: list[Job]) -> None:
    """joblib would run the jobs in this process; the scheduler knows who did."""
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        assert set(made(jobs[:1], 1, cluster.scheduler_address)) == {FLOAT}
        with Client(cluster.scheduler_address) as client:
            (modules,) = client.run(eval, "'keras' in __import__('sys').modules").values()
    assert modules


def test_workers_that_die_are_a_message(jobs: list[Job]) -> None:
    """Out of memory, say: joblib alone would wait for the task for good."""
    import dask
    from distributed import LocalCluster

    endless = replace(jobs[1], task=Task(work=Work.QAT, seed=0), training=TrainingOptions(epochs=10**6, patience=0))
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        killer = threading.Thread(target=kill_when_busy, args=(cluster,))
        killer.start()
        with pytest.raises(UnavailableError, match="died over a piece of work"):
            made([endless], 1, cluster.scheduler_address)
        killer.join()


def kill_when_busy(cluster: Any) -> None:
    end = time.monotonic() + 120
    while not any(state.processing for state in cluster.scheduler.workers.values()) and time.monotonic() < end:
        time.sleep(0.1)
    for worker in cluster.workers.values():
        os.kill(worker.pid, signal.SIGKILL)


def test_two_processes_make_the_same(jobs: list[Job], options: CompareOptions) -> None:
    same(made(jobs, 1), made(jobs, 2, question=question(options)))


def question(options: CompareOptions) -> Question:
    assert options.model is not None
    return Question(
        path=options.model, trusted=False, data=load_dataset(options.data), inputs=peek_inputs(options.model, KERAS3),
        training=TrainingOptions(), seed=0,
    )  # fmt: skip


def test_processes_that_started_in_vain_are_gone(options: CompareOptions) -> None:
    with pytest.raises(UnavailableError, match="no work"), crew(2, at_a_time=2, dask=None) as workers:
        workers.ask(question(options))
        raise UnavailableError("no work")
    assert not [p for p in multiprocessing.active_children() if "Loky" in p.name]


def test_no_scheduler(jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeq.comparison.cluster.DASK_TIMEOUT", "0.5s")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(UnavailableError, match="No Dask scheduler"):
        made(jobs, 2, address)


def test_a_model_that_cannot_be_loaded_fails_alone(jobs: list[Job], tmp_path: Path) -> None:
    broken = replace(jobs[1], model=replace(jobs[1].model, files={"": b"PK damaged"}))
    found = made([jobs[0], broken], 1)
    assert found[FLOAT].failed is None
    assert found[PTQ].failed


def test_shares() -> None:
    assert workers(3, 2) == 2
    assert workers(None, 1) == 1
    assert threads(1000) == 1


def test_trainings_side_by_side_keep_checkpoints_apart(tmp_path: Path) -> None:
    from edgeq import api
    from edgeq.comparison.flow import _checkpoints
    from edgeq.records import Method

    places = {_checkpoints(tmp_path, Task(work=work, seed=seed)) for work in Work for seed in (0, 1)}
    assert len(places) == 2 * len(Work)
    planted_one = planted.with_methods(planted.clean(0, False), Method.QAT, epochs=1)
    options = replace(planted_one.write(tmp_path), jobs=2, seeds=2)
    comparison = api.compare(options)
    trained = [arm for arm in comparison.arms if arm.name in ("qat", "float-continued")]
    assert [(len(arm.runs), arm.failed) for arm in trained] == [(2, None)] * 2
    assert not list((tmp_path / "cmp" / "arms").glob("training-*"))


def test_threads_of_a_cluster_are_those_of_its_machines() -> None:
    """The client's cores say nothing about the workers'."""
    alone = {"tcp://10.0.0.1:1": 1}
    assert threads_per_task(alone, {"tcp://10.0.0.1:1": 16}) == 16
    assert threads_per_task({"tcp://10.0.0.1:1": 4}, {"tcp://10.0.0.1:1": 16}) == 4
    shared = {"tcp://10.0.0.1:1": 2, "tcp://10.0.0.1:2": 2, "tcp://10.0.0.2:1": 1}
    assert threads_per_task(shared, dict.fromkeys(shared, 8)) == 2
    assert threads_per_task({"tcp://10.0.0.1:1": 8}, {"tcp://10.0.0.1:1": 2}) == 1


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (lambda d: d.KilledWorker("t", SimpleNamespace(address="tcp://10.0.0.2:9"), 4), "died over a piece of work"),
        (lambda d: d.comm.CommClosedError("in <TCP>: Stream is closed"), "was lost while it worked"),
        (lambda d: d.client.FutureCancelledError("key", "scheduler-connection-lost"), "was lost while it worked"),
        (lambda d: ModuleNotFoundError("no", name="edgeq"), "lack the module edgeq"),
    ],
)
def test_a_clusters_errors_are_explained(
    raised: Callable[[Any], Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import distributed

    class Client:
        def __init__(self, address: str, timeout: str) -> None:
            pass

        def nthreads(self) -> dict[str, int]:
            raise raised(distributed)

        def close(self, timeout: float) -> None:
            raise TimeoutError

    monkeypatch.setattr(distributed, "Client", Client)
    with pytest.raises(UnavailableError, match=said) as caught, connected("tcp://10.0.0.1:8786"):
        pass
    assert caught.value.exit_code == 3
    assert "10.0.0" in str(caught.value)
