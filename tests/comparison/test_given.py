"""Models that are there already: what is wrong with them is the first finding, and nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import planted
import pytest

from edgeq import api
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


def test_scores_of_a_part_of_the_samples(digits: Files) -> None:
    model = load_float_model(digits.model)
    (scores,) = float_outputs(model, (planted.trained(0, True)[1]["x_test"][:100],))
    np.save(digits.folder / "part.npy", scores)
    comparison = digits.compare(float=digits.model, ptq=digits.ptq, mine=digits.folder / "part.npy")
    assert loud(comparison)[0] == "other-samples-evaluated"
    assert next(arm for arm in comparison.arms if arm.name == "mine").failed


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
