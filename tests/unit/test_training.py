"""Training a model further: the same batches for every model, the best weights kept, clear words when it cannot be."""

from __future__ import annotations

import contextlib
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.errors import CheckFailed, DataError, EdgeqError, InputError, UnsupportedError
from edgeq.interruption import not_swallowed
from edgeq.model.compiled import compiled_from_config
from edgeq.model.load import from_keras, load_float_model
from edgeq.model.runtime import keras3, legacy_keras, quiet
from edgeq.records import Dataset, FloatModel, ModelFormat, Progress, Split
from edgeq.reference.float_model import float_outputs
from edgeq.training import TrainingHistory, TrainingOptions, steps
from edgeq.training.batch_norm import reestimated
from edgeq.training.objective import Labels
from edgeq.training.plan import TrainingPlan, optimizer_class, plan_training
from edgeq.training.steps import Steps
from edgeq.training.train import train

pytestmark = pytest.mark.xdist_group("tensorflow")

RNG = np.random.default_rng(2)
X = RNG.normal(size=(210, 6)).astype(np.float32)
Y = (X[:, :3] + 0.1 * RNG.normal(size=(210, 3))).argmax(axis=1).astype(np.int64)


def dataset(y: Any = Y, x: np.ndarray = X, validation: bool = True) -> Dataset:
    labels = None if y is None else np.asarray(y)
    return Dataset(
        source="data.npz",
        sha256="",
        test=Split(x=(x[:10],)),
        train=Split(x=(x[:150],), y=None if labels is None else labels[:150]),
        validation=Split(x=(x[150:],), y=None if labels is None else labels[150:]) if validation else None,
    )


def classifier(keras: Any, *, last: str | None = "softmax", outputs: int = 3, dropout: float = 0.0) -> Any:
    keras.utils.set_random_seed(1)
    vector = keras.Input((6,), name="vector")
    x = keras.layers.Dense(8, activation="relu", name="hidden")(vector)
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    return keras.Model(vector, keras.layers.Dense(outputs, activation=last, name="answer")(x))


def record(model: Any, format: ModelFormat = ModelFormat.KERAS3) -> FloatModel:
    return from_keras(model, path=Path("model.keras"), format=format)


def plan_of(model: Any, options: TrainingOptions | None = None, data: Dataset | None = None) -> TrainingPlan:
    return plan_training(record(model), data or dataset(), options or TrainingOptions(learning_rate=0.01), 0)


def weights(model: Any) -> list[np.ndarray]:
    return [np.array(w) for w in model.get_weights()]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("library", [keras3, legacy_keras])
def test_it_learns_and_keeps_the_best_epoch(library: Any) -> None:
    model = classifier(library())
    plan = plan_of(model, TrainingOptions(epochs=12, learning_rate=0.03, patience=0))
    history = train(model, plan)
    losses = [history.start.validation_loss, *(e.validation_loss for e in history.epochs)]
    assert len(history.epochs) == 12
    assert history.best == int(np.argmin(losses)) > 3
    assert max(e.validation_metric for e in history.epochs) > 0.8 > history.start.validation_metric
    loss, metric = Steps(model, plan).evaluate()
    kept = history.epochs[history.best - 1]
    assert (loss, metric) == pytest.approx((kept.validation_loss, kept.validation_metric))
    assert history.optimizer == "adam"
    assert (history.training_samples, history.validation_samples) == (150, 60)


def test_it_does_what_keras_does() -> None:
    """Two epochs of full batches equal Keras' own train_on_batch on the same batches."""
    keras = keras3()
    ours, theirs = classifier(keras), classifier(keras)
    plan = replace(plan_of(ours, TrainingOptions(epochs=2, batch_size=32, learning_rate=0.01)), patience=0)
    steps = Steps(ours, plan)
    theirs.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    for epoch in range(2):
        order = plan.order(epoch)
        steps.train(order)
        for start in range(0, len(order), 32):
            rows = order[start : start + 32]
            theirs.train_on_batch(plan.train.x[0][rows], plan.train.y[rows])
    for a, b in zip(weights(ours), weights(theirs), strict=True):
        assert np.allclose(a, b, atol=2e-5)


def test_the_same_seed_gives_the_same_weights() -> None:
    keras = keras3()
    results = []
    for seed in (0, 0, 1):
        model = classifier(keras, dropout=0.4)
        plan = replace(plan_of(model, TrainingOptions(epochs=3, learning_rate=0.01, patience=0)), seed=seed)
        train(model, plan)
        results.append(weights(model))
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


def test_a_start_that_is_best_is_kept() -> None:
    model = classifier(keras3())
    train(model, plan_of(model, TrainingOptions(epochs=25, learning_rate=0.02)))
    before = weights(model)
    history = train(model, plan_of(model, TrainingOptions(epochs=20, learning_rate=5.0, patience=3)))
    assert (history.best, len(history.epochs), history.stopped_early) == (0, 3, True)
    assert same(before, weights(model))


class Interrupt(Exception):  # noqa: N818
    pass


def interrupted_after(epochs: int) -> Progress:
    left = [epochs + 1]  # the first step reports the epochs that a checkpoint has

    def step(n: int = 1) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Interrupt

    return Progress(step=step)


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    keras = keras3()
    options = TrainingOptions(epochs=5, learning_rate=0.01, patience=0)
    whole = classifier(keras, dropout=0.3)
    plan = plan_of(whole, options)
    expected = train(whole, plan)
    parts = classifier(keras, dropout=0.3)
    with pytest.raises(Interrupt):
        train(parts, plan, checkpoints=tmp_path, progress=interrupted_after(2))
    assert [p.suffix for p in tmp_path.iterdir()] == [".npz"]
    resumed = classifier(keras, dropout=0.3)
    history = train(resumed, plan, checkpoints=tmp_path)
    assert history.notes[-1].startswith("Training went on after epoch 3")
    assert history.epochs == expected.epochs
    assert same(weights(whole), weights(resumed))
    again = classifier(keras, dropout=0.3)
    assert train(again, plan, checkpoints=tmp_path).epochs == expected.epochs
    assert same(weights(whole), weights(again))


def test_a_checkpoint_of_something_else_is_not_used(tmp_path: Path) -> None:
    keras = keras3()
    options = TrainingOptions(epochs=1, learning_rate=0.01)
    model = classifier(keras)
    train(model, plan_of(model, options), checkpoints=tmp_path)
    (first,) = tmp_path.iterdir()
    before = weights(model)
    other = train(model, plan_of(model, options), checkpoints=tmp_path)  # its weights are others now
    assert other.notes == plan_of(model, options).notes
    assert len(list(tmp_path.iterdir())) == 2, "both are kept"
    first.write_bytes(b"PK damaged")
    again = classifier(keras)
    assert "is damaged" in train(again, plan_of(again, options), checkpoints=tmp_path).notes[-1]
    assert same(before, weights(again))


def test_what_the_compiled_model_says_is_taken(tmp_path: Path) -> None:
    for keras, suffix in ((keras3(), ".keras"), (keras3(), ".h5"), (legacy_keras(), ".keras"), (legacy_keras(), ".h5")):
        model = classifier(keras, last=None)
        schedule = keras.optimizers.schedules.CosineDecay(0.005, 100)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(schedule, momentum=0.9), loss)
        with quiet():
            model.save(tmp_path / f"model{suffix}")
        loaded = load_float_model(tmp_path / f"model{suffix}")
        plan = plan_training(loaded, dataset(), TrainingOptions(), 0)
        assert (plan.optimizer, plan.optimizer_settings["momentum"]) == ("sgd", 0.9)
        assert plan.learning_rate == pytest.approx(0.0005)
        assert (plan.objective.loss, plan.objective.from_logits) == ("sparse_categorical_crossentropy", True)
        assert plan.notes == ()
        asked = TrainingOptions(optimizer="rmsprop", learning_rate=0.1, loss="categorical_crossentropy")
        assert plan_training(loaded, dataset(), asked, 0).optimizer == "rmsprop"


@pytest.mark.parametrize(
    ("make", "rate"),
    [
        (lambda s: s.CosineDecay(0.0, 100, warmup_target=0.004, warmup_steps=10), 0.004),
        (lambda s: s.PiecewiseConstantDecay([50, 80], [0.002, 0.0005, 0.0001]), 0.002),
        (lambda s: s.PolynomialDecay(0.01, 100, 1e-4), 0.01),
    ],
)
def test_a_schedule_counts_with_its_highest_rate(make: Any, rate: float) -> None:
    optimizer = keras3().optimizers
    config = optimizer.serialize(optimizer.AdamW(make(optimizer.schedules)))
    assert compiled_from_config({"optimizer": config}).learning_rate == pytest.approx(rate)


def test_defaults_follow_from_labels_and_output() -> None:
    keras = keras3()
    for last, outputs, y, expected in (
        ("softmax", 3, Y, (Labels.CLASSES, "sparse_categorical_crossentropy", False)),
        (None, 3, Y, (Labels.CLASSES, "sparse_categorical_crossentropy", True)),
        ("sigmoid", 1, (Y > 0).astype(np.int64), (Labels.BINARY, "binary_crossentropy", False)),
        (None, 1, (Y > 0).astype(np.int64), (Labels.BINARY, "binary_crossentropy", True)),
        ("sigmoid", 2, (X[:, :2] > 0).astype(np.float32), (Labels.BINARY, "binary_crossentropy", False)),
        (None, 1, X[:, 0], (Labels.VALUES, "mean_squared_error", True)),
        (None, 6, X, (Labels.VALUES, "mean_squared_error", True)),
    ):
        model = classifier(keras, last=last, outputs=outputs)
        plan = plan_of(model, TrainingOptions(epochs=4, learning_rate=0.05), dataset(y))
        found = plan.objective
        assert (found.labels, found.loss, found.from_logits) == expected
        assert "is not compiled" in plan.notes[0]
        if outputs != 6:
            history = train(model, plan)
            assert history.epochs[-1].loss < 0.9 * history.start.loss, expected


def test_one_hot_losses_take_indices() -> None:
    model = classifier(keras3())
    for loss in ("categorical_hinge", "mse"):
        plan = plan_of(model, TrainingOptions(epochs=3, learning_rate=0.01, loss=loss))
        history = train(model, plan)
        assert history.epochs[-1].loss < history.start.loss


def test_validation_is_split_off_by_class() -> None:
    rare = np.where(np.arange(210) % 30 == 0, 2, np.arange(210) % 2)
    plan = plan_of(classifier(keras3()), data=dataset(rare, validation=False))
    assert plan.validation_seen
    assert "150" not in plan.notes[-1]
    assert "which the float model has seen" in plan.notes[-1]
    assert len(plan.train) + len(plan.validation) == 150
    assert np.bincount(plan.validation.y).tolist() == [round(0.15 * n) for n in np.bincount(rare[:150])]
    both = np.concatenate([plan.train.x[0], plan.validation.x[0]])
    assert len(np.unique(both, axis=0)) == 150


def test_every_sample_is_seen_once_an_epoch() -> None:
    plan = plan_of(classifier(keras3()))
    orders = [plan.order(epoch) for epoch in (0, 1)]
    assert all(np.array_equal(np.sort(order), np.arange(150)) for order in orders)
    assert not np.array_equal(*orders)


def two_outputs(keras: Any) -> Any:
    vector = keras.Input((6,))
    return keras.Model(vector, [keras.layers.Dense(3, name="kind")(vector), keras.layers.Dense(2, name="box")(vector)])


def frozen(keras: Any) -> Any:
    model = classifier(keras)
    model.trainable = False
    return model


def test_what_cannot_be_trained_is_said_clearly() -> None:
    keras = keras3()
    plain = classifier(keras)
    compiled = TrainingOptions()
    cases: list[tuple[type[EdgeqError], str, Any, Dataset, TrainingOptions]] = [
        (DataError, "x_train, but no labels", plain, dataset(None), compiled),
        (DataError, r"All 150 training samples .* same label \(1\)", plain, dataset(np.ones(210, int)), compiled),
        (DataError, "no training samples", plain, replace(dataset(), train=None), compiled),
        (DataError, r"shape \(150, 6\); the output 'answer' .* has \(3,\)", plain, dataset(X), compiled),
        (UnsupportedError, r"2 outputs \(kind, box\)", two_outputs(keras), dataset(), compiled),
        (UnsupportedError, "no weights that can be trained", frozen(keras), dataset(), compiled),
        (InputError, "no loss 'msee'", plain, dataset(), TrainingOptions(loss="msee")),
        (InputError, "no optimizer 'adamm'", plain, dataset(), TrainingOptions(optimizer="adamm")),
        (InputError, "epochs is 0", plain, dataset(), TrainingOptions(epochs=0)),
        (InputError, "learning rate is -1", plain, dataset(), TrainingOptions(learning_rate=-1.0)),
    ]
    for error, message, model, data, options in cases:
        with pytest.raises(error, match=message):
            plan_of(model, options, data)
    loss = TrainingOptions(loss="binary_crossentropy")
    with pytest.raises(InputError, match="other numbers"):
        plan_of(classifier(keras, last=None, outputs=6), loss, dataset(X))


@pytest.mark.parametrize("library", [keras3, legacy_keras])
def test_a_loss_that_blows_up_is_an_error(library: Any) -> None:
    model = classifier(library(), last=None, outputs=6)
    plan = plan_of(model, TrainingOptions(epochs=9, optimizer="sgd", learning_rate=1e12), dataset(X))
    with pytest.raises(
        CheckFailed, match=r"Fine-tuning: the loss is (nan|inf) in epoch \d+ \(learning rate 1e\+12, sgd"
    ):
        train(model, plan, what="Fine-tuning")


def test_ranges_are_watched() -> None:
    model = classifier(keras3())
    widths = iter([np.array([1.0, 4.0]), np.array([1.5, 4.0])] * 2)
    history: TrainingHistory = train(model, plan_of(model, TrainingOptions(epochs=2)), ranges=lambda: next(widths))
    assert [epoch.range_change for epoch in history.epochs] == [0.5, 0.5]
    assert history.start.range_change is None


def test_optimizers_are_found_in_both_libraries() -> None:
    assert optimizer_class("AdamW").__name__ == optimizer_class("adam_w", legacy_keras()).__name__ == "AdamW"
    assert optimizer_class("schedules") is None


def stale(keras: Any) -> Any:
    keras.utils.set_random_seed(3)
    vector = keras.Input((6,))
    norm, shared = keras.layers.BatchNormalization(name="first"), keras.layers.BatchNormalization(name="shared")
    x = norm(keras.layers.Dense(5, activation="relu", name="a")(vector))
    y = keras.layers.Add()([shared(x), shared(keras.layers.Dense(5, name="b")(x))])
    return keras.Model(vector, keras.layers.Dense(3)(y))


@pytest.mark.parametrize("library", [keras3, legacy_keras])
def test_batch_norm_statistics_are_those_of_the_training_samples(library: Any) -> None:
    model = record(stale(library()), ModelFormat.KERAS3 if library is keras3 else ModelFormat.TF_KERAS)
    before = weights(model.handle)
    fresh = reestimated(model, dataset())
    assert same(before, weights(model.handle)), "the original stays as it was"
    assert not np.allclose(*(float_outputs(m, (X,))[0] for m in (model, fresh)))
    layer = fresh.handle.get_layer
    x = X[:150].astype(np.float64)
    values = np.maximum(x @ np.asarray(layer("a").kernel) + np.asarray(layer("a").bias), 0)
    norm = layer("first")
    assert np.allclose(norm.moving_mean, values.mean(axis=0), atol=1e-5)
    assert np.allclose(norm.moving_variance, values.var(axis=0), rtol=1e-4)
    x = (values - values.mean(axis=0)) / np.sqrt(values.var(axis=0) + norm.epsilon)
    both = np.concatenate([x, x @ np.asarray(layer("b").kernel) + np.asarray(layer("b").bias)])
    assert np.allclose(layer("shared").moving_mean, both.mean(axis=0), atol=1e-5)
    assert np.allclose(layer("shared").moving_variance, both.var(axis=0), rtol=1e-4)
    with pytest.raises(DataError, match="no training samples"):
        reestimated(model, replace(dataset(), train=None))


@pytest.mark.parametrize("keras", [keras3, legacy_keras])
def test_how_an_epoch_is_divided_into_calls_changes_no_bit(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor what dropout drops."""
    found = []
    for seconds in (0.0, 1e9):
        monkeypatch.setattr(steps, "_CALL_SECONDS", seconds)
        with quiet():
            model = classifier(keras(), dropout=0.3)
            made = Steps(model, plan_of(model, TrainingOptions(learning_rate=0.01, batch_size=16)))
            order = np.arange(150, dtype=np.int32)
            losses = [made.train(order), made.train(order), *made.evaluate(on_training_samples=True)]
        found.append((losses, weights(model)))
    (once, first), (again, second) = found
    assert once == again
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_ctrl_c_ends_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the call in which it came, even if TensorFlow swallows it."""
    monkeypatch.setattr(steps, "_CALL_SECONDS", 0.0)
    model = classifier(keras3())
    made = Steps(model, plan_of(model, TrainingOptions(batch_size=16)))
    calls = []

    def epoch(x: Any, y: Any, order: Any, first: Any, last: Any, total: Any) -> Any:
        calls.append((int(first), int(last)))
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return total

    monkeypatch.setattr(made, "_epoch", epoch)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), not_swallowed():
            made.train(np.arange(150, dtype=np.int32))
    finally:
        signal.signal(signal.SIGINT, before)
    assert calls == [(0, 1)]
