"""tfmot from a float model to a .tflite, and the float model that is trained in the same way without it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from edgeq.errors import UnsupportedError, VerifyError
from edgeq.model.export import export
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.runtime import keras3
from edgeq.model.scheme import Scheme
from edgeq.model.verify import require, verify
from edgeq.quantize.agreement import SAMPLES, measure_agreement
from edgeq.quantize.calibration import calibration_samples
from edgeq.quantize.convert import convert_fake_quantized
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.qat_tfmot.ranges import missing_ranges, range_widths, start_ranges, trained_ranges
from edgeq.quantize.qat_tfmot.supported import HINT, require_supported
from edgeq.quantize.qat_tfmot.wrap import copied, wrapped
from edgeq.quantize.result import MethodResult
from edgeq.records import Dataset, FloatModel, ModelFormat
from edgeq.training import TrainingHistory
from edgeq.transfer import to_tf_keras


def qat_tfmot(model: FloatModel, dataset: Dataset, options: QuantizeOptions) -> MethodResult:
    """Train `model` with tfmot's fake quantization and convert it with the ranges that it learned.

    A Keras 3 model is transferred to tf_keras first (`edgeq.transfer`). Weights are quantized per channel in Conv2D,
    per tensor elsewhere; batch norm keeps training in training mode and is folded by the converter.

    Raises:
        UnsupportedError: layers that cannot be transferred, or that tfmot cannot quantize; before any training.
        DataError, InputError: as `edgeq.training.plan.plan_training`.
        CheckFailed: the loss became NaN or infinite.
        VerifyError: a part of the model stayed float.
    """
    from edgeq.training.key import origin_of
    from edgeq.training.objective import Labels
    from edgeq.training.plan import plan_training
    from edgeq.training.train import train
    from edgeq.validation.agreement import describe

    legacy = _as_tf_keras(model, dataset, options)
    require_supported(legacy)
    plan = plan_training(legacy, dataset, options.training, options.seed)
    fake = wrapped(legacy)
    start_ranges(fake.handle, plan.train.x)
    require_convertible(fake)
    history = train(
        fake.handle,
        plan,
        checkpoints=options.checkpoints,
        origin=origin_of(model.handle, "qat-tfmot"),
        what="Training with tfmot",
        ranges=lambda: range_widths(fake.handle),
    )
    content = convert_wrapped(fake)
    samples = calibration_samples(dataset, SAMPLES, options.seed)
    classes = plan.objective.labels is not Labels.VALUES
    agreement = measure_agreement(content, fake, samples, classes=classes)
    return MethodResult(
        content=content,
        trained=fake,
        history=history,
        notes=(*history.notes, *lost_ranges(content, fake), describe(agreement)),
        agreement=agreement,
    )


def continued_float_tfmot(
    model: FloatModel, dataset: Dataset, options: QuantizeOptions
) -> tuple[FloatModel, TrainingHistory]:
    """The control of `qat_tfmot`: the same training without fake quantization.

    Same tf_keras model, batches, order, optimizer, learning rate, epochs, validation samples and rule for the weights
    that are kept. Batch norm is in training mode, as in tfmot's wrapped model: it uses the batch's statistics and
    moves its own. What dropout drops is random in both, and not the same.

    Returns:
        The tf_keras model that was trained, and how.

    Raises:
        As `qat_tfmot`.
    """
    from edgeq.training.key import origin_of
    from edgeq.training.plan import plan_training
    from edgeq.training.train import train

    legacy = _as_tf_keras(model, dataset, options)
    plan = plan_training(legacy, dataset, options.training, options.seed)
    twin = copied(legacy)
    history = train(
        twin.handle, plan, checkpoints=options.checkpoints, origin=origin_of(model.handle, "control of qat-tfmot"),
        what="Training the float model on",
    )  # fmt: skip
    return twin, history


_convertible: set[str] = set()
"""SHA-256 of the files whose wrapped models were found convertible by this process: other seeds need not ask again."""


def require_convertible(fake: FloatModel) -> None:
    """Nothing, if a wrapped model that has its first ranges becomes full-integer. Found out before hours of training.

    Raises:
        UnsupportedError: the converter refused it, or left a part of it float; the message names the operations.
    """
    if fake.sha256 in _convertible:
        return
    try:
        convert_wrapped(fake)
    except VerifyError as exc:
        raise UnsupportedError(
            f"What tensorflow_model_optimization makes of {fake.path.name} stays float in parts.\n{exc.message}",
            hint=HINT,
        ) from exc
    if fake.sha256:  # a model in memory has none
        _convertible.add(fake.sha256)


def convert_wrapped(fake: FloatModel) -> bytes:
    """The .tflite of a model that `quantize_model` wrapped; every scale is one that the wrapped model has.

    Raises:
        UnsupportedError: the converter refused the model.
        VerifyError: a part of it has no range and stayed float.
    """
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        content = convert_fake_quantized(export(fake, Path(folder, "saved_model")), what=fake.path.name)
    require(verify(parse_tflite(content), scheme=Scheme.INT8, supported_ops=None, engine="aot"), converted=True)
    return content


def lost_ranges(content: bytes, fake: FloatModel) -> Iterator[str]:
    """A sentence about the trained ranges that the conversion lost; nothing if it lost none."""
    missing = missing_ranges(parse_tflite(content), trained_ranges(fake.handle))
    if missing:
        yield f"Conversion gap: the .tflite does not have the trained range of {', '.join(missing)}."


def _as_tf_keras(model: FloatModel, dataset: Dataset, options: QuantizeOptions) -> FloatModel:
    if model.format is ModelFormat.SAVED_MODEL:
        raise UnsupportedError(
            f"{model.path.name} is a SavedModel, which tfmot cannot train.",
            hint="Give the .keras or .h5 file that it was exported from, or use --method ptq.",
        )
    if isinstance(model.handle, keras3().Model):
        samples = calibration_samples(dataset, SAMPLES, options.seed)
        return to_tf_keras(model, samples, seed=options.seed)
    return replace(model, format=ModelFormat.TF_KERAS)
