"""Models and data with one known cause planted: what `edgeq compare` must find.

Digits are scikit-learn's; networks are small, so that a scenario takes seconds. Base models are trained once and then
spoiled in one way.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.comparison.options import CompareOptions
from edgeq.model.runtime import keras3, quiet, tensorflow
from edgeq.records import Method
from edgeq.training import TrainingOptions

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A Keras model, its data, how it is compared, and the codes of which the first warning must be one."""

    name: str
    model: Any
    arrays: Arrays
    expected: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> CompareOptions:
        """The files, and the options of the comparison."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.keras").write_bytes(file_of(self.model))
        np.savez(folder / "data.npz", **self.arrays)
        return CompareOptions(
            model=folder / "model.keras", data=str(folder / "data.npz"), out=folder / "cmp", jobs=1,
            **{"seeds": 1, "methods": (Method.PTQ,), **self.options},
        )  # fmt: skip


@cache
def file_of(model: Any) -> bytes:
    """The .keras file, the same for the same model: saved twice, it has another date."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "model.keras"))
        return Path(folder, "model.keras").read_bytes()


def digits(seed: int, *, train: int = 1000, test: int = 500) -> dict[str, NDArray[Any]]:
    """Images 8×8 from 0 to 1; validation gets what is left."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    order = np.random.default_rng(seed).permutation(len(loaded.target))
    x = (loaded.images / 16.0).astype(np.float32)[order, ..., None]
    y = loaded.target.astype(np.int64)[order]
    parts = {"test": slice(0, test), "train": slice(test, test + train), "val": slice(test + train, None)}
    return {f"{kind}_{name}": a[part] for name, part in parts.items() for kind, a in (("x", x), ("y", y))}


def network(seed: int, *, batch_norm: bool, momentum: float = 0.9, dropout: float = 0.1) -> Any:
    """Two convolutions, pooling, a softmax."""
    keras = keras3()
    keras.utils.set_random_seed(seed)
    layers = keras.layers

    def block(x: Any, filters: int, strides: int, name: str) -> Any:
        x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=not batch_norm, name=name)(x)
        if batch_norm:
            x = layers.BatchNormalization(momentum=momentum, name=f"{name}_bn")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    image = keras.Input((8, 8, 1), name="image")
    x = block(block(image, 12, 1, "first"), 24, 2, "second")
    x = layers.Flatten(name="flatten")(layers.MaxPooling2D(2, name="pool")(x))
    x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="digit")(x), name="digits")


def fit(model: Any, arrays: Arrays, *, epochs: int, seed: int, rate: float = 3e-3, loss: str | None = None) -> Any:
    """Train in place, with a rate that falls to 0 where it is trained out; returns the model.

    A few samples are repeated, so that many short epochs become a few long ones: Keras takes longer to begin an epoch
    than for such an epoch's steps.
    """
    tensorflow().config.experimental.enable_op_determinism()
    keras = keras3()
    keras.utils.set_random_seed(seed)
    x, y = arrays["x_train"], arrays["y_train"]
    times = max(n for n in range(1, epochs + 1) if epochs % n == 0 and (n == 1 or n * len(x) <= 800))
    steps = -(-len(x) * times // 32)
    schedule: Any = rate
    if epochs > 3:
        schedule = keras.optimizers.schedules.CosineDecay(rate, steps * (epochs // times))
    model.compile(
        keras.optimizers.Adam(schedule), loss or "sparse_categorical_crossentropy", steps_per_execution=min(steps, 25)
    )
    with quiet():
        model.fit(np.concatenate([x] * times), np.concatenate([y] * times), epochs=epochs // times, verbose=0)
    return model


@cache
def trained(seed: int, batch_norm: bool) -> tuple[Any, Arrays]:
    """A network that is trained out, and its data."""
    arrays = digits(seed)
    return fit(network(seed, batch_norm=batch_norm), arrays, epochs=25, seed=seed), arrays


def copy_of(model: Any) -> Any:
    """A copy that can be spoiled."""
    made = keras3().models.clone_model(model)
    made.set_weights(model.get_weights())
    return made


def clean(seed: int, batch_norm: bool) -> Planted:
    model, arrays = trained(seed, batch_norm)
    return Planted(name=f"clean-{'bn' if batch_norm else 'plain'}", model=model, arrays=arrays, expected=())


def stale_batch_norm(seed: int) -> Planted:
    """Statistics from before the last weights: as after a short training with a high momentum."""
    model, arrays = trained(seed, True)
    spoiled = copy_of(model)
    rng = np.random.default_rng(seed)
    for layer in spoiled.layers:
        if type(layer).__name__ == "BatchNormalization":
            variance = np.asarray(layer.moving_variance)
            mean = np.asarray(layer.moving_mean)
            layer.moving_variance.assign(variance * np.exp(rng.normal(0.4, 1.0, variance.shape)))
            layer.moving_mean.assign(mean + np.sqrt(variance) * rng.normal(0, 0.8, mean.shape))
    return Planted(name="stale-batch-norm", model=spoiled, arrays=arrays, expected=("batch-norm-statistics-stale",))


def calibration_from_two_classes(seed: int, batch_norm: bool) -> Planted:
    model, arrays = trained(seed, batch_norm)
    chosen = np.isin(arrays["y_train"], [1, 7])
    return Planted(
        name="calibration-two-classes", model=model, arrays={**arrays, "x_calib": arrays["x_train"][chosen]},
        expected=("calibration-classes-missing",),
    )  # fmt: skip


def calibration_not_normalised(seed: int, batch_norm: bool) -> Planted:
    model, arrays = trained(seed, batch_norm)
    return Planted(
        name="calibration-not-normalised", model=model,
        arrays={**arrays, "x_calib": arrays["x_train"][:200] * np.float32(16)},
        expected=("calibration-preprocessing-differs",),
    )  # fmt: skip


def few_test_samples(seed: int, batch_norm: bool) -> Planted:
    model, arrays = trained(seed, batch_norm)
    few = {name: arrays[name][:40] for name in ("x_test", "y_test")}
    return Planted(name="40-test-samples", model=model, arrays={**arrays, **few}, expected=("test-set-too-small",))


def overfitted(seed: int) -> Planted:
    """Eighty training samples, many epochs, nothing that regularises."""
    arrays = digits(seed, train=80)
    model = fit(network(seed, batch_norm=False, dropout=0.0), arrays, epochs=80, seed=seed)
    return Planted(name="overfitted-float", model=model, arrays=arrays, expected=("float-model-overfits",))


def hostile_channels(seed: int, scale: float = 400.0) -> Planted:
    """Half of the last convolution's channels × S and the next layer by 1/S: the same function, hard for PTQ."""
    model, arrays = trained(seed, False)
    spoiled = copy_of(model)
    convolution, dense = spoiled.get_layer("second"), spoiled.get_layer("digit")
    kernel, bias = (np.array(w) for w in convolution.get_weights())
    weights, out = (np.array(w) for w in dense.get_weights())
    half = np.arange(kernel.shape[-1]) % 2 == 0
    kernel[..., half] *= scale
    bias[half] *= scale
    weights[np.tile(half, len(weights) // len(half))] /= scale
    convolution.set_weights([kernel, bias])
    dense.set_weights([weights, out])
    return Planted(name="hostile-channels", model=spoiled, arrays=arrays, expected=("layers-quantize-badly",))


def duplicated_test_samples(seed: int, batch_norm: bool) -> Planted:
    arrays = digits(seed)
    leaked = {
        name: np.concatenate([arrays[name], arrays[name.replace("train", "test")][:250]])
        for name in ("x_train", "y_train")
    }
    arrays = {**arrays, **leaked}
    model = fit(network(seed, batch_norm=batch_norm), arrays, epochs=10, seed=seed)
    return Planted(name="duplicated-test-samples", model=model, arrays=arrays, expected=("test-samples-in-training",))


@cache
def one_epoch_float(seed: int, batch_norm: bool, momentum: float = 0.99) -> Planted:
    """The model is trained for an epoch, as in the question that edgeq exists to settle."""
    arrays = digits(seed)
    model = fit(network(seed, batch_norm=batch_norm, momentum=momentum), arrays, epochs=1, seed=seed, rate=1e-3)
    expected = ("float-model-undertrained", *(("batch-norm-statistics-stale",) if batch_norm else ()))
    return Planted(
        name=f"one-epoch-float-{'bn' if batch_norm else 'plain'}", model=model, arrays=arrays, expected=expected,
        options={"training": TrainingOptions(epochs=8)},
    )  # fmt: skip


def one_epoch_qat(seed: int, batch_norm: bool) -> Planted:
    """QAT for one epoch, on a float model that is trained out."""
    planted = with_methods(clean(seed, batch_norm), Method.PTQ, Method.QAT, epochs=1)
    return replace(planted, name="one-epoch-qat", expected=("qat-undertrained",))


def learning_rate_times_100(seed: int, batch_norm: bool) -> Planted:
    """A hundred times the default, which is a tenth of what `trained` begins with."""
    planted = with_methods(clean(seed, batch_norm), Method.PTQ, Method.QAT, epochs=3, learning_rate=0.03)
    return replace(planted, name="learning-rate-times-100", expected=("qat-learning-rate-too-high",))


def the_first_question(seed: int, batch_norm: bool = True) -> Planted:
    """One epoch of float, PTQ, one epoch of QAT: what edgeq's first user did."""
    planted = with_methods(one_epoch_float(seed, batch_norm), Method.PTQ, Method.QAT, epochs=1)
    return replace(planted, name="the-first-question")


def with_methods(planted: Planted, *methods: Any, **training: Any) -> Planted:
    """The same with other methods and another training."""
    options = {**planted.options, "methods": methods}
    if training:
        options["training"] = TrainingOptions(**training)
    return replace(planted, options=options)


def regression_data(seed: int, *, train: int = 800, noise: float = 0.05) -> dict[str, NDArray[Any]]:
    """A smooth function of six inputs, with noise."""
    rng = np.random.default_rng(seed)
    parts = {}
    for name, n in (("train", train), ("val", 200), ("test", 500)):
        x = rng.normal(size=(n, 6)).astype(np.float32)
        y = np.sin(x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + 0.3 * x[:, 3] + noise * rng.normal(size=n)
        parts |= {f"x_{name}": x, f"y_{name}": y.astype(np.float32)[:, None]}
    return parts


def regressor(seed: int) -> Any:
    keras = keras3()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6,), name="features"),
            layers.Dense(48, activation="relu", name="first"),
            layers.Dense(48, activation="relu", name="second"),
            layers.Dense(1, name="target"),
        ]
    )


@cache
def trained_regressor(seed: int) -> tuple[Any, Arrays]:
    arrays = regression_data(seed)
    return fit(regressor(seed), arrays, epochs=60, seed=seed, loss="mean_squared_error"), arrays


def clean_regression(seed: int) -> Planted:
    model, arrays = trained_regressor(seed)
    return Planted(name="clean-regression", model=model, arrays=arrays, expected=())


def overfitted_regression(seed: int) -> Planted:
    arrays = regression_data(seed, train=40, noise=0.3)
    model = fit(regressor(seed), arrays, epochs=300, seed=seed, loss="mean_squared_error")
    return Planted(name="overfitted-regression", model=model, arrays=arrays, expected=("float-model-overfits",))


def regression_calibration_not_normalised(seed: int) -> Planted:
    model, arrays = trained_regressor(seed)
    return Planted(
        name="regression-calibration-not-normalised", model=model,
        arrays={**arrays, "x_calib": arrays["x_train"][:200] * np.float32(25) + np.float32(60)},
        expected=("calibration-preprocessing-differs",),
    )  # fmt: skip


def ranges_from(model: Any, samples: NDArray[np.float32]) -> bytes:
    """The int8 .tflite with the ranges that `samples` give, by TensorFlow's converter: what a user does by hand."""
    tf = tensorflow()
    with quiet():
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([row[None]] for row in samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())
