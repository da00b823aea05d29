"""The model on the host: what the reference interpreters answer, and where TFLM is no reference."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgeq import reference
from edgeq.errors import InterpreterError
from edgeq.lower.exceptions import known_exceptions
from edgeq.model.graph import Graph
from edgeq.records import EVERYWHERE, Quantized, Reference, ReferenceOutputs
from edgeq.reference.rewrite import corrected_for_tflm

Samples = tuple[NDArray[np.generic], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Golden:
    """The primary reference, its answer to the first sample (one array per output), and TFLM's arena on this host.

    `notes` are sentences for the report: why TFLM is not the reference, or what was corrected for it.
    """

    reference: Reference
    outputs: Samples
    tflm_arena_bytes: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HostRuns:
    """The references' answers to all samples, the primary one first; `notes` say which could not run, and why."""

    outputs: tuple[ReferenceOutputs, ...]
    notes: tuple[str, ...]


_SAME_KERNELS = {
    "litert": Reference.LITERT_DEFAULT,
    "litert-reference": Reference.LITERT_REFERENCE,
    "litert-builtin": Reference.LITERT_BUILTIN,
}
"""What HELLO calls an interpreter on a device, and the same one on the host."""


def held_reference(engine: str) -> Reference | None:
    """The reference that runs the same kernels as a device whose HELLO names this engine; None of firmware."""
    return _SAME_KERNELS.get(engine)


def held_to(
    references: Sequence[ReferenceOutputs], engine: str, model: TfLite, inputs: Samples
) -> tuple[ReferenceOutputs, ...]:
    """The references, the one first that a device is held to: for LiteRT on a device, LiteRT's same kernels here.

    Args:
        references: those that have run, to the first samples at least; () runs the one alone.
        engine: of HELLO.
        model: what runs.
        inputs: the samples, for a reference that has not run yet.

    Raises:
        InterpreterError: that one crashed or refused the model.
    """
    same = held_reference(engine)
    if same is None:
        return tuple(references)
    if not any(r.reference is same for r in references):
        references = (reference.run_reference(model.content, inputs, same), *references)
    return tuple(sorted(references, key=lambda r: r.reference is not same))


class TfLite(Protocol):
    """A .tflite, its bytes and its graph."""

    @property
    def content(self) -> bytes:
        """The bytes."""

    @property
    def graph(self) -> Graph:
        """What they say."""


def content_for(model: TfLite, interpreter: Reference) -> bytes:
    """The .tflite that an interpreter runs: for TFLM one without the op that it computes wrong (docs/exceptions.md)."""
    if interpreter is Reference.TFLM:
        return corrected_for_tflm(model.content, model.graph)
    return model.content


def golden_run(quantized: Quantized, inputs: Samples) -> Golden:
    """The first sample in the primary reference: TFLM, or LiteRT's reference kernels on hosts without its wheel.

    Raises:
        InterpreterError: the reference crashed or refused the model.
    """
    primary, note = reference.primary()
    notes = [note] if note else []
    content = content_for(quantized, primary)
    if content is not quantized.content:
        notes.append("TFLite Micro's RELU6 ignores its output's scale; its column is that of an equal model without it")
    try:
        with reference.ReferenceWorker(primary) as worker:
            outputs = worker.run(content, [a[:1] for a in inputs])
            arena = worker.arena_bytes(content) if primary is Reference.TFLM else None
    except InterpreterError as exc:
        known = dict.fromkeys(found.reason for found in known_exceptions(quantized.graph))
        if primary is Reference.TFLM and known:
            raise InterpreterError(f"{exc.message} It is known that {'; '.join(known)}.", hint=exc.hint) from exc
        raise
    return Golden(reference=primary, outputs=tuple(a[0] for a in outputs), tflm_arena_bytes=arena, notes=tuple(notes))


@contextlib.contextmanager
def background_references() -> Iterator[Callable[[Quantized, Samples, Reference], Future[HostRuns]]]:
    """`run_references` in a thread, while other work is done. On an error or Ctrl-C nobody waits for its end."""
    stop = Event()
    with ThreadPoolExecutor(1) as thread:
        try:
            yield lambda quantized, inputs, primary: thread.submit(
                run_references, quantized, inputs, primary, stop=stop
            )
        finally:
            stop.set()


def run_references(quantized: Quantized, inputs: Samples, primary: Reference, *, stop: Event | None = None) -> HostRuns:
    """All samples in all references that this machine has; the primary one is first, and must succeed.

    `stop`, set by another thread, ends them.

    Raises:
        InterpreterError: the primary one crashed or refused the model, or `stop` was set.
    """
    wanted = [primary, *(r for r in EVERYWHERE if r is not primary and reference.available(r))]
    # TFLM apart, if it runs other bytes than the rest.
    apart = content_for(quantized, primary) is not quantized.content
    outputs: list[ReferenceOutputs] = []
    notes: list[str] = []
    for group in (wanted[:1], wanted[1:]) if apart else (wanted,):
        content = content_for(quantized, group[0])
        runs = reference.run_references(content, inputs, group, required={primary} & set(group), stop=stop)
        outputs += runs.outputs
        notes += [failure.message for failure in runs.failures.values()]
    return HostRuns(outputs=tuple(outputs), notes=tuple(notes))


def worth_tracing(device: Samples, references: Sequence[ReferenceOutputs], count: int) -> list[int]:
    """Which samples to compare layer by layer: those whose outputs differ from a reference's (the primary one goes
    first), then the first ones."""
    samples = len(device[0])
    candidates: list[int] = []
    for answer in references:
        wrong = np.zeros(samples, bool)
        for a, b in zip(device, answer.outputs, strict=True):
            wrong |= (a != b[:samples]).reshape(samples, -1).any(axis=1)
        candidates += np.flatnonzero(wrong).tolist()
    chosen = dict.fromkeys(itertools.chain(candidates, range(samples)))
    return sorted(itertools.islice(chosen, count))
