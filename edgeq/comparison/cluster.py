"""A Dask cluster that makes arms: its share of threads, and its own errors as messages."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from edgeq.errors import InputError, UnavailableError

DASK_TIMEOUT = "10s"
_KEPT = "finished arms are kept and used again"


@contextlib.contextmanager
def connected(address: str) -> Iterator[int]:
    """Within the block joblib sends its work to the cluster; gives the TensorFlow threads that a task may use.

    Raises:
        InputError: the package distributed is missing.
        UnavailableError: no scheduler, no worker, a worker that died several times over the same task, or a lost
            connection.
    """
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
    try:
        with _translated(address):
            running = client.nthreads()
            if not running:
                raise UnavailableError(
                    f"The Dask scheduler at {address} has no workers.", hint=f"Start some: dask worker {address}"
                )
            share = threads_per_task(running, client.run(_cores))
            with parallel_config(backend=_backend(client)):
                yield share
    finally:
        with contextlib.suppress(OSError, TimeoutError, asyncio.TimeoutError):
            client.close(timeout=2)


def threads_per_task(running: Mapping[str, int], cores: Mapping[str, int]) -> int:
    """TensorFlow threads per task, so that the tasks of the busiest machine together take its cores.

    Args:
        running: tasks at a time by a worker's address.
        cores: that a worker's machine lets it use, by the same address. Workers of one host share them.
    """
    tasks: Counter[str] = Counter()
    most: dict[str, int] = {}
    for address, count in running.items():
        host = urlsplit(address).hostname or address
        tasks[host] += count
        most[host] = max(most.get(host, 1), cores.get(address, 1))
    return min((max(1, most[host] // max(1, tasks[host])) for host in tasks), default=1)


def _backend(client: Any) -> Any:
    """joblib's backend for Dask, with two faults mended: where it sees a single thread, joblib runs everything in this
    process and not in the worker; and it is never told of a task whose workers died, and waits for it."""
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):  # type: ignore[misc]
        def effective_n_jobs(self, n_jobs: int) -> int:
            return max(2, int(super().effective_n_jobs(n_jobs)))

        def submit(self, func: Any, callback: Any = None) -> Any:
            future = super().submit(func, callback)

            def tell(done: concurrent.futures.Future[Any]) -> None:
                failed = done.exception()
                if failed is not None and callback is not None:
                    callback(failed)

            future.add_done_callback(tell)
            return future

    return Backend(client=client)


def _cores() -> int:
    """Runs on a worker."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _translated(address: str) -> Iterator[None]:
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError
    from distributed.comm import CommClosedError

    lost = (
        CommClosedError, FutureCancelledError, concurrent.futures.CancelledError, asyncio.CancelledError, TimeoutError,
        ConnectionError,
    )  # fmt: skip
    try:
        yield
    except KilledWorker as exc:
        raise UnavailableError(
            f"Workers of the Dask cluster at {address} died over a piece of work, the last one at "
            f"{exc.last_worker.address}: it crashed, or memory ran out.",
            hint=f"Look at the worker's log, give workers more memory or fewer threads; {_KEPT}.",
        ) from exc
    except ModuleNotFoundError as exc:
        raise UnavailableError(
            f"The workers of the Dask cluster at {address} lack the module {exc.name}.",
            hint="Install edgeq with the same extras and versions on every worker as here.",
        ) from exc
    except lost as exc:
        raise UnavailableError(
            f"The Dask cluster at {address} was lost while it worked: {exc or type(exc).__name__}.",
            hint=f"See that the scheduler and its workers run and can be reached, then run this again; {_KEPT}.",
        ) from exc
