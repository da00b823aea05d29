"""Models that the user has already, compared as they are: nothing is trained.

An arm is a float model, a .tflite, or an .npy with the scores that the user's own code computed for the test samples:
scores that were never scaled back, or that are of other samples, are a frequent reason for a surprising difference.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.arms import FLOAT, FLOAT_BN, PTQ
from edgeq.comparison.assemble import Material, assemble
from edgeq.comparison.evaluate import Outputs, float_answers, tflite_answers
from edgeq.comparison.findings.files import not_full_integer
from edgeq.comparison.flow import check_out
from edgeq.comparison.given_scores import read_scores, scores_run
from edgeq.comparison.layers import layer_reports, ranges_by_integers, weight_reports
from edgeq.comparison.look import has_batch_norm
from edgeq.comparison.made import SCORES_FILE, Made
from edgeq.comparison.options import CompareOptions, GivenArm
from edgeq.comparison.record import ComparedModel, CompareFinding, Comparison, LayerReport
from edgeq.comparison.scores import task_of
from edgeq.comparison.scoring import scoring_for
from edgeq.comparison.work import evaluated, seen_rows
from edgeq.data import check_dataset, load_dataset
from edgeq.errors import EdgeqError, InputError
from edgeq.model.load import detect_format, load_float_model, read_tflite
from edgeq.model.scheme import Scheme, scheme_of
from edgeq.model.verify import verify
from edgeq.quantize import from_tflite
from edgeq.quantize.calibration import calibration_samples
from edgeq.records import Dataset, FloatModel, ModelFormat, Progress, Quantized, Reference, ValueSpec
from edgeq.stopwatch import Stopwatch
from edgeq.validation.accuracy import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    """A given arm as it was read: one of the three."""

    arm: GivenArm
    float_model: FloatModel | None = None
    quantized: Quantized | None = None
    scores: NDArray[np.float64] | None = None


def compare_given(options: CompareOptions, *, progress: Progress | None = None) -> Comparison:
    """Evaluate models that are there on the same test samples, and say what explains their differences.

    Raises:
        InputError: fewer than two arms, a name twice, a model or data that are wrong.
        UnavailableError: an interpreter is missing or crashed.
    """
    progress, clock = progress or Progress(), Stopwatch()
    check_out(options.out)
    _check_names(options.arms)
    _check_effect(options)
    with clock("load"):
        progress.start("Loading the models", len(options.arms))
        arms = []
        for arm in options.arms:
            arms.append(_read(arm, options))
            progress.step()
        data = _data(options, arms)
    made: dict[str, list[Made]] = {}
    known: list[CompareFinding] = []
    floats = next((read.float_model for read in arms if read.float_model is not None), None)
    with clock("arms"):
        progress.start("Running the models", len(arms))
        for read in arms:
            if read.scores is None:
                started = time.perf_counter()
                runs, found = _run(read, data, floats, options)
                made[read.arm.name] = [replace(run, seconds=time.perf_counter() - started) for run in runs]
                known += found
                progress.step()
        outputs = next(iter(made.values()))[0].test
        task = task_of(data.test, outputs, data.source)
        scoring = scoring_for(task, options.scoring)
        _check_outputs(arms, made, outputs, task)
        for read in arms:
            if read.scores is not None:
                made[read.arm.name], found = scores_run(read.arm.name, read.arm.path, read.scores, task, outputs)
                known += found
                progress.step()
    model = ComparedModel(
        name=floats.path.name if floats else options.arms[0].path.name, sha256=floats.sha256 if floats else None,
        parameters=floats.parameters if floats else None,
    )  # fmt: skip
    progress.start("Statistics and findings")
    material = Material(
        model=model, data=data, task=task, scoring=scoring, runs=[run for read in arms for run in made[read.arm.name]],
        random=frozenset(), given=True, known=tuple(known),
        loss=_loss(arms),
    )  # fmt: skip
    return assemble(material, options, clock)


def _loss(arms: Sequence[_Read]) -> str | None:
    """That of the arm that is called float, if its file says so."""
    model = next((read.float_model for read in arms if read.arm.name == FLOAT), None)
    return model.compiled.loss if model is not None and model.compiled is not None else None


def _check_names(arms: Sequence[GivenArm]) -> None:
    names = [arm.name for arm in arms]
    if len(names) < 2:
        raise InputError("One arm is nothing to compare.", hint="Give --arm at least twice.")
    if FLOAT_BN in names:
        raise InputError(
            f"No arm can be called {FLOAT_BN!r}: that is what edgeq makes of the float model.",
            hint="Name it otherwise.",
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InputError(f"Two arms are called {twice!r}.", hint="Give every arm a name of its own.")


def _check_effect(options: CompareOptions) -> None:
    usual = CompareOptions(data="", out=options.out)
    idle = [n for n in ("methods", "training", "seeds", "jobs", "dask") if getattr(options, n) != getattr(usual, n)]
    if idle:
        raise InputError(
            f"{', '.join(idle)} would have no effect: the arms are given, and nothing is trained or quantized.",
            hint="Leave it out, or give a model instead of arms.",
        )


def _read(arm: GivenArm, options: CompareOptions) -> _Read:
    if arm.path.suffix == SCORES_FILE:
        return _Read(arm=arm, scores=read_scores(arm.path))
    if detect_format(arm.path) is ModelFormat.TFLITE:
        return _Read(arm=arm, quantized=from_tflite(read_tflite(arm.path), arm.path))
    return _Read(arm=arm, float_model=load_float_model(arm.path, trusted=options.trusted))


def _data(options: CompareOptions, arms: Sequence[_Read]) -> Dataset:
    """The data, checked against the inputs of every model."""
    inputs = [found for read in arms if (found := _inputs(read)) is not None]
    if not inputs:
        raise InputError("All arms are scores; at least one must be a model.", hint="Add --arm float=model.keras.")
    data = load_dataset(options.data, inputs=inputs[0], seed=options.seed)
    for specs in inputs:
        check_dataset(data, specs)
    return data


def _check_outputs(arms: Sequence[_Read], made: dict[str, list[Made]], outputs: Outputs, task: Task) -> None:
    """Every model answers the question that the labels are about."""
    expected = outputs[task.output].shape[1:]
    for read in arms:
        for run in made.get(read.arm.name, []):
            found = run.test[task.output].shape[1:] if task.output < len(run.test) else None
            if found is None or math.prod(found) != math.prod(expected):
                raise InputError(
                    f"{read.arm.path} has outputs of shape {', '.join(str(a.shape[1:]) for a in run.test)}, and the "
                    f"labels belong to one of shape {expected} in {arms[0].arm.path}.",
                    hint="Compare models of the same task, with their outputs in the same order.",
                )


def _inputs(read: _Read) -> tuple[ValueSpec, ...] | None:
    if read.float_model is not None:
        return read.float_model.inputs
    if read.quantized is None:
        return None
    return tuple(
        ValueSpec(name=t.name, shape=t.shape[1:] if t.shape[:1] == (1,) else t.shape, dtype="float32")
        for t in read.quantized.graph.input_tensors
    )


def _run(
    read: _Read, data: Dataset, floats: FloatModel | None, options: CompareOptions
) -> tuple[list[Made], list[CompareFinding]]:
    if read.float_model is not None:
        return _run_float(read.arm.name, read.float_model, data, options), []
    assert read.quantized is not None  # noqa: S101 (scores are no model)
    return _run_tflite(read.arm.name, read.quantized, data, floats, options)


def _run_float(name: str, model: FloatModel, data: Dataset, options: CompareOptions) -> list[Made]:
    train = data.train
    seen = tuple(a[seen_rows(data)] for a in train.x) if train is not None else ()
    run = Made(
        arm=name, seed=0, test=float_answers(model, data.test.x), seen=float_answers(model, seen) if seen else ()
    )
    if name != FLOAT or not _calibrates(data):
        return [run]
    calibration = calibration_samples(data, options.calibration_samples, options.seed)
    run = replace(run, calibration=float_answers(model, calibration))
    again = _new_statistics(model, data)
    return [run] if again is None else [run, Made(arm=FLOAT_BN, seed=0, test=float_answers(again, data.test.x))]


def _new_statistics(model: FloatModel, data: Dataset) -> FloatModel | None:
    """The float model with batch-norm statistics taken again (no weight changes); None where it has none."""
    from edgeq.training.batch_norm import reestimated

    if not has_batch_norm(model):
        return None
    try:
        return reestimated(model, data)
    except EdgeqError:
        return None


def _run_tflite(
    name: str, quantized: Quantized, data: Dataset, floats: FloatModel | None, options: CompareOptions
) -> tuple[list[Made], list[CompareFinding]]:
    scheme = scheme_of(quantized.graph)
    problems = verify(quantized.graph, scheme=scheme, supported_ops=None, engine="TFLite Micro", float_io=True)
    if problems:
        run = Made(
            arm=name, seed=0, scheme="other", evaluated_by="LiteRT, default kernels", content=quantized.content,
            test=tflite_answers(quantized, data.test.x, Reference.LITERT_DEFAULT),
        )  # fmt: skip
        return [run], [not_full_integer(name, quantized.graph, problems)]
    run = evaluated(quantized, data, arm=name, seed=0, scheme="int8" if scheme is Scheme.INT8 else "int16x8")
    layers = _layers(name, quantized, data, floats, options)
    return [replace(run, layers=layers, weights=weight_reports(name, quantized))], []


def _layers(
    name: str, quantized: Quantized, data: Dataset, floats: FloatModel | None, options: CompareOptions
) -> tuple[LayerReport, ...]:
    """Ranges by the model's own integers; of PTQ also the noise against the float model that it was made from."""
    found = ranges_by_integers(name, quantized, data.test.x)
    if name != PTQ or floats is None or not _calibrates(data):
        return found
    samples = calibration_samples(data, options.calibration_samples, options.seed)
    noise = {layer.tensor: layer for layer in layer_reports(name, quantized, floats, samples, data.test.x)}
    return tuple(
        replace(layer, sqnr_db=noise[layer.tensor].sqnr_db, channel_ratio=noise[layer.tensor].channel_ratio)
        if layer.tensor in noise
        else layer
        for layer in found
    )


def _calibrates(data: Dataset) -> bool:
    """Whether there are samples that could have calibrated a model."""
    return any(split is not None and len(split) > 0 for split in (data.calibration, data.train, data.validation))
