"""`--method auto`: post-training quantization by every recipe, chosen on validation samples; test samples stay out.

The best recipe is the one with the best metric, then the highest SQNR of the outputs. The simplest recipe is taken that
is not worse than it beyond noise: its metric not by a paired test at 5 %, its output noise not by more than
`NOISE_DB`, unless that is below `ENOUGH_DB` anyway. Both count, because a few hundred labels cannot tell models apart
whose outputs differ plainly.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgeq import reference
from edgeq.errors import DataError, UnsupportedError, VerifyError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Tensor
from edgeq.model.quantization import dequantize_output, quantize_input
from edgeq.quantize.calibration import calibration_samples
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.ptq import equalization_note, ptq
from edgeq.quantize.recipe import Recipe, RecipeMaker
from edgeq.quantize.result import MethodResult
from edgeq.records import Accuracy, Dataset, FloatModel, Metric, Progress, RangeEstimator, Reference, Split
from edgeq.reference.float_model import float_outputs
from edgeq.reference.rewrite import corrected_for_tflm
from edgeq.statistics.proportions import count_pairs, mcnemar_midp
from edgeq.training.plan import VALIDATION_SHARE, split_off
from edgeq.validation.accuracy import NoTask, Task, choose_task, compare_accuracy, measure_accuracy, predict

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.05
NOISE_DB = 3.0
"""Twice the noise power: what a recipe's outputs may have more than the best one's."""

ENOUGH_DB = 30.0
"""An output SQNR above which more of it counts for nothing: noise of a thousandth of the power."""

SAMPLES = 1000
"""At most so many validation samples are used."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One recipe on the validation samples. `p_value` is against the best trial (1 for the best itself)."""

    recipe: Recipe
    content: bytes
    accuracy: Accuracy
    sqnr_db: float
    p_value: float

    @property
    def text(self) -> str:
        """One row of the table in the report's note."""
        top1 = self.accuracy.metric is Metric.TOP1
        figure = f"{self.accuracy.value:.1%}" if top1 else f"MSE {self.accuracy.value:.3g}"
        return f"{self.recipe.title}: {figure}, {self.sqnr_db:.1f} dB"


def auto(model: FloatModel, dataset: Dataset, options: QuantizeOptions) -> MethodResult:
    """The int8 model of the recipe that validation samples are in favour of.

    Validation samples are x_val, or else a part of the training samples of each class, drawn by the seed. Without
    labels the float model's outputs are the targets. A model that only the plain converter takes is converted plainly.

    Raises:
        DataError: no samples to calibrate with, or none to validate with.
        UnsupportedError: TensorFlow's converter cannot do it.
        InterpreterError: an interpreter is missing, or refused the model.
    """
    samples = calibration_samples(dataset, options.calibration_samples, options.seed)
    maker = RecipeMaker(model, samples)
    try:
        maker.twin(equalized=False)
    except UnsupportedError as exc:
        plain = ptq(model, dataset, options)
        return replace(plain, notes=(*plain.notes, f"auto tried nothing but the converter alone: {exc.message}"))
    notes = []
    try:
        equalized = [False, True] if maker.equalized.layers else [False]
        notes += [] if maker.equalized.layers else [equalization_note(maker)]
    except UnsupportedError as exc:
        equalized = [False]
        notes.append(f"auto tried no equalization: {exc.message}")
    recipes = [
        Recipe(ranges=ranges, equalize=equalize, bias_correction=correction)
        for ranges, equalize, correction in itertools.product(RangeEstimator, equalized, [False, True])
    ]
    recipes.sort(key=lambda recipe: recipe.steps)
    validation, where = validation_samples(dataset, options.seed)
    trials = try_recipes(model, maker, recipes, validation, options.progress)
    if not trials:
        plain = ptq(model, dataset, options)
        return replace(plain, notes=("auto found no recipe that gives a full-integer model",))
    chosen = choose(trials)
    table = "; ".join(trial.text for trial in trials)
    choice = (
        f"auto chose {chosen.recipe.title}: the simplest recipe within noise of the best one, on {len(validation)} "
        f"{where}. Tried, the best first: {table}"
    )
    notes += [equalization_note(maker)] if chosen.recipe.equalize else []
    return MethodResult(content=chosen.content, recipe=chosen.recipe.title, notes=(choice, *notes))


def validation_samples(dataset: Dataset, seed: int) -> tuple[Split, str]:
    """At most `SAMPLES` samples to choose a recipe with, and what they are, in words; never test samples.

    Raises:
        DataError: there are neither validation nor training samples.
    """
    if dataset.validation is not None and len(dataset.validation) > 0:
        split, where = dataset.validation, "validation samples"
    elif dataset.train is not None and len(dataset.train) > 1:
        split, where = dataset.train, "training samples, which the float model has seen"
        if split.y is not None:
            _, split = split_off(split, VALIDATION_SHARE, seed)
    else:
        raise DataError(
            f"{dataset.source} has no samples to choose a quantization with: test samples are kept for the result.",
            hint="Add x_val and y_val (or x_train and y_train), or name the method: --method ptq.",
        )
    if len(split) > SAMPLES:
        rows = np.sort(np.random.default_rng(seed).permutation(len(split))[:SAMPLES])
        split = Split(x=tuple(a[rows] for a in split.x), y=None if split.y is None else split.y[rows])
    return split, where


def try_recipes(
    model: FloatModel, maker: RecipeMaker, recipes: Sequence[Recipe], split: Split, progress: Progress
) -> tuple[Trial, ...]:
    """Every recipe's model on the samples, through TFLite Micro; the best comes first.

    Left out are recipes whose model is not full-integer, has scales that no kernel takes, or is the model of an earlier
    recipe byte for byte: give the simpler ones first.

    Raises:
        UnsupportedError, InterpreterError: as `edgeq.quantize.recipe.RecipeMaker.make`.
    """
    expected = float_outputs(model, split.x)
    task = choose_task(split.y, expected)
    if isinstance(task, NoTask):
        targets = expected[0].reshape(len(expected[0]), -1).astype(np.float64)
        task = Task(metric=Metric.MSE, output=0, labels=targets)
    trials: list[Trial] = []
    answers: dict[Recipe, tuple[tuple[NDArray[np.generic], ...], tuple[Tensor, ...]]] = {}
    progress.start("Trying recipes", len(recipes))
    for i, recipe in enumerate(recipes):
        progress.step(int(i > 0))
        try:
            content = maker.make(recipe)
        except VerifyError:
            continue
        if any(content == trial.content for trial in trials):
            continue
        outputs, tensors = answers[recipe] = _run(content, split)
        trials.append(
            Trial(
                recipe=recipe,
                content=content,
                accuracy=measure_accuracy(task, outputs, tensors),
                sqnr_db=_sqnr(expected, outputs, tensors),
                p_value=1.0,
            )
        )
    sign = -1.0 if task.metric is Metric.TOP1 else 1.0
    trials.sort(key=lambda trial: (sign * trial.accuracy.value, -trial.sqnr_db))
    if not trials:
        return ()
    best = answers[trials[0].recipe]
    return tuple(replace(t, p_value=_p_value(task, answers[t.recipe], best)) for t in trials)


def choose(trials: Sequence[Trial]) -> Trial:
    """The simplest trial within noise of the best one; `trials` has the best first."""
    best = trials[0]
    quiet = min(best.sqnr_db - NOISE_DB, ENOUGH_DB)
    near = [t for t in trials if t.p_value >= LEVEL and t.sqnr_db >= quiet]
    return min(near, key=lambda trial: trial.recipe.steps)  # of equal ones the first, which is the best


def _run(content: bytes, split: Split) -> tuple[tuple[NDArray[np.generic], ...], tuple[Tensor, ...]]:
    graph = parse_tflite(content)
    interpreter, _ = reference.primary()
    if interpreter is Reference.TFLM:
        content = corrected_for_tflm(content, graph)
    inputs = [quantize_input(x, t) for x, t in zip(split.x, graph.input_tensors, strict=True)]
    return reference.run_references(content, inputs, [interpreter]).outputs[0].outputs, graph.output_tensors


def _sqnr(
    expected: tuple[NDArray[np.float32], ...], outputs: tuple[NDArray[np.generic], ...], tensors: tuple[Tensor, ...]
) -> float:
    """10·log10(Σ float² / Σ (float − int8)²) over all outputs."""
    signal = noise = 0.0
    for real, integers, tensor in zip(expected, outputs, tensors, strict=True):
        signal += float(np.sum(np.square(real, dtype=np.float64)))
        difference = real.astype(np.float64).reshape(integers.shape) - dequantize_output(integers, tensor)
        noise += float(np.sum(np.square(difference)))
    if noise == 0.0:
        return float("inf")
    return float(10 * np.log10(signal / noise)) if signal else float("-inf")


def _p_value(
    task: Task,
    one: tuple[tuple[NDArray[np.generic], ...], tuple[Tensor, ...]],
    best: tuple[tuple[NDArray[np.generic], ...], tuple[Tensor, ...]],
) -> float:
    """Mid-p McNemar for right and wrong answers, a z-test of the paired difference for errors."""
    if task.metric is Metric.TOP1:
        right = [predict(task, *answer) == task.labels for answer in (one, best)]
        return mcnemar_midp(count_pairs(right[0], right[1]))
    return compare_accuracy(task, one[0], best[0], tensors_before=one[1], tensors_after=best[1]).p_value
