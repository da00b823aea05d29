"""A run goes on from its own checkpoint, computed by however many threads, and from no other."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3, legacy_keras
from edgeq.progress import Progress
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.qat import continued_float, qat
from edgeq.records import Dataset, Split
from edgeq.training import TrainingOptions, key
from edgeq.training.key import key_of, origin_of
from edgeq.training.plan import TrainingPlan, plan_training
from edgeq.training.train import train

pytestmark = pytest.mark.xdist_group("tensorflow")

OPTIONS = TrainingOptions(epochs=2, learning_rate=0.01, batch_size=32, patience=0)


def model(library: Any = None, *, rate: float = 0.1, frozen: bool = False) -> Any:
    """With a dense layer whose sums of 1600 terms depend on the number of threads, and so do a norm's moments."""
    library = library or keras3()
    library.utils.set_random_seed(1)
    layers, image = library.layers, library.Input((12, 12, 3))
    block = library.Sequential([library.Input((12, 12, 3)), layers.Conv2D(16, 3, use_bias=False)])
    x = layers.ReLU()(layers.BatchNormalization()(block(image)))
    x = layers.BatchNormalization()(layers.Dense(32, trainable=not frozen)(layers.Flatten()(x)))
    return library.Model(image, layers.Dense(3, activation="softmax")(layers.Dropout(rate)(layers.ReLU()(x))))


def data() -> Dataset:
    rng = np.random.default_rng(3)
    split = Split(x=(rng.normal(size=(160, 12, 12, 3)).astype(np.float32),), y=np.arange(160) % 3)
    return Dataset(source="data", sha256="", test=split, train=split, validation=split)


def plan_of(handle: Any, options: TrainingOptions = OPTIONS) -> TrainingPlan:
    return plan_training(from_keras(handle, path=Path("model.keras")), data(), options, 0)


class _EnoughError(Exception):
    """What was to be seen was seen."""


def keys_of_both() -> list[str]:
    """The keys of QAT and of its control."""
    found: list[str] = []

    def seen(handle: Any, plan: TrainingPlan, *, origin: str, **_: Any) -> None:
        found.append(key_of([np.asarray(v) for v in handle.variables], plan, origin))
        raise _EnoughError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgeq.training.train.train", seen)
        patch.setattr("edgeq.quantize.qat.clip.choose_clips", lambda *_: ())
        for method in (qat, continued_float):
            with pytest.raises(_EnoughError):
                method(from_keras(model(), path=Path("model.keras")), data(), QuantizeOptions(training=OPTIONS))
    return found


def test_the_number_of_threads_is_no_part_of_the_key() -> None:
    code = (
        "from edgeq.comparison.work import limit_threads; limit_threads(1); "
        "import test_checkpoints; print(*test_checkpoints.keys_of_both())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    ours = keys_of_both()
    assert run.stdout.split() == ours
    assert len(set(ours)) == 2


@pytest.mark.parametrize("library", [keras3, legacy_keras])
def test_the_key_is_of_what_the_user_gave(library: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    first = model(library())

    def origin(*facts: object, samples: tuple[np.ndarray, ...] = (), **settings: Any) -> str:
        other = model(library(), **settings)  # its layers have other names
        other.set_weights(first.get_weights())
        return origin_of(other, *facts, samples=samples)

    assert origin() == origin_of(first)
    others = {origin("qat"), origin(rate=0.2), origin(frozen=True), origin(samples=(np.zeros(2),)), origin_of(first)}
    first.set_weights([1.5 * w for w in first.get_weights()])
    assert len(others | {origin_of(first)}) == 6

    plan, given = plan_of(model()), origin()
    start = [np.zeros((2, 3), np.float32)]
    known = key_of(start, plan, given)
    assert key_of([start[0] + 1e-6], plan, given) == known
    assert key_of([start[0] + 1e-6], plan, None) != key_of(start, plan, None), "nothing else tells it apart"
    another = {key_of([np.zeros((3, 2), np.float32)], plan, given), key_of(start, plan, "other")}
    another.add(key_of(start, dataclasses.replace(plan, learning_rate=0.02), given))
    monkeypatch.setattr(key, "_FORM", 0)
    another.add(key_of(start, plan, given))
    monkeypatch.setattr(key, "version", lambda: "0.0.1")
    another.add(key_of(start, plan, given))
    assert len(another | {known}) == 6


def test_a_start_that_differs_in_its_last_bits_goes_on_and_another_one_does_not(tmp_path: Path) -> None:
    class InterruptError(Exception):
        """A signal."""

    def step(n: int = 1) -> None:
        if n:
            raise InterruptError

    def started(factor: float) -> Any:
        handle = model()
        handle.set_weights([w * np.float32(factor) for w in handle.get_weights()])
        return handle

    plan = plan_of(model())
    with pytest.raises(InterruptError):
        train(started(1.0), plan, checkpoints=tmp_path, origin="given", progress=Progress(step=step))
    anew = train(started(3.0), dataclasses.replace(plan, epochs=2), checkpoints=tmp_path, origin="given")
    assert anew.notes[-1].endswith("is of a training with another start, and was not used.")
    history = train(started(3.0 + 1e-6), plan, checkpoints=tmp_path, origin="given")
    assert history.notes[-1].startswith("Training went on after epoch 2")
    assert history.epochs == anew.epochs
