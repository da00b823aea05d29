"""Reference outputs, whole and per layer, and TFLM's arena size."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import itertools
import os
import platform
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event, Lock

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import InterpreterError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.inspect import count_macs
from edgeq.records import Progress, Reference, ReferenceOutputs
from edgeq.reference.samples import fit
from edgeq.reference.wire import Arrays
from edgeq.reference.worker import TITLES, ReferenceWorker

_PACKAGES = {
    Reference.TFLM: ("tflite_micro", "tflite-micro"),
    Reference.LITERT_REFERENCE: ("ai_edge_litert", "ai-edge-litert"),
    Reference.LITERT_DEFAULT: ("ai_edge_litert", "ai-edge-litert"),
    Reference.LITERT_BUILTIN: ("ai_edge_litert", "ai-edge-litert"),
}

# A child takes about half a second to start; TFLM's reference kernels do about this much in that time.
_MACS_WORTH_A_CHILD = 500_000_000

_POLL_SECONDS = 0.2  # between looks at whether the caller has lost interest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceRuns:
    """What several references answered, in the order asked for; and why, where one did not."""

    outputs: tuple[ReferenceOutputs, ...]
    failures: Mapping[Reference, InterpreterError]


def why_unavailable(reference: Reference) -> str | None:
    """Why the reference cannot run on this machine, and what stands in; None if it can."""
    module, package = _PACKAGES[reference]
    if importlib.util.find_spec(module) is not None:
        return None
    if reference is Reference.TFLM and (not sys.platform.startswith("linux") or platform.machine() != "x86_64"):
        return (
            f"{package} has no wheel for {sys.platform} on {platform.machine()} (Linux on x86-64 only); LiteRT's "
            "reference kernels stand in for it: FULLY_CONNECTED may then differ by 1 LSB on the host's side."
        )
    return f"{package} is not installed: python -m pip install {package}"


def available(reference: Reference) -> bool:
    """Whether the reference can run on this machine; `why_unavailable` has the reason."""
    return why_unavailable(reference) is None


def primary() -> tuple[Reference, str | None]:
    """The reference that the device is held to: TFLM, or LiteRT's reference kernels with a note for the report."""
    reason = why_unavailable(Reference.TFLM)
    return (Reference.TFLM, None) if reason is None else (Reference.LITERT_REFERENCE, reason)


def version(reference: Reference) -> str:
    """Package and version, such as "tflite-micro 0.dev20261023182759".

    Raises:
        InterpreterError: it is not installed.
    """
    package = _PACKAGES[reference][1]
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError as exc:
        raise _missing(reference) from exc


def _missing(reference: Reference) -> InterpreterError:
    return InterpreterError(f"{TITLES[reference]} is not available.", hint=why_unavailable(reference))


def run_reference(
    content: bytes,
    inputs: Sequence[NDArray[np.generic]],
    reference: Reference,
    *,
    progress: Progress | None = None,
    processes: int = 1,
) -> ReferenceOutputs:
    """The outputs of a model in a reference interpreter, in a child process.

    Args:
        content: the .tflite.
        inputs: one array per model input in the input's dtype, shape (n, *shape), where a leading batch dimension of
            1 in the model's shape may be left out.
        reference: the interpreter.
        progress: told "start" once and then the samples done.
        processes: children among which the samples are divided, where they are independent: the result is the same
            for any number.

    Returns:
        One array per model output, (n, *shape), a leading batch dimension of 1 left out.

    Raises:
        ModelError: the bytes are no .tflite.
        DataError: the inputs do not fit the model.
        InterpreterError: not installed; or it refused the model, crashed or hung.
    """
    progress = progress or Progress()
    progress.start(TITLES[reference], len(inputs[0]) if inputs and np.ndim(inputs[0]) else 0)
    runs = _together(
        content, inputs, [reference], progress, required={reference}, processes=processes, shards=processes
    )
    return runs.outputs[0]


def run_references(
    content: bytes,
    inputs: Sequence[NDArray[np.generic]],
    references: Sequence[Reference],
    *,
    progress: Progress | None = None,
    required: Collection[Reference] | None = None,
    processes: int | None = None,
    stop: Event | None = None,
) -> ReferenceRuns:
    """As `run_reference` for several interpreters, on all of the machine's cores.

    Args:
        content: the .tflite.
        inputs: as in `run_reference`.
        references: the interpreters.
        progress: told "start" once, with the samples of all references, and then the samples done.
        required: those that must succeed; None: all. Of the others an InterpreterError is in the result: LiteRT
            lacks some ops that TFLM has, and the other way round.
        processes: children at a time; None: one per core. Long runs are divided among them.
        stop: set by another thread, it ends all children and this call.

    Raises:
        ModelError, DataError: as in `run_reference`.
        InterpreterError: a required one is not installed, refused the model, crashed or hung, or `stop` was set; all
            children are ended.
    """
    required = set(references if required is None else required)
    progress = progress or Progress()
    samples = len(inputs[0]) if inputs and np.ndim(inputs[0]) else 0
    progress.start("reference interpreters", samples * len(references))
    graph = parse_tflite(content)
    macs = samples * sum(count_macs(graph, op) for op in graph.ops)
    processes = processes or os.cpu_count() or 1
    shards = max(1, min(processes, macs // _MACS_WORTH_A_CHILD))
    return _together(
        content, inputs, references, progress, required=required, processes=processes, shards=shards, stop=stop
    )


def _together(
    content: bytes,
    inputs: Sequence[NDArray[np.generic]],
    references: Sequence[Reference],
    progress: Progress,
    *,
    required: set[Reference],
    processes: int,
    shards: int,
    stop: Event | None = None,
) -> ReferenceRuns:
    """Every reference on `shards` parts of the samples, `processes` children at a time.

    If a required one fails, or on Ctrl-C, all children end at once.
    """
    failures = {reference: _missing(reference) for reference in references if not available(reference)}
    for reference in required & set(failures):
        raise failures[reference]
    running = [reference for reference in references if reference not in failures]
    arrays = fit(parse_tflite(content), inputs)
    samples, lock = len(arrays[0]), Lock()
    # What a sample leaves in a variable is for the next one: they stay together.
    shards = 1 if parse_tflite(content).is_stateful else max(1, min(shards, samples))
    bounds = list(itertools.pairwise(samples * k // shards for k in range(shards + 1)))
    workers = [ReferenceWorker(reference) for reference in running for _ in bounds]

    def step(count: int) -> None:
        with lock:
            progress.step(count)

    def run(task: int) -> Arrays | InterpreterError:
        first, last = bounds[task % shards]
        try:
            with workers[task] as worker:
                return worker.run(content, [values[first:last] for values in arrays], step=step)
        except InterpreterError as error:
            if worker.reference in required:
                raise
            return error

    # A single one is run by this thread, which may keep the child.
    parts = [run(0)] if len(workers) == 1 and stop is None else _in_threads(run, workers, processes, stop)
    outputs = []
    for k, reference in enumerate(running):
        mine = parts[k * shards : (k + 1) * shards]
        whole = [part for part in mine if not isinstance(part, InterpreterError)]
        if len(whole) < shards:
            failures[reference] = next(part for part in mine if isinstance(part, InterpreterError))
            continue
        joined = tuple(np.concatenate(columns) for columns in zip(*whole, strict=True))
        outputs.append(ReferenceOutputs(reference=reference, version=version(reference), outputs=joined))
    return ReferenceRuns(outputs=tuple(outputs), failures=failures)


def _in_threads(
    run: Callable[[int], Arrays | InterpreterError],
    workers: Sequence[ReferenceWorker],
    processes: int,
    stop: Event | None,
) -> list[Arrays | InterpreterError]:
    """`run(k)` of all workers, `processes` at a time; if one raises, or on Ctrl-C, all children end at once."""
    with ThreadPoolExecutor(max(1, processes)) as pool:
        futures = [pool.submit(run, task) for task in range(len(workers))]
        try:
            running_still = set(futures)
            while running_still:
                timeout = None if stop is None else _POLL_SECONDS
                ended, running_still = wait(futures, timeout=timeout, return_when=FIRST_EXCEPTION)
                for future in ended:
                    if (error := future.exception()) is not None:
                        raise error
                if running_still and stop is not None and stop.is_set():
                    raise InterpreterError("The reference interpreters were stopped.")
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            for worker in workers:
                worker.abort()
            raise


def layer_outputs(
    content: bytes,
    inputs: Sequence[NDArray[np.generic]],
    tensors: Sequence[int],
    *,
    reference: Reference = Reference.TFLM,
) -> Mapping[int, NDArray[np.generic]]:
    """The values of tensors inside the model, by tensor index, each (n, *tensor shape), batch dimension included.

    Raises:
        ModelError, DataError, InterpreterError: as in `run_reference`.
    """
    if not available(reference):
        raise _missing(reference)
    with ReferenceWorker(reference) as worker:
        return dict(zip(tensors, worker.tensors(content, inputs, tensors), strict=True))


def layer_crcs(
    content: bytes,
    inputs: Sequence[NDArray[np.generic]],
    tensors: Sequence[int],
    *,
    reference: Reference = Reference.TFLM,
    progress: Progress | None = None,
) -> NDArray[np.uint32]:
    """CRC-32 (zlib's) of tensors' little-endian bytes: (n, len(tensors)). Only fingerprints leave the child.

    Raises:
        ModelError, DataError, InterpreterError: as in `run_reference`.
    """
    if not available(reference):
        raise _missing(reference)
    progress = progress or Progress()
    progress.start(f"{TITLES[reference]}, per layer", len(inputs[0]) if inputs else 0)
    with ReferenceWorker(reference) as worker:
        return worker.crcs(content, inputs, tensors, step=progress.step)


def measure_arena(content: bytes) -> int:
    """Bytes of the smallest TFLM arena, to 16, that a model runs in on this machine.

    The figure of a 64-bit host whose kernels need no CMSIS-NN scratch: an estimate for a microcontroller, to be used
    with a margin.

    Raises:
        ModelError: the bytes are no .tflite.
        InterpreterError: TFLM is not available, or refused the model, crashed or hung.
    """
    if not available(Reference.TFLM):
        raise _missing(Reference.TFLM)
    with ReferenceWorker(Reference.TFLM) as worker:
        return worker.arena_bytes(content)
