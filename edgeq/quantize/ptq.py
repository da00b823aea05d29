"""Post-training quantization: TensorFlow's converter, with ranges from calibration samples, and what helps it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgeq.model.export import export
from edgeq.quantize.calibration import calibration_samples
from edgeq.quantize.convert import convert, has_loops
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.recipe import Recipe, RecipeMaker
from edgeq.quantize.result import MethodResult
from edgeq.quantize.twin import make_twin, quantize_twin
from edgeq.records import Dataset, FloatModel


def ptq(model: FloatModel, dataset: Dataset, options: QuantizeOptions) -> MethodResult:
    """The full-integer .tflite of `model`; the same bytes for the same model, samples and seed.

    Raises:
        DataError: no samples to calibrate with.
        UnsupportedError: TensorFlow's converter cannot do it, or the options ask for more than the model lets be done.
        InterpreterError: an interpreter that ranges or bias correction need is missing, or refused the model.
    """
    samples = calibration_samples(dataset, options.calibration_samples, options.seed)
    recipe = Recipe(ranges=options.ranges, equalize=options.equalize, bias_correction=options.bias_correction)
    if recipe.steps == 0:
        with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
            exported = export(model, Path(folder, "saved_model"))
            if has_loops(exported):
                content, note = convert(exported, samples, what=model.path.name), None
            else:
                twin = make_twin(exported, samples, what=model.path.name)
                content, note = quantize_twin(twin), twin.note
        return MethodResult(content=content, recipe=recipe.title, notes=() if note is None else (note,))
    maker = RecipeMaker(model, samples)
    content = maker.make(recipe)
    notes = [equalization_note(maker)] if recipe.equalize else []
    note = maker.twin(equalized=recipe.equalize).note
    notes += [note] if note is not None else []
    return MethodResult(content=content, recipe=recipe.title, notes=tuple(notes))


def equalization_note(maker: RecipeMaker) -> str:
    """What equalization did, as a sentence for the report."""
    found = maker.equalized
    if not found.layers:
        return "equalization found no channels that could be rescaled without changing the model"
    return (
        f"equalized {len(found.layers)} layers; the channels' factors differed by up to {found.largest:.3g} within a "
        "group"
    )
