"""One piece of a comparison's work, in a process of its own: makes the arms that share a start, and evaluates them."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.comparison.arms import MAKES, Work
from edgeq.comparison.made import Job, Made, ModelFiles
from edgeq.errors import DataError, EdgeqError, InterpreterError
from edgeq.records import Dataset, FloatModel, Method, Quantized, Reference
from edgeq.reference.children import kept_children

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgeq.comparison.evaluate import Outputs
    from edgeq.quantize import QuantizeOptions
    from edgeq.training import TrainingHistory

SAME_START = (
    "Starts where QAT starts and trains the same weights, batch norms exactly as QAT trains them. When it is trained, "
    "they are folded and the channels of neighbouring layers equalised, as in QAT's int8 model (the same function in "
    "floats): extra training and PTQ's remedy together."
)
"""Note of the control, which is more than PTQ of a model that was trained on."""

SEEN_SAMPLES = 2000
"""So many training samples say whether a float model overfits: the interval of an accuracy on them is ±2 points."""


def seen_rows(data: Dataset) -> NDArray[np.int64]:
    """The training samples on which float models are looked at: a random choice, as files are often sorted by class."""
    import numpy as np

    count = len(data.train) if data.train is not None else 0
    return np.sort(np.random.default_rng(0).permutation(count)[:SEEN_SAMPLES])


def run_job(job: Job) -> tuple[Made, ...]:
    """All arms of a job. What a user can cause is in `Made.failed`; the other jobs go on."""
    limit_threads(job.threads)
    task, started = job.task, time.perf_counter()
    made: list[Made] = []
    try:
        with kept_children(), tempfile.TemporaryDirectory(prefix="edgeq-") as scratch:
            model = load(job.model, Path(scratch))
            for run in _MAKERS[task.work](model, job):
                made.append(replace(run, seconds=time.perf_counter() - started))
                started = time.perf_counter()
    except EdgeqError as exc:
        rest = MAKES[task.work][len(made) :]
        made += [Made(arm=arm, seed=task.seed, failed=str(exc)) for arm in rest]
    return tuple(made)


def limit_threads(threads: int) -> None:
    """TensorFlow's share of the cores; it can be told before its first use only."""
    if "tensorflow" not in sys.modules:
        os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
        os.environ["OMP_NUM_THREADS"] = str(threads)


def load(files: ModelFiles, scratch: Path) -> FloatModel:
    """The model from its bytes.

    Raises:
        ModelError: as `load_float_model`.
    """
    from edgeq.model.load import load_float_model

    place = scratch / files.name
    for name, content in files.files.items():
        file = place / name if name else place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return replace(load_float_model(place, trusted=files.trusted), path=Path(files.name))


def pack(path: Path, *, trusted: bool) -> ModelFiles:
    """A model file, or a SavedModel's folder, as bytes."""
    if path.is_dir():
        found = {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}
        return ModelFiles(name=path.name, files=found, trusted=trusted)
    return ModelFiles(name=path.name, files={"": path.read_bytes()}, trusted=trusted)


def evaluated(quantized: Quantized, data: Dataset, *, arm: str, seed: int, scheme: str = "int8") -> Made:
    """A full-integer model's run: TFLM's answers (LiteRT's reference kernels where TFLM cannot run), and LiteRT's."""
    from edgeq import reference
    from edgeq.comparison.evaluate import tflite_answers
    from edgeq.reference.worker import TITLES
    from edgeq.validation.agreement import rounding_of

    primary, note = reference.primary()
    try:
        test = tflite_answers(quantized, data.test.x, primary)
    except InterpreterError as exc:
        if primary is not Reference.TFLM:
            raise
        primary, note = Reference.LITERT_REFERENCE, f"TFLite Micro cannot run it ({exc.message})"
        test = tflite_answers(quantized, data.test.x, primary)
    try:
        host = tflite_answers(quantized, data.test.x, Reference.LITERT_DEFAULT)
    except InterpreterError:
        host = ()
    return Made(
        arm=arm, seed=seed, scheme=scheme, evaluated_by=TITLES[primary], content=quantized.content, test=test,
        host=host, rounding=rounding_of(quantized.graph), history=quantized.history,
        notes=(*quantized.notes, *([note] if note else [])),
    )  # fmt: skip


def _options(job: Job, method: Method = Method.PTQ) -> QuantizeOptions:
    from edgeq.quantize import QuantizeOptions

    training = job.training if method is Method.QAT else replace(job.training, ranges_in_training=None)
    return QuantizeOptions(
        method=method, calibration_samples=job.calibration_samples, seed=job.task.seed, training=training,
        checkpoints=Path(job.checkpoints) if job.checkpoints else None,
    )  # fmt: skip


def _float_run(model: FloatModel, job: Job, arm: str, history: TrainingHistory | None = None) -> Made:
    from edgeq.comparison.evaluate import float_answers

    train = job.data.train
    seen = () if train is None else tuple(a[seen_rows(job.data)] for a in train.x)
    return Made(
        arm=arm, seed=job.task.seed, test=float_answers(model, job.data.test.x),
        seen=float_answers(model, seen) if seen else (), history=history,
    )  # fmt: skip


def _quantized_run(model: FloatModel, job: Job, arm: str, method: Method, scheme: str = "int8") -> Made:
    from edgeq.comparison.evaluate import float_answers
    from edgeq.quantize import quantize

    quantized = quantize(model, job.data, _options(job, method))
    run = evaluated(quantized, job.data, arm=arm, seed=job.task.seed, scheme=scheme)
    run = _with_ranges(run, quantized, job)
    if quantized.trained is None:
        return run
    return replace(run, trained=float_answers(quantized.trained, job.data.test.x))


def _with_ranges(run: Made, quantized: Quantized, job: Job) -> Made:
    from edgeq.comparison.layers import ranges_by_integers, weight_reports

    if not job.detailed:
        return run
    layers = ranges_by_integers(run.arm, quantized, job.data.test.x)
    return replace(run, layers=layers, weights=weight_reports(run.arm, quantized))


def _float(model: FloatModel, job: Job) -> Iterator[Made]:
    (arm,) = MAKES[Work.FLOAT]
    run = _float_run(model, job, arm)
    yield replace(run, calibration=_on_calibration(model, job))


def _on_calibration(model: FloatModel, job: Job) -> Outputs:
    """The float model on the samples that calibrate PTQ: which classes are among them?"""
    from edgeq.comparison.evaluate import float_answers
    from edgeq.quantize.calibration import calibration_samples

    try:
        return float_answers(model, calibration_samples(job.data, job.calibration_samples, job.task.seed))
    except DataError:
        return ()


def _ptq(model: FloatModel, job: Job) -> Iterator[Made]:
    from edgeq.comparison.layers import layer_reports, weight_reports
    from edgeq.quantize import quantize
    from edgeq.quantize.calibration import calibration_samples

    (arm,) = MAKES[Work.PTQ]
    quantized = quantize(model, job.data, _options(job))
    run = evaluated(quantized, job.data, arm=arm, seed=job.task.seed)
    if job.detailed:
        samples = calibration_samples(job.data, job.calibration_samples, job.task.seed)
        layers = layer_reports(arm, quantized, model, samples, job.data.test.x)
        run = replace(run, layers=layers, weights=weight_reports(arm, quantized))
    yield run


def _batch_norm(model: FloatModel, job: Job) -> Iterator[Made]:
    from edgeq.training.batch_norm import reestimated

    plain, quantized = MAKES[Work.BATCH_NORM]
    again = reestimated(model, job.data)
    yield _float_run(again, job, plain)
    yield _quantized_run(again, job, quantized, Method.PTQ)


def _continued(model: FloatModel, job: Job) -> Iterator[Made]:
    from edgeq.quantize.qat import continued_float

    plain, quantized = MAKES[Work.CONTINUED]
    trained, history = continued_float(model, job.data, _options(job, Method.QAT))
    yield _with_note(_float_run(trained, job, plain, history), SAME_START)
    yield _with_note(_quantized_run(trained, job, quantized, Method.PTQ), SAME_START)


def _with_note(run: Made, note: str) -> Made:
    return replace(run, notes=(*run.notes, note))


def _continued_tfmot(model: FloatModel, job: Job) -> Iterator[Made]:
    from edgeq.quantize.qat_tfmot import continued_float_tfmot

    plain, quantized = MAKES[Work.CONTINUED_TFMOT]
    trained, history = continued_float_tfmot(model, job.data, _options(job, Method.QAT_TFMOT))
    yield _float_run(trained, job, plain, history)
    yield _quantized_run(trained, job, quantized, Method.PTQ)


def _qat(model: FloatModel, job: Job) -> Iterator[Made]:
    (arm,) = MAKES[Work.QAT]
    yield _quantized_run(model, job, arm, Method.QAT)


def _qat_tfmot(model: FloatModel, job: Job) -> Iterator[Made]:
    (arm,) = MAKES[Work.QAT_TFMOT]
    yield _quantized_run(model, job, arm, Method.QAT_TFMOT)


def _equalized(model: FloatModel, job: Job) -> Iterator[Made]:
    from edgeq.quantize import quantize

    (arm,) = MAKES[Work.EQUALIZED]
    quantized = quantize(model, job.data, replace(_options(job), equalize=True, bias_correction=True))
    yield _with_ranges(evaluated(quantized, job.data, arm=arm, seed=job.task.seed), quantized, job)


def _int16x8(model: FloatModel, job: Job) -> Iterator[Made]:
    (arm,) = MAKES[Work.INT16X8]
    yield _quantized_run(model, job, arm, Method.INT16X8, scheme="int16x8")


_MAKERS: Mapping[Work, Callable[[FloatModel, Job], Iterator[Made]]] = {
    Work.FLOAT: _float,
    Work.PTQ: _ptq,
    Work.CONTINUED: _continued,
    Work.CONTINUED_TFMOT: _continued_tfmot,
    Work.QAT: _qat,
    Work.QAT_TFMOT: _qat_tfmot,
    Work.EQUALIZED: _equalized,
    Work.INT16X8: _int16x8,
    Work.BATCH_NORM: _batch_norm,
}
