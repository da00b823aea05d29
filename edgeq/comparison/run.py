"""Runs the jobs of a comparison side by side: processes of this machine, or a Dask cluster, through joblib."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

from edgeq.comparison.made import Job, Made
from edgeq.comparison.work import run_job
from edgeq.errors import InputError, UnavailableError
from edgeq.records import Progress

DASK_TIMEOUT = "10s"


def workers(jobs: int | None, count: int) -> int:
    """How many jobs run at a time: as asked for, else one per core, never more than there are."""
    return max(1, min(jobs or os.cpu_count() or 1, count))


def threads(at_a_time: int) -> int:
    """TensorFlow threads per job, so that all jobs together take this machine's cores."""
    return max(1, (os.cpu_count() or 1) // at_a_time)


def run_jobs(
    jobs: Sequence[Job], *, at_a_time: int, dask: str | None, progress: Progress
) -> Iterator[tuple[Job, tuple[Made, ...]]]:
    """Every job with its result, as they end.

    Raises:
        UnavailableError: a worker died, or the Dask scheduler does not answer.
    """
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    if not jobs:
        return
    with _backend(dask):
        parallel = Parallel(n_jobs=at_a_time, return_as="generator_unordered", batch_size=1, pre_dispatch="all")
        try:
            for index, made in parallel(delayed(_numbered)(i, job) for i, job in enumerate(jobs)):
                progress.step()
                yield jobs[index], made
        except TerminatedWorkerError as exc:
            raise UnavailableError(
                "A worker process died while it trained or quantized a model: it crashed, or memory ran out.",
                hint="Try --jobs 1; finished arms are kept and used again.",
            ) from exc
        finally:
            if dask is None and at_a_time > 1:
                _end_workers()


def _numbered(index: int, job: Job) -> tuple[int, tuple[Made, ...]]:
    return index, run_job(job)


def _end_workers() -> None:
    """No process stays behind, whatever it is doing."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True, kill_workers=True)


@contextlib.contextmanager
def _backend(address: str | None) -> Iterator[None]:
    if address is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError as exc:
        raise InputError("--dask needs the package distributed.", hint="python -m pip install edgeq[dask]") from exc
    from joblib import parallel_config

    try:
        client: Any = Client(address, timeout=DASK_TIMEOUT)
    except (OSError, ValueError, TimeoutError) as exc:
        raise UnavailableError(
            f"No Dask scheduler answers at {address}: {exc}",
            hint="Start one with `dask scheduler`, or leave --dask out.",
        ) from exc
    with client, parallel_config(backend="dask"):
        yield
