"""--method auto: the simplest recipe within noise of the best, chosen without the test samples."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.errors import DataError, VerifyError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.load import from_keras
from edgeq.model.quantization import quantize_input
from edgeq.quantize import QuantizeOptions, quantize
from edgeq.quantize.auto import Trial, choose, validation_samples
from edgeq.quantize.recipe import Recipe
from edgeq.records import Accuracy, Dataset, FloatModel, Method, RangeEstimator, Reference, Split
from edgeq.reference import run_reference
from edgeq.reference.float_model import float_outputs

pytestmark = pytest.mark.xdist_group("tensorflow")


def hostile(zoo: Any, scale: float) -> FloatModel:
    """The demo with half of its last convolution's channels scaled and the next layer's weights scaled back."""
    handle = zoo.zoo_keras("demo")
    norm = [layer for layer in handle.layers if type(layer).__name__ == "BatchNormalization"][-1]
    gamma, beta, *statistics = norm.get_weights()
    gamma[:8] *= scale
    beta[:8] *= scale
    norm.set_weights([gamma, beta, *statistics])
    kernel, bias = handle.get_layer("digit").get_weights()
    kernel[:8] /= scale
    handle.get_layer("digit").set_weights([kernel, bias])
    return from_keras(handle, path=Path("hostile.keras"))


def data(zoo: Any, model: FloatModel) -> Dataset:
    """Labels are the float model's answers; there are no labels on the test samples, and these are useless anyway."""
    x = zoo.zoo_inputs("demo", 90, 7)
    labels = float_outputs(model, x)[0].argmax(axis=1)
    test = Split(x=(np.full((4, 8, 8, 1), np.nan, np.float32),))
    calibration = Split(x=zoo.zoo_inputs("demo", 60))
    return Dataset(source="zoo", sha256="", test=test, validation=Split(x=x, y=labels), calibration=calibration)


def test_a_hostile_model_is_equalized(zoo: Any) -> None:
    model = hostile(zoo, 400.0)
    made = quantize(model, data(zoo, model), QuantizeOptions(method=Method.AUTO))
    assert made.recipe is not None and "equalized" in made.recipe
    note = made.notes[0]
    assert note.startswith(f"auto chose {made.recipe}: the simplest recipe within noise of the best one, on 90 ")
    assert any(n.startswith("equalized ") for n in made.notes)
    assert note.count(" dB") == 12
    x = zoo.zoo_inputs("demo", 100, 11)
    graph = parse_tflite(made.content)
    (outputs,) = run_reference(made.content, [quantize_input(x[0], graph.input_tensors[0])], Reference.TFLM).outputs
    assert (outputs.argmax(1) == float_outputs(model, x)[0].argmax(1)).mean() > 0.9


def test_every_switch_of_ptq_reaches_the_model(zoo: Any) -> None:
    model = from_keras(zoo.zoo_keras("demo"), path=Path("demo.keras"))
    x = zoo.zoo_inputs("demo", 40)
    dataset = Dataset(source="zoo", sha256="", test=Split(x=x), train=Split(x=x))
    found = {}
    for recipe in (
        Recipe(),
        Recipe(ranges=RangeEstimator.MSE),
        Recipe(equalize=True),
        Recipe(ranges=RangeEstimator.PERCENTILE, equalize=True, bias_correction=True),
    ):
        options = QuantizeOptions(
            ranges=recipe.ranges, equalize=recipe.equalize, bias_correction=recipe.bias_correction
        )
        made = quantize(model, dataset, options)
        assert made.recipe == recipe.title
        found[recipe.title] = made.content
    assert quantize(model, dataset, options).content == made.content
    assert list(found)[-1] == "percentile ranges, equalized, biases corrected"
    assert len(set(found.values())) == 4


def test_a_model_with_loops_is_left_to_the_converter(zoo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in ("twin", "ptq"):
        monkeypatch.setattr(import_module(f"edgeq.quantize.{user}"), "has_loops", lambda exported: True)
    model = from_keras(zoo.zoo_keras("demo"), path=Path("demo.keras"))
    x = zoo.zoo_inputs("demo", 30)
    dataset = Dataset(source="zoo", sha256="", test=Split(x=x), train=Split(x=x))
    made = quantize(model, dataset, QuantizeOptions(method=Method.AUTO))
    assert made.content == quantize(model, dataset).content
    assert "nothing but the converter alone: demo.keras has loops" in made.notes[0]


def test_without_a_full_integer_recipe_verification_has_the_last_word(zoo: Any) -> None:
    model = from_keras(zoo.zoo_keras("float_island"), path=Path("island.keras"))
    x = zoo.zoo_inputs("float_island", 30)
    dataset = Dataset(source="zoo", sha256="", test=Split(x=x), train=Split(x=x))
    made = quantize(model, dataset, QuantizeOptions(method=Method.AUTO))
    assert made.content == quantize(model, dataset).content
    assert made.notes == ("auto found no recipe that gives a full-integer model",)
    with pytest.raises(VerifyError, match="float"):
        quantize(model, dataset, QuantizeOptions(bias_correction=True))


def trial(recipe: Recipe, value: float, sqnr: float, p: float) -> Trial:
    accuracy = Accuracy(value=value, n=200, correct=round(200 * value), ci95=(0.0, 1.0), ties=0)
    return Trial(recipe=recipe, content=b"", accuracy=accuracy, sqnr_db=sqnr, p_value=p)


def test_the_simplest_within_noise_is_chosen() -> None:
    best = trial(Recipe(equalize=True, bias_correction=True), 0.98, 25.0, 1.0)
    corrected = trial(Recipe(bias_correction=True), 0.975, 24.0, 0.6)
    plain = trial(Recipe(), 0.97, 23.0, 0.3)
    assert choose([best, corrected, plain]) is plain
    assert choose([best, corrected, trial(Recipe(), 0.9, 23.0, 0.01)]) is corrected  # plainly less accurate
    assert choose([best, corrected, trial(Recipe(), 0.97, 21.0, 0.3)]) is corrected  # plainly noisier
    assert choose([best, trial(Recipe(), 0.9, 10.0, 0.01)]) is best
    quiet = trial(Recipe(equalize=True), 0.98, 41.0, 1.0)
    assert choose([quiet, trial(Recipe(), 0.97, 31.0, 0.3)]).recipe == Recipe()  # 31 dB are enough
    other = trial(Recipe(ranges=RangeEstimator.MSE), 0.98, 24.5, 1.0)
    assert choose([best, other, corrected]) is other  # as simple as the next, and better


def test_validation_samples() -> None:
    x, y = np.arange(2000.0).reshape(-1, 1), np.arange(2000) % 4
    test = Split(x=(x,), y=y)
    given = Dataset(source="d", sha256="", test=test, train=Split(x=(x,), y=y), validation=Split(x=(x[:30],), y=y[:30]))
    split, where = validation_samples(given, 0)
    assert (len(split), where) == (30, "validation samples")
    split, where = validation_samples(Dataset(source="d", sha256="", test=test, train=Split(x=(x,), y=y)), 3)
    assert where == "training samples, which the float model has seen"
    assert np.bincount(split.y.astype(int)).tolist() == [75] * 4 if split.y is not None else False
    unlabelled, _ = validation_samples(Dataset(source="d", sha256="", test=test, train=Split(x=(x,))), 3)
    assert len(unlabelled) == 1000
    with pytest.raises(DataError, match="test samples are kept for the result"):
        validation_samples(Dataset(source="d", sha256="", test=test, calibration=Split(x=(x,))), 0)
