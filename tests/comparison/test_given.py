"""Models that are there already: what is wrong with them is the first finding, and nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import planted
import pytest

from edgeq import api
from edgeq.comparison.findings.files import scores_unscaled
from edgeq.comparison.options import CompareOptions, GivenArm
from edgeq.comparison.record import Comparison, Severity
from edgeq.data import load_dataset
from edgeq.errors import InputError
from edgeq.model.load import load_float_model
from edgeq.model.runtime import quiet, tensorflow
from edgeq.quantize import QuantizeOptions, quantize
from edgeq.records import Method
from edgeq.reference.float_model import float_outputs

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("compare")]


@dataclass(frozen=True)
class Files:
    """A float model, PTQ of it, and their data."""

    folder: Path

    @property
    def data(self) -> str:
        return str(self.folder / "data.npz")

    @property
    def model(self) -> Path:
        return self.folder / "model.keras"

    @property
    def ptq(self) -> Path:
        return self.folder / "ptq.tflite"

    def compare(self, **arms: Path) -> Comparison:
        given = tuple(GivenArm(name=name, path=path) for name, path in arms.items())
        return api.compare(CompareOptions(arms=given, data=self.data, out=self.folder / "cmp"))


def made(folder: Path, model: Any, arrays: planted.Arrays) -> Files:
    files = Files(folder)
    model.save(files.model)
    np.savez(files.data, **arrays)
    content = quantize(load_float_model(files.model), load_dataset(files.data)).content
    files.ptq.write_bytes(content)
    return files


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return made(tmp_path_factory.mktemp("digits"), *planted.trained(0, True))


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return made(tmp_path_factory.mktemp("regression"), *planted.trained_regressor(0))


def loud(comparison: Comparison) -> list[str]:
    return [f.code for f in comparison.findings if f.severity is not Severity.INFO]


def test_clean(digits: Files) -> None:
    comparison = digits.compare(float=digits.model, ptq=digits.ptq)
    assert not loud(comparison)
    assert [arm.name for arm in comparison.arms] == ["float", "float-bn", "ptq"]
    assert comparison.contrasts[0].declared
    assert comparison.arms[-1].evaluated_by == "TensorFlow Lite Micro"
    assert comparison.layers


def test_dynamic_range_model_taken_for_int8(digits: Files) -> None:
    tf = tensorflow()
    path = digits.folder / "dynamic.tflite"
    with quiet():
        converter = tf.lite.TFLiteConverter.from_keras_model(planted.trained(0, True)[0])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        path.write_bytes(converter.convert())
    comparison = digits.compare(float=digits.model, ptq=path)
    assert loud(comparison)[0] == "not-full-integer"
    assert comparison.verdict.ship is None


@pytest.mark.parametrize("method", [Method.INT16X8, Method.PTQ])
def test_other_integer_models_are_no_mistake(digits: Files, method: Method) -> None:
    """int16 activations, or equalised layers whose ranges are not the float model's: nothing is wrong with either."""
    options = QuantizeOptions(method=method, equalize=method is Method.PTQ)
    path = digits.folder / f"{method.value}.tflite"
    path.write_bytes(quantize(load_float_model(digits.model), load_dataset(digits.data), options).content)
    comparison = digits.compare(float=digits.model, ptq=digits.ptq, mine=path)
    assert not loud(comparison)
    assert [(c.first, c.second) for c in comparison.contrasts][-1] == ("float", "mine")


def test_scores_that_were_never_scaled(regression: Files) -> None:
    from edgeq.model.quantization import quantize_input
    from edgeq.quantize import from_tflite
    from edgeq.records import Reference
    from edgeq.reference import run_reference

    quantized = from_tflite(regression.ptq.read_bytes(), regression.ptq)
    (tensor,) = quantized.graph.input_tensors
    inputs = [quantize_input(planted.trained_regressor(0)[1]["x_test"], tensor)]
    (raw,) = run_reference(quantized.content, inputs, Reference.TFLM).outputs
    np.save(regression.folder / "raw.npy", raw)
    comparison = regression.compare(float=regression.model, ptq=regression.folder / "raw.npy")
    assert loud(comparison)[0] == "scores-unscaled"


def test_rounded_predictions_are_not_raw_integers() -> None:
    """Counts, say: a model's answers to the next whole number."""
    answers = np.random.default_rng(0).normal(30, 12, size=(200, 1))
    assert not list(scores_unscaled("mine", np.round(answers), answers))
    raw = np.round(answers / 0.4 - 100)
    assert [f.code for f in scores_unscaled("mine", raw, answers)] == ["scores-unscaled"]


def test_scores_of_a_part_of_the_samples(digits: Files) -> None:
    model = load_float_model(digits.model)
    (scores,) = float_outputs(model, (planted.trained(0, True)[1]["x_test"][:100],))
    np.save(digits.folder / "part.npy", scores)
    comparison = digits.compare(float=digits.model, ptq=digits.ptq, mine=digits.folder / "part.npy")
    assert loud(comparison)[0] == "other-samples-evaluated"
    assert next(arm for arm in comparison.arms if arm.name == "mine").failed


def scores_of(files: Files, arrays: planted.Arrays) -> np.ndarray[Any, Any]:
    return np.asarray(float_outputs(load_float_model(files.model), (arrays["x_test"],))[0])


@pytest.mark.parametrize("order", ["shuffled", "shifted by one", "of training samples"])
def test_scores_in_another_order(digits: Files, order: str) -> None:
    arrays = planted.trained(0, True)[1]
    scores = scores_of(digits, arrays)
    if order == "shuffled":
        scores = scores[np.random.default_rng(0).permutation(len(scores))]
    elif order == "shifted by one":
        scores = np.roll(scores, 1, axis=0)
    else:
        scores = scores_of(digits, {"x_test": arrays["x_train"][: len(scores)]})
    np.save(digits.folder / "order.npy", scores)
    comparison = digits.compare(float=digits.model, ptq=digits.ptq, mine=digits.folder / "order.npy")
    first = comparison.findings[0]
    assert (first.code, first.severity) == ("other-samples-evaluated", Severity.ERROR)
    assert first.title.startswith("mine")
    assert ("belongs to test sample" in first.text) == (order != "of training samples")


def test_regression_scores_in_another_order(regression: Files) -> None:
    scores = scores_of(regression, planted.trained_regressor(0)[1])
    np.save(regression.folder / "order.npy", scores[::-1])
    comparison = regression.compare(float=regression.model, mine=regression.folder / "order.npy")
    assert comparison.findings[0].code == "other-samples-evaluated"


def test_scores_in_order_are_clean(digits: Files) -> None:
    """Half of the arms are scores, one of them of a model that always says the same class."""
    scores = scores_of(digits, planted.trained(0, True)[1])
    np.save(digits.folder / "same.npy", scores)
    np.save(digits.folder / "broken.npy", np.tile(np.linspace(0.0, 0.19, 10), (len(scores), 1)))
    comparison = digits.compare(
        float=digits.model, ptq=digits.ptq, same=digits.folder / "same.npy", broken=digits.folder / "broken.npy"
    )
    assert not loud(comparison)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda s: s[:, :9], "9 numbers per sample, and the labels of the test samples need 10 numbers"),
        (lambda s: s.argmax(axis=1), "These look like predicted classes"),
        (lambda s: np.where(s > 2, s, np.nan), "NaN or infinity in 500 of 500 rows"),
        (lambda s: s[:0], "holds no array of scores"),
    ],
)
def test_scores_that_do_not_fit(digits: Files, spoil: Any, said: str) -> None:
    np.save(digits.folder / "bad.npy", spoil(scores_of(digits, planted.trained(0, True)[1])))
    with pytest.raises(InputError) as caught:
        digits.compare(float=digits.model, mine=digits.folder / "bad.npy")
    assert said in str(caught.value)


def test_models_of_different_tasks(digits: Files) -> None:
    from edgeq.model.runtime import keras3

    model = planted.copy_of(planted.trained(0, True)[0])
    half = keras3().Model(model.inputs, keras3().layers.Dense(3)(model.output))
    half.save(digits.folder / "half.keras")
    with pytest.raises(InputError, match="outputs of shape"):
        digits.compare(float=digits.model, mine=digits.folder / "half.keras")


def test_options_without_effect(digits: Files) -> None:
    given = (GivenArm(name="float", path=digits.model), GivenArm(name="ptq", path=digits.ptq))
    with pytest.raises(InputError, match="seeds would have no effect"):
        api.compare(CompareOptions(arms=given, data=digits.data, out=digits.folder / "cmp", seeds=3))


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        ({"float": "model.keras"}, "at least twice"),
        ({"float": "model.keras", "ptq": "none.tflite"}, "does not exist"),
        ({"float": "model.keras", "ptq": "data.npz"}, "no model"),
    ],
)
def test_bad_arms(digits: Files, arms: dict[str, str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        digits.compare(**{name: digits.folder / path for name, path in arms.items()})
    assert said in str(caught.value)


def test_pickled_scores_are_refused(digits: Files) -> None:
    path = digits.folder / "pickled.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        digits.compare(float=digits.model, ptq=path)


@pytest.fixture(scope="module")
def trained_on(digits: Files) -> Any:
    """What QAT leaves when its fake quantization is stripped: a float model with trained weights."""
    model = planted.copy_of(planted.trained(0, True)[0])
    return planted.fit(model, planted.trained(0, True)[1], epochs=2, seed=1, rate=1e-4)


LOST = {
    "random noise": lambda x: np.random.default_rng(0).normal(size=x.shape).astype(np.float32),
    "dark images": lambda x: x * np.float32(0.1),
    "pixels from 0 to 255": lambda x: x * np.float32(255),
}


@pytest.mark.parametrize("kind", LOST)
def test_qat_model_whose_ranges_were_lost(digits: Files, trained_on: Any, kind: str) -> None:
    """Converted with representative data that override the trained ranges."""
    path = digits.folder / "lost.tflite"
    path.write_bytes(planted.ranges_from(trained_on, LOST[kind](planted.trained(0, True)[1]["x_train"][:100])))
    comparison = digits.compare(float=digits.model, ptq=digits.ptq, qat=path)
    first = comparison.findings[0]
    assert first.code == "activation-ranges-lost", [(f.code, f.evidence) for f in comparison.findings]
    assert first.title.startswith("qat")


def test_qat_model_with_its_ranges_is_clean(digits: Files, trained_on: Any) -> None:
    path = digits.folder / "kept.tflite"
    path.write_bytes(planted.ranges_from(trained_on, planted.trained(0, True)[1]["x_train"][:200]))
    assert not loud(digits.compare(float=digits.model, ptq=digits.ptq, qat=path))


def test_ptq_calibrated_on_other_samples(digits: Files) -> None:
    """There is no other int8 model to compare with, and the data do not hold what calibrated it."""
    model, arrays = planted.trained(0, True)
    path = digits.folder / "pixels.tflite"
    path.write_bytes(planted.ranges_from(model, arrays["x_train"][:100] * np.float32(16)))
    comparison = digits.compare(float=digits.model, ptq=path)
    assert loud(comparison)[0] == "calibration-unrepresentative"
