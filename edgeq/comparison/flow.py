"""The whole comparison, from a model and data to findings and a verdict: read this first.

model + data ──► read ──► tasks ──► arms, side by side ──► scores ──► contrasts ──► findings ──► verdict
                                        │      ▲
                                        └─ store ┘
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeq.comparison.arms import FLOAT, TRAINING_METHODS, Task, plan, random_arms, remedies
from edgeq.comparison.look import Look, Question, look
from edgeq.comparison.made import Job, Made
from edgeq.comparison.options import CompareOptions
from edgeq.comparison.record import ComparedModel, Comparison
from edgeq.comparison.run import Crew, crew, run_jobs
from edgeq.comparison.scores import task_of
from edgeq.comparison.scoring import scoring_for
from edgeq.comparison.store import FOLDER, find, keep
from edgeq.comparison.work import pack
from edgeq.errors import CheckFailed, EdgeqError, InputError
from edgeq.inputs import ModelFacts, fitting, read_samples
from edgeq.model.load import detect_format
from edgeq.output import check_takes_files
from edgeq.records import Dataset, Method, ModelFormat, Progress, Split
from edgeq.stopwatch import Stopwatch


def compare_methods(options: CompareOptions, *, progress: Progress | None = None) -> Comparison:
    """Make every arm from one float model, evaluate all of them on the same test samples, and say what that shows.

    Finished arms are kept in the output folder as they end, and used again by the next run.

    Raises:
        InputError: an option, the model or the data are wrong; labels are missing.
        CheckFailed: no int8 arm could be made.
        UnavailableError: a worker died, or Dask does not answer.
    """
    progress, clock = progress or Progress(), Stopwatch()
    check_out(options.out)
    _refuse_without_effect(options)
    most = len(plan(options.methods, _seeds(options), batch_norm=True, random_calibration=True))
    with crew(most, at_a_time=options.jobs, dask=options.dask) as workers:
        return _compare(options, workers, progress, clock)


def _seeds(options: CompareOptions) -> tuple[int, ...]:
    return tuple(range(options.seed, options.seed + options.seeds))


def _compare(options: CompareOptions, workers: Crew, progress: Progress, clock: Stopwatch) -> Comparison:
    with clock("load"):
        seen, data = _read(options, workers, progress)
        # Not before the workers have started.
        from edgeq.comparison.assemble import Material, assemble
        from edgeq.comparison.findings.quantization import LAYERS_QUANTIZE_BADLY
        from edgeq.quantize.calibration import calibration_source

        model = seen.facts
        task = task_of(data.test, _blank_outputs(model, data.test), data.source)
        scoring = scoring_for(task, options.scoring)
        if seen.refusal is not None:
            raise seen.refusal
        calibration = calibration_source(data)[1]
    random_calibration = len(calibration) > options.calibration_samples
    tasks = plan(
        options.methods, _seeds(options), batch_norm=seen.batch_norm, random_calibration=random_calibration
    )  # fmt: skip
    with clock("arms"):
        runs = _make(tasks, options, data, workers, progress)
    _require_arms(runs)
    material = Material(
        model=ComparedModel(name=model.name, sha256=model.sha256, parameters=model.parameters), data=data,
        task=task, scoring=scoring, runs=runs, given=False,
        loss=model.loss,
        random=random_arms(tasks, random_calibration=random_calibration),
    )  # fmt: skip
    progress.start("Statistics and findings")
    found = assemble(material, options, clock)
    if any(finding.code == LAYERS_QUANTIZE_BADLY for finding in found.findings):
        with clock("arms"):
            tried = _make(remedies(options.methods, options.seed), options, data, workers, progress)
        found = assemble(replace(material, runs=[*runs, *tried]), options, clock)
    return found


def _read(options: CompareOptions, workers: Crew, progress: Progress) -> tuple[Look, Dataset]:
    """The data, and what is known of the model; the data are checked first, and again against the model.

    Raises:
        InputError: as `edgeq.inputs.read_source`; or the model is a .tflite.
    """
    reading = _Reading(options)
    format = detect_format(reading.model)
    if format is ModelFormat.TFLITE:
        raise InputError(
            f"{options.model} is a .tflite: there is nothing to train or quantize.",
            hint="Compare models that you have with --arm float=model.keras --arm ptq=a.tflite --arm qat=b.tflite.",
        )
    data, inputs = read_samples(reading, format, progress)
    progress.start("Loading the model")
    trains = any(method in TRAINING_METHODS for method in options.methods)
    question = Question(
        path=reading.model, trusted=options.trusted, data=data, inputs=inputs,
        training=options.training if trains else None, seed=options.seed,
    )  # fmt: skip
    # Where there are arms already, little work may be left: no other processes are started for it.
    ask = look if (options.out / FOLDER).exists() else workers.ask
    seen = _answered(ask(question))
    data, _ = fitting(data, inputs, seen.facts, reading)
    if data is not question.data:
        seen = _answered(ask(replace(question, data=data, inputs=seen.facts.inputs)))
    return seen, data


def _answered(answer: Look | EdgeqError) -> Look:
    if isinstance(answer, EdgeqError):
        raise answer
    return answer


def _refuse_without_effect(options: CompareOptions) -> None:
    if options.training.ranges_in_training is None or Method.QAT in options.methods:
        return
    methods = ",".join(method.value for method in options.methods)
    raise InputError(
        f"--ranges-in-training would have no effect with --methods {methods}: it is about edgeq's own QAT.",
        hint=f"Leave it out, or add qat: --methods {methods},{Method.QAT.value}.",
    )


class _Reading:
    """A comparison's options as `edgeq.inputs` takes them."""

    def __init__(self, options: CompareOptions) -> None:
        if options.model is None:
            raise InputError("No model to compare.", hint="Name a float model, or give models with --arm.")
        self.model: Path = options.model
        self.data: str | None = options.data
        self.samples: int | None = None
        self.seed: int = options.seed
        self.trusted: bool = options.trusted


def check_out(out: Path) -> None:
    """Refuse a folder that cannot be written, or that holds something other than an earlier comparison.

    Raises:
        InputError: says which of the two, and what to do.
    """
    hint = "Give another folder with --out."
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InputError(f"{out} exists and is no folder.", hint=hint)
    if out.is_dir() and any(out.iterdir()) and not any((out / n).exists() for n in ("compare.json", FOLDER)):
        raise InputError(f"{out} has files in it, but is no earlier comparison; it is left as it is.", hint=hint)
    check_takes_files(out.resolve())


def _make(
    tasks: Sequence[Task], options: CompareOptions, data: Dataset, workers: Crew, progress: Progress
) -> list[Made]:
    assert options.model is not None  # noqa: S101 (checked by _Reading)
    files = pack(options.model, trusted=options.trusted)
    jobs = [
        Job(
            task=task, model=files, data=data, training=options.training,
            calibration_samples=options.calibration_samples, threads=1,
            detailed=task.seed == options.seed,
            checkpoints=None if options.dask else str(_checkpoints(options.out, task)),
        )
        for task in tasks
    ]  # fmt: skip
    done = {job.task: found for job in jobs if (found := find(options.out, job)) is not None}
    progress.start("Training and quantizing", len(jobs))
    progress.step(len(done))
    left = [job for job in jobs if job.task not in done]
    for job, made in run_jobs(left, workers, progress=progress):
        keep(options.out, job, made)
        if job.checkpoints and not any(run.failed for run in made):
            shutil.rmtree(job.checkpoints, ignore_errors=True)
        done[job.task] = made
    return [run for task in tasks for run in done[task]]


def _checkpoints(out: Path, task: Task) -> Path:
    """Where an unfinished training is kept: a folder for each, as they run side by side."""
    return (out / FOLDER / f"training-{task.work.value}-{task.seed}").resolve()


def _require_arms(runs: Sequence[Made]) -> None:
    for run in runs:
        if run.arm == FLOAT and run.failed:
            raise InputError(run.failed)
    if not any(run.scheme.startswith("int") and not run.failed for run in runs):
        reasons = dict.fromkeys(run.failed for run in runs if run.failed)
        raise CheckFailed("No int8 model could be made.\n" + "\n".join(str(reason) for reason in reasons))


def _blank_outputs(model: ModelFacts, split: Split) -> tuple[NDArray[np.float64], ...]:
    """Outputs of the right shapes, so that the labels can be looked at before anything is run."""
    return tuple(np.zeros((len(split), *(d or 1 for d in spec.shape)), np.float64) for spec in model.outputs)
