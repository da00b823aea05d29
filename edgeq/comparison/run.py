"""Runs the jobs of a comparison side by side: processes of this machine, or a Dask cluster, through joblib."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from edgeq.comparison.cluster import connected
from edgeq.comparison.look import Look, Question, look
from edgeq.comparison.made import Job, Made
from edgeq.comparison.work import limit_threads, run_job
from edgeq.errors import EdgeqError, UnavailableError
from edgeq.interruption import scratch_folder, temporary_files_in
from edgeq.model.runtime import import_less, keras3
from edgeq.records import Progress
from edgeq.reference.children import kept_children


def workers(jobs: int | None, count: int) -> int:
    """How many jobs run at a time here: as asked for, else one per core, never more than there are."""
    return max(1, min(jobs or os.cpu_count() or 1, count))


def threads(at_a_time: int) -> int:
    """TensorFlow threads per job, so that all jobs together take this machine's cores."""
    return max(1, (os.cpu_count() or 1) // at_a_time)


class Crew(Protocol):
    """Who makes arms."""

    def ask(self, question: Question) -> Look | EdgeqError:
        """What is to be known of the model; who makes arms gets ready meanwhile."""

    def make(self, jobs: Sequence[Job]) -> Iterator[tuple[int, tuple[Made, ...]]]:
        """The results of the jobs with their places in the list, as they end."""


@contextlib.contextmanager
def crew(most: int, *, at_a_time: int | None, dask: str | None) -> Iterator[Crew]:
    """Within the block: processes of this machine, or a Dask cluster.

    What the processes of this machine write while they work lies in one folder, which is gone at the end, whatever
    ended it; and so are they.

    Args:
        most: jobs that there can be.
        at_a_time: jobs that run side by side; None: one per core. A Dask cluster takes as many as it has threads.
        dask: address of a Dask scheduler; None: this machine.

    Raises:
        UnavailableError: a worker died.
    """
    if dask is not None:
        yield _Cluster(dask)
        return
    count = workers(at_a_time, most)
    with scratch_folder() as scratch:
        parallel = Parallel(
            n_jobs=count,
            return_as="generator_unordered",
            batch_size=1,
            # No more than loky hands on at once: its thread fails over the others when the workers are killed.
            pre_dispatch="2*n_jobs",
            temp_folder=str(scratch),
        )
        try:
            with parallel:
                here = _Here(parallel, count, scratch)
                try:
                    yield here
                finally:
                    here.wait()  # loky's thread fails over processes that are killed while they start
        except TerminatedWorkerError as exc:
            raise UnavailableError(
                "A worker process died while it trained or quantized a model: it crashed, or memory ran out.",
                hint="Try --jobs 1; finished arms are kept and used again.",
            ) from exc
        finally:
            if count > 1:
                _end_workers()  # before their folder goes


def run_jobs(jobs: Sequence[Job], crew: Crew, *, progress: Progress) -> Iterator[tuple[Job, tuple[Made, ...]]]:
    """Every job with its result, as they end.

    Args:
        jobs: what is to be done; `threads` is set by the crew.
        crew: who does it.
        progress: told of every job.

    Raises:
        InputError: Dask was asked for and is not installed.
        UnavailableError: the Dask scheduler does not answer, or the cluster failed.
    """
    for index, made in crew.make(jobs) if jobs else ():
        progress.step()
        yield jobs[index], made


_NEEDED_LATER = ("scipy.stats", "edgeq.comparison.assemble")
"""What this process imports while the others import TensorFlow."""


class _Here:
    """Processes of this machine; this one itself if there is one job at a time."""

    def __init__(self, parallel: Parallel, count: int, scratch: Path) -> None:
        """`parallel` has been entered, so that its processes stay from one list of jobs to the next."""
        self._parallel, self._count, self._scratch = parallel, count, scratch
        self._started = False
        self._asked: Iterator[Look | EdgeqError] = iter(())

    def ask(self, question: Question) -> Look | EdgeqError:
        """As `Crew`: all processes look, and have imported then what takes seconds; the first answer counts."""
        if self._count == 1:
            return look(question)
        self.wait()
        share, count = threads(self._count), 1 if self._started else self._count
        self._asked = self._parallel(delayed(_looked)(share, self._scratch, question) for _ in range(count))
        self._started = True
        for name in _NEEDED_LATER:
            importlib.import_module(name)
        return next(self._asked)

    def wait(self) -> None:
        """Until all processes have answered."""
        for _ in self._asked:
            pass

    def make(self, jobs: Sequence[Job]) -> Iterator[tuple[int, tuple[Made, ...]]]:
        """As `Crew`. A single job is done here where no process has started yet."""
        if self._count == 1 or (len(jobs) == 1 and not self._started):
            with _many_jobs():
                for i, job in enumerate(jobs):
                    yield _numbered(i, replace(job, threads=threads(1)), self._scratch)
            return
        self.wait()
        share = threads(self._count)
        results = self._parallel(
            delayed(_made)(i, replace(job, threads=share), self._scratch) for i, job in enumerate(jobs)
        )
        yield from results


class _Cluster:
    """A Dask cluster, which is connected to when there is work."""

    def __init__(self, address: str) -> None:
        """`address` is the scheduler's."""
        self._address = address

    def ask(self, question: Question) -> Look | EdgeqError:
        """As `Crew`, by this process: the cluster's may have imported everything long ago, and not have the file."""
        return look(question)

    def make(self, jobs: Sequence[Job]) -> Iterator[tuple[int, tuple[Made, ...]]]:
        """As `Crew`."""
        with connected(self._address) as share:
            parallel = Parallel(n_jobs=-1, return_as="generator_unordered", batch_size=1, pre_dispatch="all")
            yield from parallel(delayed(_numbered)(i, replace(job, threads=share)) for i, job in enumerate(jobs))


def _looked(share: int, scratch: Path, question: Question) -> Look | EdgeqError:
    with temporary_files_in(scratch):
        import_less()
        limit_threads(share)
        return look(question)


def _numbered(index: int, job: Job, scratch: Path | None = None) -> tuple[int, tuple[Made, ...]]:
    with temporary_files_in(scratch) if scratch is not None else contextlib.nullcontext():
        return index, run_job(job)


def _made(index: int, job: Job, scratch: Path) -> tuple[int, tuple[Made, ...]]:
    """`_numbered` by a process that does nothing else."""
    import_less()
    limit_threads(job.threads)
    _settled()
    return _numbered(index, job, scratch)


@functools.cache
def _settled() -> contextlib.ExitStack:
    """What this process has entered for the rest of its life."""
    life = contextlib.ExitStack()
    life.enter_context(_many_jobs())
    return life


@contextlib.contextmanager
def _many_jobs() -> Iterator[None]:
    """Within the block this process makes arms one after the other: interpreters stay for the next job, and garbage is
    not looked for in the libraries, a million objects which the converter has looked through for every model."""
    with kept_children():
        keras3()
        gc.freeze()
        try:
            yield
        finally:
            gc.unfreeze()


def _end_workers() -> None:
    """No process stays behind, whatever it is doing."""
    # Those that there are: asked for others, it would let these end by themselves first.
    get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)
