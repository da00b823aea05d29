"""What of a model's own settings stays when its batch norms are trained, and what training needs of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_models import normal_samples, trained_somewhat

from edgeq.errors import UnsupportedError
from edgeq.model.keras.probe import predict
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.qat import continued_float, qat
from edgeq.quantize.qat.insert import fake_quantized
from edgeq.quantize.qat.structure import training_form
from edgeq.records import Dataset, FloatModel, Split
from edgeq.training import TrainingOptions, batch_norm
from edgeq.training.plan import plan_training
from edgeq.training.train import train

pytestmark = pytest.mark.xdist_group("tensorflow")

OPTIONS = TrainingOptions(epochs=1, learning_rate=0.01, batch_size=16)


def made(handle: Any) -> FloatModel:
    return trained_somewhat(handle, np.random.default_rng(5))


def samples(model: FloatModel, n: int = 64) -> tuple[np.ndarray, ...]:
    return normal_samples(model, n, seed=6)


def data_for(model: FloatModel, n: int) -> Dataset:
    split = Split(x=samples(model, n), y=np.arange(n) % 3)
    return Dataset(source="data", sha256="", test=split, train=split, validation=split)


def norms(handle: Any) -> list[Any]:
    return [layer for layer in handle.layers if type(layer).__name__ == "BatchNormalization"]


def chain(*, momentum: float = 0.99, **settings: Any) -> FloatModel:
    """Dense, batch norm, ReLU, Dense; `settings` are the first layer's."""
    layers = keras3().layers
    vector = keras3().Input((6,), name="vector")
    norm = layers.BatchNormalization(momentum=momentum, gamma_regularizer="l1", beta_regularizer="l2", name="norm")
    x = layers.ReLU()(norm(layers.Dense(5, name="first", **settings)(vector)))
    return made(keras3().Model(vector, layers.Dense(3, activation="softmax", name="kind")(x)))


def test_outputs_are_looked_at_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """All layers' outputs on many samples, in double precision, were gigabytes of a MobileNet."""
    model = chain()
    seen: list[int] = []
    real = batch_norm.answers

    def watched(probe: Any, x: Any) -> Any:
        seen.append(len(x[0]))
        return real(probe, x)

    monkeypatch.setattr(batch_norm, "answers", watched)
    results = batch_norm.observed(model.handle, samples(model, 80))
    ((first, _),) = next(results)
    assert first.dtype == np.float32
    assert seen == [32]
    assert sum(map(len, (first, *(y for ((y, _),) in results)))) == 80


def test_inputs_by_names_that_are_not_sorted() -> None:
    layers = keras3().layers
    image, vector = keras3().Input((6, 6, 2), name="a"), keras3().Input((4,), name="z")
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3)(image)))
    joined = layers.Concatenate()(
        [layers.Flatten()(x), layers.BatchNormalization(name="other")(layers.Dense(3)(vector))]
    )
    model = made(keras3().Model({"z": vector, "a": image}, layers.Dense(3)(joined)))
    form = training_form(model, samples(model))
    assert {norm.name for norm in norms(form.handle)} == {"norm", "other"}


def test_moments_follow_within_an_epoch_whatever_the_momentum() -> None:
    for momentum, expected in ((0.999, 0.99), (0.9, 0.9)):
        model = chain(momentum=momentum)
        (norm,) = norms(training_form(model, samples(model)).handle)
        assert norm.momentum == expected


def test_regularizers_stay() -> None:
    model = chain(activity_regularizer="l2", kernel_regularizer="l2")
    x = samples(model)
    form = training_form(model, x)
    (norm,) = norms(form.handle)
    assert norm.gamma_regularizer is not None
    assert norm.beta_regularizer is not None
    rounded = fake_quantized(form, x)
    for kernel in rounded.kernels:
        kernel.rounding = False

    def losses(handle: Any) -> np.ndarray:
        handle(x[0], training=True)
        return np.sort([float(loss) for loss in handle.losses])

    ours, theirs = losses(rounded.model.handle), losses(form.handle)
    assert len(theirs) == 4
    assert np.allclose(ours, theirs, rtol=1e-2), "but for the rounding of inputs"
    model.handle(x[0])
    assert np.isclose(theirs, float(model.handle.get_layer("first").losses[0]), rtol=1e-4).any(), "of the same values"


def test_the_regularizer_of_an_activation_goes_with_it() -> None:
    layers = keras3().layers
    vector = keras3().Input((6,), name="vector")
    hidden = layers.Dense(5, activation="relu", activity_regularizer="l1", name="hidden")(vector)
    model = made(keras3().Model(vector, layers.Dense(3)(hidden)))
    x = samples(model)
    form = training_form(model, x)
    losses = []
    for handle in (model.handle, form.handle):
        handle(x[0], training=True)
        losses.append([float(loss) for loss in handle.losses])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_norm_that_is_also_used_elsewhere_is_trained_behind_its_layer_only() -> None:
    layers = keras3().layers
    image = keras3().Input((6, 6, 4), name="image")
    norm = layers.BatchNormalization(name="norm")
    behind = norm(layers.Conv2D(4, 3, padding="same", name="conv")(image))
    model = made(keras3().Model(image, layers.Dense(3)(layers.Flatten()(behind + norm(layers.ReLU()(image))))))
    x = samples(model)
    form = training_form(model, x)
    assert len(norms(form.handle)) == 1
    (before,), (after,) = predict(model.handle, x), predict(form.handle, x)
    assert np.abs(before - after).max() < 1e-4
    assert [kernel.norm is not None for kernel in fake_quantized(form, x).kernels].count(True) == 1


@pytest.mark.parametrize(("n", "batch_size", "steps"), [(37, 16, 2), (40, 16, 3), (48, 16, 3), (10, 16, 1), (9, 4, 3)])
def test_no_step_has_a_few_samples_only(n: int, batch_size: int, steps: int) -> None:
    keras = keras3()

    class Sizes(keras.layers.Layer):  # type: ignore[misc, name-defined]
        """Keeps the number of batches, of samples, and the smallest batch."""

        def build(self, _: Any) -> None:
            self.seen = self.add_weight(name="seen", shape=(3,), initializer="zeros", trainable=False)
            self.seen.assign([0.0, 0.0, 1000.0])

        def call(self, inputs: Any, training: bool | None = None) -> Any:
            if training:
                size = keras.ops.cast(keras.ops.shape(inputs)[0], "float32")
                count, total, least = (self.seen[i] for i in range(3))
                self.seen.assign(keras.ops.stack([count + 1.0, total + size, keras.ops.minimum(least, size)]))
            return inputs

    vector = keras.Input((6,), name="vector")
    sizes = Sizes(name="sizes")
    handle = keras.Model(vector, keras.layers.Dense(3, activation="softmax")(sizes(vector)))
    model = from_keras(handle, path=Path("model.keras"))
    options = TrainingOptions(epochs=1, learning_rate=1e-3, batch_size=batch_size)
    plan = plan_training(model, data_for(model, n), options, 0)
    train(handle, plan)
    count, total, least = np.asarray(sizes.seen)
    assert (plan.steps, count, total) == (steps, steps, n)
    assert least >= min(8, batch_size, n) or batch_size < 8


@pytest.mark.parametrize("kind", ["SeparableConv1D", "SeparableConv2D"])
def test_the_activity_regularizer_of_a_separable_convolution_stays(kind: str) -> None:
    layers = keras3().layers
    image = keras3().Input((6,) * int(kind[-2]) + (2,), name="image")
    x = getattr(layers, kind)(4, 3, activity_regularizer="l2", pointwise_regularizer="l1", name="apart")(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    model = made(keras3().Model(image, layers.Dense(3)(layers.Flatten()(x))))
    x = samples(model)
    losses = []
    for handle in (model.handle, training_form(model, x).handle):
        handle(x[0], training=True)
        losses.append(sorted(float(loss) for loss in handle.losses))
    assert len(losses[0]) == 2
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize("trained_with_norm", [True, False])
def test_a_channel_of_tiny_weights_beside_its_bias_does_not_lose_the_run(trained_with_norm: bool) -> None:
    """The converter would widen the scale of 1e-6 and 1e-8: the bias is more than 2³⁰ steps."""
    model = chain()
    model.handle.get_layer("norm").trainable = trained_with_norm
    gamma, beta, *moments = model.handle.get_layer("norm").get_weights()
    gamma[:4], beta[:4] = [1e-5, 1e-6, 1e-8, 1e-3], 0.7
    model.handle.get_layer("norm").set_weights([gamma, beta, *moments])
    options = TrainingOptions(epochs=1, learning_rate=1e-12, batch_size=16)
    result = qat(model, data_for(model, 48), QuantizeOptions(training=options))
    assert result.agreement is not None
    assert result.agreement.share == 1.0
    assert [note for note in result.notes if note.startswith("2 of 5 channels of first are only their bias")]


def test_what_cannot_be_equalized_afterwards_is_returned_as_it_was_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    model = chain()
    seen: list[Any] = []

    def refused_later(form: FloatModel) -> Any:
        seen.append(form)
        if len(seen) == 2:
            raise UnsupportedError("Equalizing changes it.")

    monkeypatch.setattr("edgeq.quantize.equalize.equalize", refused_later)
    control, history = continued_float(model, data_for(model, 48), QuantizeOptions(training=OPTIONS))
    assert control is seen[1]
    assert len(history.epochs) == 1
    assert history.notes[-1] == "The layers of the trained model were not equalized: Equalizing changes it."


def test_what_cannot_be_equalized_is_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    model = chain()

    def refused(*_: Any) -> Any:
        raise UnsupportedError("Equalizing changes it.")

    def trained(*_: Any, **__: Any) -> Any:
        pytest.fail("trained first")

    monkeypatch.setattr("edgeq.quantize.equalize.equalize", refused)
    monkeypatch.setattr("edgeq.training.train.train", trained)
    with pytest.raises(UnsupportedError, match="Equalizing"):
        continued_float(model, data_for(model, 48), QuantizeOptions(training=OPTIONS))
