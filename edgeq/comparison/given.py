"""Models that the user has already, compared as they are: nothing is trained.

An arm is a float model, a .tflite, or an .npy with the scores that the user's own code computed for the test samples:
scores that were never scaled back, or that are of other samples, are a frequent reason for a surprising difference.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.arms import FLOAT, FLOAT_BN
from edgeq.comparison.assemble import Material, assemble
from edgeq.comparison.evaluate import float_answers, tflite_answers
from edgeq.comparison.findings.files import not_full_integer, scores_of_other_samples, scores_unscaled
from edgeq.comparison.flow import check_out, has_batch_norm
from edgeq.comparison.layers import layer_reports
from edgeq.comparison.made import Made
from edgeq.comparison.options import CompareOptions, GivenArm
from edgeq.comparison.record import ComparedModel, CompareFinding, Comparison
from edgeq.comparison.scores import task_of
from edgeq.comparison.work import evaluated, seen_rows
from edgeq.data import check_dataset, load_dataset
from edgeq.errors import DataError, EdgeqError, InputError
from edgeq.model.load import detect_format, load_float_model, read_tflite
from edgeq.model.scheme import Scheme, scheme_of
from edgeq.model.verify import verify
from edgeq.quantize import from_tflite
from edgeq.quantize.calibration import calibration_samples
from edgeq.records import Dataset, FloatModel, ModelFormat, Progress, Quantized, Reference, ValueSpec
from edgeq.stopwatch import Stopwatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCORES = ".npy"


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
    with clock("load"):
        progress.start("Loading the models", len(options.arms))
        arms = []
        for arm in options.arms:
            arms.append(_read(arm, options))
            progress.step()
        data = _data(options, arms)
    runs: list[Made] = []
    known: list[CompareFinding] = []
    floats = next((read.float_model for read in arms if read.float_model is not None), None)
    with clock("arms"):
        progress.start("Running the models", len(arms))
        for read in arms:
            started = time.perf_counter()
            made, found = _run(read, data, floats, options)
            runs += [replace(run, seconds=time.perf_counter() - started) for run in made]
            known += found
            progress.step()
    outputs = next((run.test for run in runs if run.evaluated_by != _SCORES), runs[0].test)
    model = ComparedModel(
        name=floats.path.name if floats else options.arms[0].path.name, sha256=floats.sha256 if floats else None,
        parameters=floats.parameters if floats else None,
    )  # fmt: skip
    progress.start("Statistics and findings")
    task = task_of(data.test, outputs, data.source)
    material = Material(
        model=model, data=data, task=task, runs=runs, random=frozenset(), given=True, known=tuple(known)
    )
    return assemble(material, options, clock)


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


def _read(arm: GivenArm, options: CompareOptions) -> _Read:
    if arm.path.suffix == _SCORES:
        return _Read(arm=arm, scores=_read_scores(arm.path))
    if detect_format(arm.path) is ModelFormat.TFLITE:
        return _Read(arm=arm, quantized=from_tflite(read_tflite(arm.path), arm.path))
    return _Read(arm=arm, float_model=load_float_model(arm.path, trusted=options.trusted))


def _read_scores(path: Path) -> NDArray[np.float64]:
    """Numbers, (n, outputs), from an .npy file."""
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as exc:
        raise DataError(f"{path} cannot be read: {exc}", hint="Write it with numpy.save; plain numbers only.") from exc
    if not isinstance(values, np.ndarray) or values.ndim < 1 or values.dtype.kind not in "fiu":
        raise DataError(f"{path} holds no array of scores.", hint="One row per test sample, one column per output.")
    return values.reshape(len(values), -1).astype(np.float64)


def _data(options: CompareOptions, arms: Sequence[_Read]) -> Dataset:
    """The data, checked against the inputs of every model."""
    inputs = [found for read in arms if (found := _inputs(read)) is not None]
    if not inputs:
        raise InputError("All arms are scores; at least one must be a model.", hint="Add --arm float=model.keras.")
    data = load_dataset(options.data, inputs=inputs[0], seed=options.seed)
    for specs in inputs:
        check_dataset(data, specs)
    return data


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
    if read.quantized is not None:
        return _run_tflite(read.arm.name, read.quantized, data, floats, options)
    assert read.scores is not None  # noqa: S101 (one of the three)
    return _run_scores(read.arm.name, read.scores, data)


def _run_float(name: str, model: FloatModel, data: Dataset, options: CompareOptions) -> list[Made]:
    train = data.train
    seen = tuple(a[seen_rows(data)] for a in train.x) if train is not None else ()
    run = Made(
        arm=name, seed=0, test=float_answers(model, data.test.x), seen=float_answers(model, seen) if seen else ()
    )
    if name != FLOAT or train is None:
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
    if floats is not None and data.train is not None:
        samples = calibration_samples(data, options.calibration_samples, options.seed)
        run = replace(run, layers=layer_reports(name, quantized, floats, samples, data.test.x))
    return [run], []


def _run_scores(name: str, scores: NDArray[np.float64], data: Dataset) -> tuple[list[Made], list[CompareFinding]]:
    if len(scores) != len(data.test):
        failed = f"{len(scores)} rows of scores for {len(data.test)} test samples"
        return [Made(arm=name, seed=0, failed=failed)], [scores_of_other_samples(name, len(scores), len(data.test))]
    run = Made(arm=name, seed=0, scheme="other", evaluated_by=_SCORES, test=(scores,))
    return [run], [*scores_unscaled(name, scores)]
