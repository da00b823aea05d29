"""Quantization-aware training of Keras 3 models, and its control: the same training without quantization."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import InterpreterError, UnsupportedError
from edgeq.model.export import export
from edgeq.quantize.agreement import SAMPLES, measure_agreement
from edgeq.quantize.calibration import calibration_samples
from edgeq.quantize.convert import convert
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.result import MethodResult
from edgeq.records import Agreement, Dataset, FloatModel, Split
from edgeq.training.history import TrainingHistory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeq.quantize.qat.insert import FakeQuantized
    from edgeq.training.plan import TrainingPlan


MOMENTS_SAMPLES = 2048
"""So many training samples give the moments that batch norms start with."""


def qat(model: FloatModel, dataset: Dataset, options: QuantizeOptions) -> MethodResult:
    """Train on with int8 rounding in the forward pass, and convert with the ranges that training ended with.

    Batch norms train with the batch's moments and are folded in the end; where batches are smaller than
    `edgeq.training.plan.SMALLEST_BATCH`, and where the model says that one is not to be trained, they are folded first.
    Stale statistics are taken anew before (`edgeq.quantize.qat.stale`).
    Layers are equalized. Weights are rounded per output channel, activations wherever the int8 model has a tensor; a
    range leaves out outliers where the result is nearer to the float model's. The .tflite has the trained scales and
    integers (checked).

    Raises:
        InputError, DataError, UnsupportedError: as `edgeq.training.plan.plan_training` and
            `edgeq.quantize.qat.structure.training_form`; or TensorFlow's converter cannot do it.
        CheckFailed: the loss became NaN.
        VerifyError: the converter did not keep a trained scale or kernel.
    """
    from edgeq.quantize.qat.bake import baked
    from edgeq.quantize.qat.checks import require_trained_scales
    from edgeq.quantize.qat.clip import choose_clips
    from edgeq.quantize.qat.insert import fake_quantized
    from edgeq.quantize.qat.vanishing import without_vanishing_weights
    from edgeq.training.key import origin_of
    from edgeq.training.plan import plan_training
    from edgeq.training.train import train

    plan = plan_training(model, dataset, options.training, options.seed)
    samples = calibration_samples(dataset, options.calibration_samples, options.seed)
    form, plan = _form(model, plan)
    trained = fake_quantized(form, samples, options.training.ranges_in_training)
    clips = choose_clips(trained, form, plan)
    history = train(
        trained.model.handle, plan, checkpoints=options.checkpoints, progress=options.progress,
        origin=origin_of(model.handle, "qat", options.training.ranges_in_training, samples=samples),
        what="Quantization-aware training", ranges=trained.widths,
    )  # fmt: skip
    vanished = without_vanishing_weights(trained)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        exported = export(replace(form, handle=baked(trained)), Path(folder, "saved_model"))
        content = convert(exported, samples, what=model.path.name)
    require_trained_scales(trained, content)
    found, note = _compared(trained, content, plan)
    return MethodResult(
        content=content,
        trained=trained.model,
        history=history,
        notes=(_summary(history, plan), *trained.notes, *clips, *history.notes, *vanished, note),
        agreement=found,
    )


def continued_float(
    model: FloatModel, dataset: Dataset, options: QuantizeOptions
) -> tuple[FloatModel, TrainingHistory]:
    """The control arm of `qat`: the same start, batches, order, optimizer, rate, epochs and choice of the best epoch,
    the same weights trained and batch norm treated alike, without any rounding. What QAT gains beyond this is not due
    to more training.

    Returns:
        The trained model, batch norms folded and layers equalized (if that fails, as it was trained, and a note
        of the history says so); and how it was trained.

    Raises:
        InputError, DataError, UnsupportedError, CheckFailed: as `qat`, what cannot be equalized before it is trained.
    """
    from edgeq.quantize.equalize import equalize
    from edgeq.training.key import origin_of
    from edgeq.training.plan import plan_training
    from edgeq.training.train import train

    plan = plan_training(model, dataset, options.training, options.seed)
    form, plan = _form(model, plan)
    equalize(form)  # what it refuses is known before hours of training
    history = train(
        form.handle, plan, checkpoints=options.checkpoints, progress=options.progress,
        origin=origin_of(model.handle, "control of qat"), what="Training without quantization",
    )  # fmt: skip
    try:
        return equalize(form).model, history
    except UnsupportedError as exc:  # what was trained is still good
        note = f"The layers of the trained model were not equalized: {exc.message}"
        return form, replace(history, notes=(*history.notes, note))


def _form(model: FloatModel, plan: TrainingPlan) -> tuple[FloatModel, TrainingPlan]:
    """Where both trainings start, and the plan with notes about it.

    Moments of a few samples would only be noise: where batches are small, batch norms stay folded as they are.
    """
    from edgeq.quantize.qat.stale import with_fresh_statistics
    from edgeq.quantize.qat.structure import training_form
    from edgeq.training.plan import SMALLEST_BATCH

    if plan.batch_size < SMALLEST_BATCH:
        return training_form(model), plan
    rows = plan.order(0)[:MOMENTS_SAMPLES]
    fresh, note = with_fresh_statistics(model, plan)
    plan = plan if note is None else replace(plan, notes=(*plan.notes, note))
    return training_form(fresh, tuple(a[rows] for a in plan.train.x)), plan


def _compared(trained: FakeQuantized, content: bytes, plan: TrainingPlan) -> tuple[Agreement | None, str]:
    """How far both models agree, and a note; what no interpreter runs cannot be compared."""
    from edgeq.training.objective import Labels
    from edgeq.validation.agreement import describe

    classes = plan.objective.labels is not Labels.VALUES
    try:
        found = measure_agreement(content, trained.model, _some(plan.validation, plan.train), classes=classes)
    except InterpreterError as exc:
        return None, f"The int8 model could not be compared with the fake-quantized one: {exc.message}"
    return found, describe(found)


def _summary(history: TrainingHistory, plan: TrainingPlan) -> str:
    kept = [history.start, *history.epochs][history.best]
    return (
        f"Trained for {len(history.epochs)} epochs with {history.optimizer}, learning rate {plan.learning_rate:g}, "
        f"batches of {history.batch_size}; kept are the weights after epoch {history.best}: validation loss "
        f"{kept.validation_loss:.4g}, {plan.objective.metric_name} {kept.validation_metric:.4g}."
    )


def _some(*splits: Split) -> tuple[NDArray[np.generic], ...]:
    """The first samples of the splits together."""
    arrays = zip(*(split.x for split in splits), strict=True)
    return tuple(np.concatenate(parts)[:SAMPLES] for parts in arrays)
