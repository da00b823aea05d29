"""Runs the jobs of a comparison side by side: processes of this machine, or a Dask cluster, through joblib."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from edgeq.comparison.cluster import connected
from edgeq.comparison.made import Job, Made
from edgeq.comparison.work import run_job
from edgeq.errors import UnavailableError
from edgeq.interruption import scratch_folder, temporary_files_in
from edgeq.records import Progress


def workers(jobs: int | None, count: int) -> int:
    """How many jobs run at a time here: as asked for, else one per core, never more than there are."""
    return max(1, min(jobs or os.cpu_count() or 1, count))


def threads(at_a_time: int) -> int:
    """TensorFlow threads per job, so that all jobs together take this machine's cores."""
    return max(1, (os.cpu_count() or 1) // at_a_time)


def run_jobs(
    jobs: Sequence[Job], *, at_a_time: int | None, dask: str | None, progress: Progress
) -> Iterator[tuple[Job, tuple[Made, ...]]]:
    """Every job with its result, as they end.

    What the processes of this machine write while they work lies in one folder, which is gone at the end, whatever
    ended it.

    Args:
        jobs: what is to be done; `threads` is set here.
        at_a_time: jobs that run side by side; None: one per core. A Dask cluster takes as many as it has threads.
        dask: address of a Dask scheduler; None: this machine.
        progress: told of every job.

    Raises:
        InputError: Dask was asked for and is not installed.
        UnavailableError: a worker died, the Dask scheduler does not answer, or the cluster failed.
    """
    if not jobs:
        return
    done = _on_cluster(jobs, dask) if dask is not None else _here(jobs, workers(at_a_time, len(jobs)))
    for index, made in done:
        progress.step()
        yield jobs[index], made


def _here(jobs: Sequence[Job], at_a_time: int) -> Iterator[tuple[int, tuple[Made, ...]]]:
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    share = threads(at_a_time)
    with scratch_folder() as scratch:
        parallel = Parallel(
            n_jobs=at_a_time,
            return_as="generator_unordered",
            batch_size=1,
            # No more than loky hands on at once: its thread fails over the others when the workers are killed.
            pre_dispatch="2*n_jobs",
            temp_folder=str(scratch),
        )
        try:
            yield from parallel(
                delayed(_numbered)(i, replace(job, threads=share), scratch) for i, job in enumerate(jobs)
            )
        except TerminatedWorkerError as exc:
            raise UnavailableError(
                "A worker process died while it trained or quantized a model: it crashed, or memory ran out.",
                hint="Try --jobs 1; finished arms are kept and used again.",
            ) from exc
        finally:
            if at_a_time > 1:
                _end_workers()  # before their folder goes


def _on_cluster(jobs: Sequence[Job], address: str) -> Iterator[tuple[int, tuple[Made, ...]]]:
    from joblib import Parallel, delayed

    with connected(address) as share:
        parallel = Parallel(n_jobs=-1, return_as="generator_unordered", batch_size=1, pre_dispatch="all")
        yield from parallel(delayed(_numbered)(i, replace(job, threads=share)) for i, job in enumerate(jobs))


def _numbered(index: int, job: Job, scratch: Path | None = None) -> tuple[int, tuple[Made, ...]]:
    with temporary_files_in(scratch) if scratch is not None else contextlib.nullcontext():
        return index, run_job(job)


def _end_workers() -> None:
    """No process stays behind, whatever it is doing."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True, kill_workers=True)
