"""The model on the host: what the reference interpreters answer, and where TFLM is no reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq import reference
from edgeq.errors import InterpreterError
from edgeq.lower.exceptions import known_exceptions
from edgeq.records import Quantized, Reference, ReferenceOutputs
from edgeq.reference.rewrite import corrected_for_tflm

Samples = tuple[NDArray[np.generic], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Golden:
    """The primary reference, its answer to the first sample (one array per output), and TFLM's arena on this host.

    `notes` are sentences for the report: why TFLM is not the reference, or where it is corrected.
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


def content_for(quantized: Quantized, interpreter: Reference) -> bytes:
    """The .tflite that an interpreter runs: for TFLM one without the op that it computes wrong (docs/exceptions.md)."""
    if interpreter is Reference.TFLM:
        return corrected_for_tflm(quantized.content, quantized.graph)
    return quantized.content


def golden_run(quantized: Quantized, inputs: Samples) -> Golden:
    """The first sample in the primary reference: TFLM, or LiteRT's reference kernels where TFLM cannot be it.

    Raises:
        InterpreterError: the reference crashed or refused the model, for a reason that edgeq does not know.
    """
    primary, note = reference.primary()
    notes = [note] if note else []
    known = known_exceptions(quantized.graph)
    if primary is Reference.TFLM:
        content = content_for(quantized, primary)
        if content is not quantized.content:
            notes.append(
                "TFLite Micro's RELU6 ignores its output's scale; its column is that of an equal model without it"
            )
        try:
            return _golden(content, inputs, primary, notes)
        except InterpreterError as exc:
            if not known:
                raise
            primary = Reference.LITERT_REFERENCE
            reasons = dict.fromkeys(found.reason for found in known)
            notes.append(f"TFLite Micro does not run this model ({'; '.join(reasons)}): {exc.message}")
    return _golden(quantized.content, inputs, primary, notes)


def run_references(quantized: Quantized, inputs: Samples, primary: Reference) -> HostRuns:
    """All samples in all references that this machine has; the primary one is first, and must succeed.

    Raises:
        InterpreterError: the primary one crashed or refused the model.
    """
    wanted = [primary, *(r for r in Reference if r is not primary and reference.available(r))]
    if primary is Reference.LITERT_REFERENCE:
        wanted = [r for r in wanted if r is not Reference.TFLM]
    # TFLM apart, if it runs other bytes than the rest.
    apart = content_for(quantized, primary) is not quantized.content
    groups = [wanted[:1], wanted[1:]] if apart else [wanted]
    outputs: list[ReferenceOutputs] = []
    notes: list[str] = []
    for group in groups:
        content = content_for(quantized, group[0]) if group else b""
        required = {primary} & set(group)
        runs = reference.run_references(content, inputs, group, required=required)
        outputs += runs.outputs
        notes += [failure.message for failure in runs.failures.values()]
    return HostRuns(outputs=tuple(outputs), notes=tuple(notes))


def _golden(content: bytes, inputs: Samples, interpreter: Reference, notes: Sequence[str]) -> Golden:
    with reference.ReferenceWorker(interpreter) as worker:
        outputs = worker.run(content, [a[:1] for a in inputs])
        arena = worker.arena_bytes(content) if interpreter is Reference.TFLM else None
    return Golden(
        reference=interpreter, outputs=tuple(a[0] for a in outputs), tflm_arena_bytes=arena, notes=tuple(notes)
    )
