"""Test models: small architectures with seeded weights, and their int8 .tflite files, built once and cached.

`zoo_tflite(name)` needs no TensorFlow in the calling process: what is missing from the cache is built in one child
process for all models together. The cache is `.pytest_cache/zoo/<key>/`; the key covers this file, edgeq's own
conversion code and the versions of TensorFlow, Keras and numpy.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROOT = Path(__file__).resolve().parent.parent
_CODE = (
    Path(__file__).resolve(),
    *(_ROOT / "edgeq" / "quantize" / f"{name}.py" for name in ("calibration", "convert", "ptq")),
    _ROOT / "edgeq" / "model" / "export.py",
)
_BUILD_TIMEOUT = 900.0


@dataclass(frozen=True, kw_only=True)
class ZooModel:
    """One architecture. `build` gets the keras module and returns a model whose weights `_settle` then sets."""

    name: str
    inputs: tuple[tuple[int, ...], ...]
    build: Callable[[Any], Any]
    low: float = 0.0


def _conv_bn(keras: Any, x: Any, filters: int, kernel: Any, stride: int = 1, act: float | None = -1) -> Any:
    """Convolution, batch norm and ReLU; `act` is the ReLU's maximum, −1 for none, None for no activation."""
    layers = keras.layers
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    return _bn_act(keras, x, act)


def _depthwise_bn(keras: Any, x: Any, stride: int = 1, act: float | None = -1) -> Any:
    x = keras.layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
    return _bn_act(keras, x, act)


def _bn_act(keras: Any, x: Any, act: float | None) -> Any:
    x = keras.layers.BatchNormalization()(x)
    return x if act is None else keras.layers.ReLU(max_value=None if act < 0 else act)(x)


def _demo(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((8, 8, 1), name="image")
    x = _conv_bn(keras, image, 8, 3)
    y = _depthwise_bn(keras, x)
    y = _conv_bn(keras, y, 8, 1, act=None)
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.MaxPooling2D(2)(x)
    x = _conv_bn(keras, x, 16, 3)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="digit")(x), name="demo")


def _mobilenet_v1(keras: Any) -> Any:
    """MobileNetV1, width 0.25, 96×96×3, 2 classes: the shape of MLPerf Tiny's visual wake words model."""
    layers = keras.layers
    image = keras.Input((96, 96, 3), name="image")
    x = _conv_bn(keras, image, 8, 3, 2)
    for filters, stride in [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1)]:
        x = _depthwise_bn(keras, x, stride)
        x = _conv_bn(keras, x, filters, 1)
    x = layers.AveragePooling2D(3)(x)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(2, activation="softmax", name="person")(x), name="mobilenet_v1")


def _resnet8(keras: Any) -> Any:
    """ResNet-8, 32×32×3, 10 classes: the shape of MLPerf Tiny's image classification model."""
    layers = keras.layers
    image = keras.Input((32, 32, 3), name="image")
    x = _conv_bn(keras, image, 16, 3)
    for filters, stride in [(16, 1), (32, 2), (64, 2)]:
        y = _conv_bn(keras, x, filters, 3, stride)
        y = _conv_bn(keras, y, filters, 3, act=None)
        if stride != 1:
            x = layers.Conv2D(filters, 1, strides=stride, padding="same")(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.AveragePooling2D(8)(x)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="object")(x), name="resnet8")


def _ds_cnn(keras: Any) -> Any:
    """DS-CNN, 49×10×1, 12 classes: the shape of MLPerf Tiny's keyword spotting model."""
    layers = keras.layers
    mfcc = keras.Input((49, 10, 1), name="mfcc")
    x = _conv_bn(keras, mfcc, 64, (10, 4), 2)
    for _ in range(4):
        x = _depthwise_bn(keras, x)
        x = _conv_bn(keras, x, 64, 1)
    x = layers.AveragePooling2D((25, 5))(x)
    x = layers.Flatten()(x)
    return keras.Model(mfcc, layers.Dense(12, activation="softmax", name="word")(x), name="ds_cnn")


def _autoencoder(keras: Any) -> Any:
    """Dense autoencoder, 640 inputs: the shape of MLPerf Tiny's anomaly detection model."""
    layers = keras.layers
    spectrum = x = keras.Input((640,), name="spectrum")
    for units in [128] * 4 + [8] + [128] * 4:
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(units)(x)))
    return keras.Model(spectrum, layers.Dense(640, name="rebuilt")(x), name="autoencoder")


def _mobilenet_v2(keras: Any) -> Any:
    """Inverted residual blocks with ReLU6 and explicit padding, as in MobileNetV2."""
    layers = keras.layers
    image = keras.Input((24, 24, 3), name="image")
    x = _conv_bn(keras, image, 8, 3, 2, act=6)
    for filters, stride in [(8, 1), (16, 2), (16, 1)]:
        y = _conv_bn(keras, x, 4 * x.shape[-1], 1, act=6)
        if stride == 2:
            y = layers.ZeroPadding2D(1)(y)
            y = layers.DepthwiseConv2D(3, strides=2, padding="valid", use_bias=False)(y)
            y = _bn_act(keras, y, 6)
        else:
            y = _depthwise_bn(keras, y, act=6)
        y = _conv_bn(keras, y, filters, 1, act=None)
        x = layers.Add()([x, y]) if stride == 1 and x.shape[-1] == filters else y
    x = _conv_bn(keras, x, 32, 1, act=6)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(5, activation="softmax", name="kind")(x), name="mobilenet_v2")


def _squeeze_excite(keras: Any) -> Any:
    """Squeeze-and-excite with hard-sigmoid gates, and hard-swish activations, as in MobileNetV3."""
    layers = keras.layers
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Activation("hard_swish")(_conv_bn(keras, image, 16, 3, 2, act=None))
    for _ in range(2):
        y = layers.Activation("hard_swish")(_depthwise_bn(keras, x, act=None))
        gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
        gate = layers.Conv2D(4, 1, activation="relu")(gate)
        gate = layers.Conv2D(16, 1, activation="hard_sigmoid")(gate)
        y = layers.Multiply()([y, gate])
        x = layers.Add()([x, _conv_bn(keras, y, 16, 1, act=None)])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(4, activation="sigmoid", name="labels")(x), name="squeeze_excite")


def _conv1d(keras: Any) -> Any:
    """A stack of one-dimensional convolutions over 3 channels of an accelerometer."""
    layers = keras.layers
    signal = keras.Input((64, 3), name="signal")
    x = layers.Conv1D(8, 5, padding="same", activation="relu")(signal)
    x = layers.MaxPooling1D(2)(x)
    x = layers.Conv1D(12, 3, strides=2, padding="valid", activation="relu")(x)
    x = layers.Conv1D(12, 3, padding="same", dilation_rate=2)(x)
    x = layers.LeakyReLU(negative_slope=0.1)(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(signal, layers.Dense(6, activation="softmax", name="motion")(x), name="conv1d")


def _two_in_two_out(keras: Any) -> Any:
    """An image and a vector in, a class and a box out; the names sort against the order of the arguments."""
    layers = keras.layers
    image = keras.Input((12, 12, 2), name="picture")
    vector = keras.Input((6,), name="extra")
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(image)
    x = layers.Flatten()(x)
    x = layers.Dense(12, activation="relu")(x)
    y = layers.Dense(12, activation="tanh")(vector)
    joined = layers.Concatenate()([x, y, layers.Subtract()([x, y])])
    kind = layers.Dense(4, activation="softmax", name="kind")(joined)
    box = layers.Dense(2, name="box")(joined)
    return keras.Model([image, vector], [kind, box], name="two_in_two_out")


def _activations(keras: Any) -> Any:
    """Every unary activation that the converter has an int8 form of, each after a convolution of its own."""
    layers = keras.layers
    image = x = keras.Input((6, 6, 4), name="image")
    for kind in ("relu", "relu6", "tanh", "sigmoid", "hard_swish", "leaky_relu"):
        y = layers.Conv2D(6, 1)(x)
        y = layers.LeakyReLU(negative_slope=0.2)(y) if kind == "leaky_relu" else layers.Activation(kind)(y)
        x = y if x is image else layers.Add()([x, y])
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.AveragePooling2D(2, strides=1, padding="same")(x)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(3, name="score")(x), name="activations")


def _float_island(keras: Any) -> Any:
    """The converter leaves ELU in float, between DEQUANTIZE and QUANTIZE, in spite of all options."""
    layers = keras.layers
    vector = keras.Input((8,), name="vector")
    x = layers.Dense(4, activation="elu", name="hidden")(vector)
    return keras.Model(vector, layers.Dense(3, name="score")(x), name="float_island")


_MODELS = {
    model.name: model
    for model in (
        ZooModel(name="demo", inputs=((8, 8, 1),), build=_demo),
        ZooModel(name="mobilenet_v1", inputs=((96, 96, 3),), build=_mobilenet_v1),
        ZooModel(name="resnet8", inputs=((32, 32, 3),), build=_resnet8),
        ZooModel(name="ds_cnn", inputs=((49, 10, 1),), build=_ds_cnn, low=-1.0),
        ZooModel(name="autoencoder", inputs=((640,),), build=_autoencoder, low=-1.0),
        ZooModel(name="mobilenet_v2", inputs=((24, 24, 3),), build=_mobilenet_v2, low=-1.0),
        ZooModel(name="squeeze_excite", inputs=((16, 16, 3),), build=_squeeze_excite, low=-1.0),
        ZooModel(name="conv1d", inputs=((64, 3),), build=_conv1d, low=-1.0),
        ZooModel(name="two_in_two_out", inputs=((12, 12, 2), (6,)), build=_two_in_two_out, low=-1.0),
        ZooModel(name="activations", inputs=((6, 6, 4),), build=_activations, low=-1.0),
        ZooModel(name="float_island", inputs=((8,),), build=_float_island, low=-1.0),
    )
}
NOT_FULL_INTEGER = ("float_island",)
ZOO = tuple(name for name in _MODELS if name not in NOT_FULL_INTEGER)


def zoo_inputs(name: str, n: int, seed: int = 0) -> tuple[NDArray[np.float32], ...]:
    """`n` float samples per input, shape (n, *shape), from `low` to 1: a coarse random pattern plus fine noise."""
    model = _MODELS[name]
    rng = np.random.default_rng([seed, len(name), n])
    arrays = []
    for shape in model.inputs:
        coarse = rng.random((n, *(-(-size // 4) for size in shape[:-1]), shape[-1]))
        for axis, size in enumerate(shape[:-1], start=1):
            coarse = np.repeat(coarse, 4, axis=axis).take(range(size), axis=axis)
        mixed = 0.75 * coarse + 0.25 * rng.random((n, *shape))
        arrays.append((model.low + (1.0 - model.low) * mixed).astype(np.float32))
    return tuple(arrays)


def zoo_keras(name: str) -> Any:
    """The float Keras 3 model with its seeded weights. Imports TensorFlow."""
    from edgeq.model.runtime import keras3

    keras = keras3()
    keras.backend.clear_session()
    keras.utils.set_random_seed(20 + list(_MODELS).index(name))
    model = _MODELS[name].build(keras)
    _settle(keras, model, zoo_inputs(name, 64, seed=1))
    return model


def _settle(keras: Any, model: Any, samples: tuple[NDArray[np.float32], ...]) -> None:
    """Biases and batch-norm parameters away from 0 and 1, and batch-norm statistics of the model's own activations."""
    rng = np.random.default_rng(7)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in model.layers:
        for weight in layer.trainable_weights:
            if weight.name in {"bias", "beta"}:
                weight.assign(rng.normal(0.0, 0.3, weight.shape))
            elif weight.name == "gamma":
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(samples[0] if len(samples) == 1 else list(samples), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    _spread(keras, model, samples)


def _spread(keras: Any, model: Any, samples: tuple[NDArray[np.float32], ...]) -> None:
    """Make the answer of a softmax depend on the sample: logits with mean 0 and standard deviation 2 over samples."""
    for name in model.output_names:
        layer = model.get_layer(name)
        if layer.activation is not keras.activations.softmax:
            continue
        features = keras.Model(model.inputs, layer.input)
        values = np.asarray(features(samples[0] if len(samples) == 1 else list(samples), training=False))
        kernel, bias = (np.asarray(w) for w in layer.get_weights())
        kernel = kernel * (2.0 / (values @ kernel).std(axis=0))
        layer.set_weights([kernel, 0.3 * bias - (values @ kernel).mean(axis=0)])


def zoo_tflite(name: str) -> bytes:
    """The int8 .tflite of a model in the zoo, from the cache; the very first call builds all in one child process."""
    if name not in _MODELS:
        raise KeyError(f"no model {name!r} in the zoo: {', '.join(_MODELS)}")
    folder = _ROOT / ".pytest_cache" / "zoo" / _key()
    path = folder / f"{name}.tflite"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one test worker builds, the others wait here
            missing = [n for n in _MODELS if not (folder / f"{n}.tflite").exists()]
            if missing:
                from edgeq import process

                env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])}
                argv = [sys.executable, __file__, str(folder), *missing]
                process.run(argv, timeout=_BUILD_TIMEOUT, what="building the test models", env=env)
    return path.read_bytes()


@cache
def _key() -> str:
    digest = hashlib.sha256()
    for path in _CODE:
        digest.update(path.read_bytes())
    for package in ("tensorflow", "keras", "numpy"):
        digest.update(f"{package} {version(package)}".encode())
    return digest.hexdigest()[:16]


def _main(argv: list[str]) -> None:
    """Child process: write the .tflite of each named model into a folder, each in one step."""
    from edgeq.model.load import from_keras
    from edgeq.quantize.options import QuantizeOptions
    from edgeq.quantize.ptq import ptq
    from edgeq.records import Dataset, Split

    folder = Path(argv[0])
    for name in argv[1:]:
        dataset = Dataset(
            source=f"zoo {name}",
            sha256="",
            test=Split(x=zoo_inputs(name, 8, seed=3)),
            calibration=Split(x=zoo_inputs(name, 32, seed=2)),
        )
        model = from_keras(zoo_keras(name), path=Path(f"{name}.keras"))
        content = ptq(model, dataset, QuantizeOptions(calibration_samples=32)).content
        unfinished = folder / f"{name}.tmp"
        unfinished.write_bytes(content)
        unfinished.replace(folder / f"{name}.tflite")


if __name__ == "__main__":
    _main(sys.argv[1:])
