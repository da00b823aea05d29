"""Parts of a report from what the stages hand over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.data.check import NO_DATA, NO_LABELS
from edgeq.model.graph import Tensor
from edgeq.records import Finding, LayerDrift, Metric, Reference, ReferenceOutputs
from edgeq.report.record import AccuracyInfo, DriftInfo, TensorInfo
from edgeq.validation.accuracy import (
    NoTask,
    choose_task,
    compare_accuracy,
    confusion_matrix,
    measure_accuracy,
    predict,
)
from edgeq.validation.drift import measure_drift
from edgeq.validation.explain import explain
from edgeq.validation.guessing import commonest_share, no_better_than_guessing
from edgeq.validation.layers import first_diverging
from edgeq.validation.pairs import measure_pairs

Outputs = tuple[NDArray[np.generic], ...]

CONFUSION_CLASSES = 200
"""A confusion matrix of more classes is left out: nobody reads it, and it grows with the square."""


def tensor_info(tensor: Tensor) -> TensorInfo:
    """A model's input or output as the report shows it."""
    quantization = tensor.quantization
    return TensorInfo(
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype.value,
        scale=quantization.scale if quantization else None,
        zero_point=quantization.zero_point if quantization else None,
    )


def drift_info(
    device: Outputs,
    references: Sequence[ReferenceOutputs],
    tensors: Sequence[Tensor],
    *,
    ops: Collection[str],
    layers: Mapping[Reference, tuple[LayerDrift, ...]] | None = None,
    first_layers: Mapping[Reference, str] | None = None,
    device_name: str | None = None,
) -> DriftInfo | None:
    """The drift from every reference; None without any.

    Args:
        device: the device's outputs, as in `measure_drift`.
        references: the primary reference first.
        tensors: the model's outputs, as in `measure_drift`.
        ops: the names of the model's ops.
        layers: per reference that was traced, its layers; those of the primary one go into the report.
        first_layers: the first layer that differs where it is known without them.
        device_name: of a device that is an interpreter: all pairs are compared; None for others.
    """
    if not references:
        return None
    layers = layers or {}
    names = dict(first_layers or {})
    for reference, rows in layers.items():
        first = first_diverging(rows)
        if first is not None:
            names[reference] = first.label
    drifts = tuple(measure_drift(device, r, tensors, first_layer=names.get(r.reference)) for r in references)
    return DriftInfo(
        references=drifts,
        versions={r.reference.value: r.version for r in references},
        layers=layers.get(references[0].reference, ()),
        explanation=explain(drifts, ops),
        pairs=()
        if device_name is None
        else measure_pairs({device_name: device} | {r.reference.value: r.outputs for r in references}, tensors),
    )


def accuracy_findings(labels: NDArray[np.generic] | None, info: AccuracyInfo, outputs: Outputs) -> tuple[Finding, ...]:
    """What is suspicious about an accuracy: that it is no better than always answering the commonest class.

    Args:
        labels: as in `choose_task`.
        info: what `accuracy_info` made of them.
        outputs: one array per output; only the shapes matter.
    """
    task = choose_task(labels, outputs)
    if isinstance(task, NoTask) or task.metric is not Metric.TOP1:
        return ()
    guess = f"always answering the commonest class is right on {commonest_share(task.labels):.1%}"
    if info.float_host is not None and no_better_than_guessing(info.float_host, task.labels):
        who, arm, fix = "the float model", info.float_host, _OTHER_DATA
    elif info.int8_host is not None and no_better_than_guessing(info.int8_host, task.labels):
        who, arm = "the int8 model", info.int8_host
        fix = _OTHER_DATA if info.float_host is None else _LOST_IN_INT8
    else:
        return ()
    return (
        Finding(
            rule="accuracy",
            where="accuracy",
            message=f"{who} is right on {arm.value:.1%} of {arm.n:,} samples; {guess}",
            fix=fix,
        ),
    )


_OTHER_DATA = "see whether labels, class order and scaling are those of training (`edgeq data check` shows them)"
_LOST_IN_INT8 = (
    "the float model does better, so quantization lost it: see whether the calibration samples are scaled as the test "
    "samples are, and represent them"
)


def accuracy_info(
    labels: NDArray[np.generic] | None,
    *,
    tensors: tuple[Tensor, ...],
    float_host: Outputs | None,
    int8_host: ReferenceOutputs | None,
    device: Outputs | None,
    notes: Iterable[str] = (),
    errors: Metric = Metric.MSE,
) -> AccuracyInfo:
    """Accuracy of the arms that were run, on the same samples, and their paired differences.

    Args:
        labels: as in `choose_task`.
        tensors: the int8 model's outputs.
        float_host: the float model's outputs, in the same order as the int8 model's.
        int8_host: the reference's outputs.
        device: the device's outputs.
        notes: sentences to add to the note.
        errors: as in `choose_task`.

    Raises:
        DataError: the arms were run on other samples than the labels.
    """
    integer = device if device is not None else int8_host.outputs if int8_host else None
    known = integer if integer is not None else float_host
    task = choose_task(labels, known, errors=errors) if known else NoTask(reason="no accuracy: nothing was run")
    notes = list(notes)
    if labels is None and NO_DATA in notes:
        task = NoTask(reason="no accuracy: no data were given, and random samples have no labels")
    said = [note for note in notes if labels is not None or note not in (NO_LABELS, NO_DATA)]
    if isinstance(task, NoTask):
        return AccuracyInfo(
            float_host=None,
            int8_host=None,
            device=None,
            int8_host_reference=None,
            differences=(),
            note=_sentences([task.reason, *said]),
            confusion=(),
        )
    if known and len(known) > 1:
        said.insert(0, f"measured on output {task.output} ({tensors[task.output].name}) of {len(known)}")
    arms = {
        "float": (float_host, None),
        "int8, host": (int8_host.outputs if int8_host else None, tensors),
        "device": (device, tensors),
    }
    figures = {name: measure_accuracy(task, out, ts) if out is not None else None for name, (out, ts) in arms.items()}
    differences = tuple(
        compare_accuracy(task, before, after, names=(a, b), tensors_before=arms[a][1], tensors_after=arms[b][1])
        for a, b in (("float", "int8, host"), ("float", "device"), ("int8, host", "device"))
        if (before := arms[a][0]) is not None and (after := arms[b][0]) is not None
    )
    matrix: tuple[tuple[int, ...], ...] = ()
    if integer is not None and 0 < task.classes <= CONFUSION_CLASSES:
        matrix = confusion_matrix(task, predict(task, integer, tensors))
    return AccuracyInfo(
        float_host=figures["float"],
        int8_host=figures["int8, host"],
        device=figures["device"],
        int8_host_reference=int8_host.reference.value if int8_host else None,
        differences=differences,
        note=_sentences(said) or None,
        confusion=matrix,
    )


def _sentences(notes: Sequence[str]) -> str:
    """One after the other; some end with a full stop of their own."""
    return ". ".join([*(note.rstrip(".") for note in notes[:-1]), *notes[-1:]])
