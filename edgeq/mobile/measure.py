"""Every variant in LiteRT on this host: the same samples through all, side by side."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import InterpreterError
from edgeq.mobile.bench import Examined, examine, time_all
from edgeq.mobile.placement import place, taken
from edgeq.mobile.recommend import margin_for, standing_of
from edgeq.mobile.signatures import read_signature
from edgeq.mobile.variant import Variant
from edgeq.model.graph import Graph
from edgeq.model.quantization import dequantize_output, quantize_input
from edgeq.records import (
    Accuracy,
    AccuracyDifference,
    Metric,
    Progress,
    Reference,
    ReferenceOutputs,
    RefusedVariant,
    Standing,
    VariantKind,
    VariantRow,
)
from edgeq.reference import run_reference
from edgeq.validation.accuracy import NoTask, Task, choose_task, compare_accuracy, measure_accuracy

Arrays = tuple[NDArray[np.generic], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """The rows of the table, the models' answers in the same order, and the variants that LiteRT refused."""

    rows: tuple[VariantRow, ...]
    answers: tuple[ReferenceOutputs, ...]
    refused: tuple[RefusedVariant, ...]
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ran:
    variant: Variant
    inputs: Arrays
    examined: Examined
    answers: ReferenceOutputs


def model_inputs(graph: Graph, x: Arrays) -> Arrays:
    """Real values in the types that a variant takes, one array per input.

    Raises:
        DataError: values that have no such form.
    """
    return tuple(quantize_input(values, tensor) for values, tensor in zip(x, graph.input_tensors, strict=True))


def file_of(kind: VariantKind) -> str:
    """A variant's place in a build."""
    return f"variants/{kind.value}.tflite"


def measure_variants(
    variants: Sequence[Variant],
    x: Arrays,
    labels: NDArray[np.generic] | None,
    *,
    threads: int,
    margin: float | None,
    progress: Progress,
) -> Measured:
    """Size, accuracy, latency, memory and placement of every variant.

    Args:
        variants: in the order of the table; float32, where it is among them, is what the others are compared with.
        x: the real values of the samples, one array per model input, shape (n, *input shape).
        labels: as in `edgeq.validation.accuracy.choose_task`; errors are mean absolute ones.
        threads: of LiteRT, where latency and memory are measured.
        margin: a loss that does not matter; None: the default of the metric.
        progress: told what is going on.

    Raises:
        InterpreterError: LiteRT refuses the first variant, or crashes on it.
    """
    ran, refused = [], []
    for variant in variants:
        progress.start(f"Running the {variant.kind.value} variant")
        try:
            ran.append(_run(variant, x, threads))
        except InterpreterError as exc:
            if variant is variants[0]:
                raise
            refused.append(RefusedVariant(kind=variant.kind, reason=exc.message))
    progress.start("Timing the variants")
    latencies = time_all([(r.variant.content, r.variant.graph, r.inputs) for r in ran], threads=threads)
    known = taken((r.variant.graph, r.examined.delegates) for r in ran)
    task = choose_task(labels, ran[0].answers.outputs, errors=Metric.MAE)
    found_margin = margin_for(Metric.TOP1 if isinstance(task, NoTask) else task.metric, margin)
    rows = []
    for one, latency in zip(ran, latencies, strict=True):
        graph = one.variant.graph
        scored, difference, standing = _scores(task, ran[0], one, found_margin)
        same, sqnr = _likeness(ran[0], one) if one is not ran[0] else (None, None)
        rows.append(
            VariantRow(
                kind=one.variant.kind,
                file=file_of(one.variant.kind),
                sha256=hashlib.sha256(one.variant.content).hexdigest(),
                size_bytes=len(one.variant.content),
                inputs=tuple(t.dtype.value for t in graph.input_tensors),
                outputs=tuple(t.dtype.value for t in graph.output_tensors),
                signature=read_signature(one.variant.content, graph),
                accuracy=scored,
                difference=difference,
                standing=standing,
                same_top1=same,
                sqnr_db=sqnr,
                latency=latency,
                peak_memory_bytes=one.examined.memory_bytes,
                placement=place(graph, one.examined.delegates, known),
            )
        )
    return Measured(
        rows=tuple(rows), answers=tuple(r.answers for r in ran), refused=tuple(refused), margin=found_margin
    )


def _run(variant: Variant, x: Arrays, threads: int) -> _Ran:
    inputs = model_inputs(variant.graph, x)
    what = f"the {variant.kind.value} variant"
    examined = examine(variant.content, variant.graph, inputs, threads=threads, what=what)
    answers = run_reference(variant.content, inputs, Reference.LITERT_DEFAULT)
    return _Ran(variant=variant, inputs=inputs, examined=examined, answers=answers)


def _scores(
    task: Task | NoTask, base: _Ran, one: _Ran, margin: float
) -> tuple[Accuracy | None, AccuracyDifference | None, Standing]:
    standing = Standing.BASELINE if one is base else Standing.UNKNOWN
    if isinstance(task, NoTask):
        return None, None, standing
    accuracy = measure_accuracy(task, one.answers.outputs, one.variant.graph.output_tensors)
    if one is base:
        return accuracy, None, standing
    difference = compare_accuracy(
        task, base.answers.outputs, one.answers.outputs, names=(base.variant.kind.value, one.variant.kind.value),
        tensors_before=base.variant.graph.output_tensors, tensors_after=one.variant.graph.output_tensors,
    )  # fmt: skip
    baseline = measure_accuracy(task, base.answers.outputs, base.variant.graph.output_tensors).value
    return accuracy, difference, standing_of(difference, baseline=baseline, margin=margin)


def _likeness(base: _Ran, one: _Ran) -> tuple[float | None, float]:
    """The share of samples and outputs with the same largest entry (None where no output has two), and the outputs'
    SQNR in dB: 10·log10(Σ float32² / Σ (float32 − variant)²)."""
    same = decided = 0
    signal = noise = 0.0
    for before, after in zip(_real(base), _real(one), strict=True):
        signal, noise = signal + float(np.sum(before**2)), noise + float(np.sum((before - after) ** 2))
        if before.ndim > 1 and before.shape[-1] > 1:
            equal = np.argmax(before, axis=-1) == np.argmax(after, axis=-1)
            same, decided = same + int(equal.sum()), decided + equal.size
    sqnr = math.inf if noise == 0.0 else 10.0 * math.log10(signal / noise) if signal > 0.0 else -math.inf
    return same / decided if decided else None, sqnr


def _real(ran: _Ran) -> list[NDArray[np.float64]]:
    tensors = ran.variant.graph.output_tensors
    return [dequantize_output(v, t).astype(np.float64) for v, t in zip(ran.answers.outputs, tensors, strict=True)]
