#!/usr/bin/env python3
"""Accuracy of PTQ, of tfmot's QAT and of edgeq's on models with channels that are much larger than others.

    python tools/bench/qat_outliers.py [--seeds 5] [--epochs 3,10] [--models scaled-1,scaled-100,…] [--json FILE]

The models are trained on scikit-learn's digits (the split is one and the same, the weights' seed is not), then made
hard for int8 without changing what they compute, or nearly:

- scaled-S: half of the channels of the last convolution S times as large, and read 1/S as much. Equalization undoes it.
- swish-S: one channel before a hard-swish S times as large; the models are trained a little further. Not undone by
  equalization, because hard-swish is not homogeneous.
- residual-S: one channel of a convolution that is added to another value, likewise.

Every int8 model runs in TFLite Micro's kernels on 500 test samples. Training methods get 1e-3, 32 samples a step, and
the same batches.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.data import load_dataset
from edgeq.digits import make_demo
from edgeq.errors import EdgeqError
from edgeq.model.load import from_keras
from edgeq.model.quantization import quantize_input
from edgeq.model.runtime import keras3, quiet
from edgeq.quantize import QuantizeOptions, quantize
from edgeq.records import Dataset, FloatModel, Method, Quantized
from edgeq.reference import primary, run_reference
from edgeq.reference.float_model import float_outputs
from edgeq.training import TrainingOptions
from edgeq.training.plan import plan_training
from edgeq.training.train import train

MODELS = ("scaled-1", "scaled-100", "scaled-400", "swish-50", "swish-400", "residual-50", "residual-400")
RATE = 1e-3
TRAINED = (Method.QAT_TFMOT, Method.QAT)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", default="3,10")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--methods", default=",".join(m.value for m in TRAINED))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    methods = [Method(name) for name in options.methods.split(",")]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        for seed in range(options.seeds):
            _, path = make_demo(Path(folder, str(seed)), seed=0, epochs=1)
            data = load_dataset(str(path))
            for name in options.models.split(","):
                for row in measured(name, seed, data, [int(e) for e in options.epochs.split(",")], methods):
                    rows.append(row)
                    print(json.dumps(row), flush=True)
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def measured(name: str, seed: int, data: Dataset, epochs: list[int], methods: list[Method]) -> Iterator[dict[str, Any]]:
    """One row per method and number of epochs."""
    model = made(name, seed, data)
    (answers,) = float_outputs(model, data.test.x)
    base = {"model": name, "seed": seed}
    yield {**base, "method": "float", "epochs": 0, "accuracy": share(answers, data)}
    for label, equalized in (("ptq", False), ("ptq equalized", True)):
        yield {**base, "method": label, "epochs": 0, **scored(model, data, QuantizeOptions(equalize=equalized))}
    for count in epochs:
        for method in methods:
            training = TrainingOptions(epochs=count, learning_rate=RATE, patience=0)
            options = QuantizeOptions(method=method, seed=seed, training=training)
            yield {**base, "method": method.value, "epochs": count, **scored(model, data, options)}


def scored(model: FloatModel, data: Dataset, options: QuantizeOptions) -> dict[str, Any]:
    try:
        made = quantize(model, data, options)
    except EdgeqError as exc:
        return {"accuracy": None, "error": exc.message}
    return {"accuracy": share(int8_answers(made, data), data), "agreement": made.agreement}


def int8_answers(made: Quantized, data: Dataset) -> Any:
    inputs = [quantize_input(a, t) for a, t in zip(data.test.x, made.graph.input_tensors, strict=True)]
    return run_reference(made.content, inputs, primary()[0]).outputs[0]


def share(answers: Any, data: Dataset) -> float:
    return float(np.mean(answers.argmax(axis=1) == data.test.y))


def made(name: str, seed: int, data: Dataset) -> FloatModel:
    """A trained model with outlier channels."""
    kind, _, factor = name.partition("-")
    keras = keras3()
    keras.utils.set_random_seed(seed)
    with quiet():
        model = {"scaled": scaled, "swish": swish, "residual": residual}[kind](keras)
        fit(model, data, 4e-3, 25, seed)
        fit(model, data, 4e-4, 5, seed)
        norm, last = model.get_layer("norm"), model.get_layer("digit")
        gamma, beta, *statistics = norm.get_weights()
        chosen = np.arange(len(gamma)) % 2 == 0 if kind == "scaled" else np.arange(len(gamma)) == 1
        scale = np.where(chosen, float(factor), 1.0).astype(np.float32)
        norm.set_weights([gamma * scale, beta * scale, *statistics])
        kernel, bias = last.get_weights()
        last.set_weights([kernel / scale[:, None], bias])
        if kind != "scaled":
            fit(model, data, 1e-4, 4, seed)
    return from_keras(model, path=Path(f"{name}.keras"))


def fit(model: Any, data: Dataset, rate: float, epochs: int, seed: int) -> None:
    train(
        model,
        plan_training(
            from_keras(model, path=Path("model.keras")),
            data,
            TrainingOptions(epochs=epochs, learning_rate=rate, patience=0),
            seed,
        ),
    )


def scaled(keras: Any) -> Any:
    """Convolution, a depthwise-separable residual block, a strided convolution, pooling and a softmax."""
    layers = keras.layers
    image = keras.Input((8, 8, 1), name="image")
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(convolution(layers, 12)(image)))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(y))
    y = layers.BatchNormalization(momentum=0.9)(layers.Conv2D(12, 1, use_bias=False)(y))
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9, name="norm")(convolution(layers, 16, 2)(x)))
    return keras.Model(image, head(layers, x))


def swish(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((8, 8, 1), name="image")
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(convolution(layers, 12)(image)))
    x = layers.BatchNormalization(momentum=0.9, name="norm")(convolution(layers, 16, 2)(x))
    return keras.Model(image, head(layers, layers.Activation("hard_swish")(x)))


def residual(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((8, 8, 1), name="image")
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(convolution(layers, 12)(image)))
    y = layers.BatchNormalization(momentum=0.9, name="norm")(convolution(layers, 12)(x))
    return keras.Model(image, head(layers, layers.ReLU()(layers.Add()([x, y]))))


def convolution(layers: Any, filters: int, stride: int = 1) -> Any:
    return layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)


def head(layers: Any, x: Any) -> Any:
    x = layers.GlobalAveragePooling2D()(layers.MaxPooling2D(2)(x))
    return layers.Dense(10, activation="softmax", name="digit")(x)


def table(rows: list[dict[str, Any]]) -> str:
    """Means over the seeds; in brackets the seeds' own figures."""
    lines = ["| model | method | epochs | mean | seeds | least agreement |", "|---|---|---|---|---|---|"]
    keys = dict.fromkeys((row["model"], row["method"], row["epochs"]) for row in rows)
    for model, method, epochs in keys:
        chosen = [row for row in rows if (row["model"], row["method"], row["epochs"]) == (model, method, epochs)]
        found = [row["accuracy"] for row in chosen if row["accuracy"] is not None]
        agreements = [row["agreement"] for row in chosen if row.get("agreement") is not None]
        mean = f"{np.mean(found):.3f}" if found else "–"
        each = " ".join("–" if row["accuracy"] is None else f"{row['accuracy']:.3f}" for row in chosen)
        least = f"{min(agreements):.3f}" if agreements else ""
        lines.append(f"| {model} | {method} | {epochs or ''} | {mean} | {each} | {least} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
