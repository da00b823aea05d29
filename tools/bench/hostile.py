#!/usr/bin/env python3
"""Accuracy of every quantization method on digits models that are hard to quantize.

    python tools/bench/hostile.py [--seeds 5] [--epochs 3 --epochs 10] [--method ptq --method auto …] [--json out.json]

The float model is the demo's CNN, trained for --float-epochs on scikit-learn's digits. Variants:

- hostile-S: half of the last convolution's channels are scaled by S and the next layer's weights by 1/S. The float
  model computes the same, and equalization can undo it.
- residual-S: one channel of a residual branch is scaled by S before the addition; the other summand is not.
- hardswish-S: one channel is scaled by S before a hard-swish, where no exact rescaling exists.

In the last two, what follows is trained for three epochs more, so that the float model is good again: it is the
baseline of its variant. Accuracy is that of the 500 test samples, int8 models through TensorFlow Lite Micro. Methods
that train do it for --epochs each, without early stopping.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.data import load_dataset
from edgeq.digits import make_demo
from edgeq.errors import EdgeqError
from edgeq.host import content_for
from edgeq.model.load import from_keras
from edgeq.model.quantization import quantize_input
from edgeq.model.runtime import keras3, quiet
from edgeq.quantize import QuantizeOptions, quantize
from edgeq.records import Dataset, FloatModel, Method, RangeEstimator, Reference
from edgeq.reference import run_reference
from edgeq.reference.float_model import float_outputs
from edgeq.training import RangesInTraining, TrainingOptions

FINE_TUNE_EPOCHS = 3

RECIPES: dict[str, dict[str, Any]] = {
    "ptq": {},
    "ptq-percentile": {"ranges": RangeEstimator.PERCENTILE},
    "ptq-mse": {"ranges": RangeEstimator.MSE},
    "ptq-bias": {"bias_correction": True},
    "ptq-equalize": {"equalize": True},
    "ptq-equalize-bias": {"equalize": True, "bias_correction": True},
}
QAT_LEARNED = "qat-learned"
"""edgeq's own QAT with ranges that are trained with the weights."""

WITHOUT_TRAINING = {*RECIPES, Method.AUTO.value, Method.INT16X8.value}
METHODS = [*RECIPES, *(m.value for m in Method if m is not Method.PTQ), QAT_LEARNED]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model by one method; `epochs` is None for methods that do not train, `error` why there is no accuracy."""

    variant: str
    seed: int
    method: str
    epochs: int | None
    float_accuracy: float
    accuracy: float | None
    seconds: float
    note: str
    error: str | None = None


def copied(model: Any, activation: str | None = None) -> Any:
    """A copy with the same weights; with another activation in place of the last ReLU if one is named."""
    keras = keras3()

    def copy(layer: Any) -> Any:
        if activation is not None and layer.name == "down_relu":
            return keras.layers.Activation(activation, name=layer.name)
        return type(layer).from_config(layer.get_config())

    made = keras.models.clone_model(model, clone_function=copy)
    made.set_weights(model.get_weights())
    return made


def scale_channels(model: Any, norm: str, reader: str, channels: slice, scale: float) -> None:
    """Scale channels that a batch norm makes, and the weights of the layer that reads them by the inverse."""
    gamma, beta, *moments = model.get_layer(norm).get_weights()
    factors = np.ones(len(gamma), np.float32)
    factors[channels] = scale
    model.get_layer(norm).set_weights([gamma * factors, beta * factors, *moments])
    kernel, *bias = model.get_layer(reader).get_weights()
    tiled = np.tile(factors, kernel.shape[-2] // len(factors))  # a dense layer reads a flattened map
    model.get_layer(reader).set_weights([kernel / tiled[:, None], *bias])


def fine_tune(model: Any, data: Dataset, after: str, seed: int) -> None:
    """Train the layers behind `after`; those up to it keep what was planted."""
    keras, train = keras3(), data.train
    assert train is not None
    keras.utils.set_random_seed(seed)
    first = [layer.name for layer in model.layers].index(after) + 1
    for i, layer in enumerate(model.layers):
        layer.trainable = i >= first
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    with quiet():
        model.fit(train.x[0], train.y, epochs=FINE_TUNE_EPOCHS, batch_size=32, verbose=0)
    for layer in model.layers:
        layer.trainable = True


def variants(base: Any, data: Dataset, scales: list[float], outlier: float, seed: int) -> Iterator[tuple[str, Any]]:
    """Names and models."""
    half = slice(base.get_layer("down_bn").gamma.shape[0] // 2)
    for scale in scales:
        made = copied(base)
        scale_channels(made, "down_bn", "digit", half, scale)
        yield f"hostile-{scale:g}", made
    if outlier == 0:
        return
    keras3().utils.set_random_seed(seed)  # what dropout drops is decided when its layer is made
    made = copied(base)
    scale_channels(made, "pointwise_bn", "down", slice(1), outlier)
    fine_tune(made, data, "pointwise_bn", seed)
    yield f"residual-{outlier:g}", made
    keras3().utils.set_random_seed(seed)
    made = copied(base, "hard_silu")
    scale_channels(made, "down_bn", "digit", slice(1), outlier)
    fine_tune(made, data, "down_bn", seed)
    yield f"hardswish-{outlier:g}", made


def share_right(outputs: np.ndarray, data: Dataset) -> float:
    return float(np.mean(outputs.argmax(axis=1) == data.test.y))


def run(
    model: FloatModel, data: Dataset, name: str, epochs: int | None, rate: float | None, seed: int
) -> tuple[float, str]:
    """The int8 (or 16x8) model's accuracy by TensorFlow Lite Micro, and what the method says about itself."""
    ranges = RangesInTraining.LEARNED if name == QAT_LEARNED else None
    training = TrainingOptions(epochs=epochs or 1, learning_rate=rate, patience=0, ranges_in_training=ranges)
    recipe = RECIPES.get(name)
    method = Method.PTQ if recipe is not None else Method.QAT if name == QAT_LEARNED else Method(name)
    made = quantize(model, data, QuantizeOptions(method=method, seed=seed, training=training, **(recipe or {})))
    inputs = [quantize_input(x, t) for x, t in zip(data.test.x, made.graph.input_tensors, strict=True)]
    content = content_for(made, Reference.TFLM)
    return share_right(run_reference(content, inputs, Reference.TFLM).outputs[0], data), made.recipe or ""


def measure(options: argparse.Namespace) -> Iterator[Row]:
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            path, arrays = make_demo(Path(folder), seed=seed, epochs=options.float_epochs)
            base = keras3().saving.load_model(path)
            data = load_dataset(str(arrays))
            for variant, handle in variants(base, data, options.scales, options.outlier, seed):
                model = from_keras(handle, path=Path(f"{variant}.keras"))
                baseline = share_right(float_outputs(model, data.test.x)[0], data)
                for name in options.methods:
                    for epochs in [None] if name in WITHOUT_TRAINING else options.epochs:
                        began, accuracy, note, error = time.monotonic(), None, "", None
                        try:
                            accuracy, note = run(model, data, name, epochs, options.learning_rate, seed)
                        except EdgeqError as exc:
                            error = exc.message
                        yield Row(
                            variant=variant, seed=seed, method=name, epochs=epochs, float_accuracy=baseline,
                            accuracy=accuracy, seconds=round(time.monotonic() - began, 2), note=note, error=error,
                        )  # fmt: skip


def table(rows: list[Row]) -> str:
    """Means over the seeds: variants down, methods across."""
    columns = list(dict.fromkeys((r.method, r.epochs) for r in rows))
    titles = ["float", *(f"{name} {epochs}" if epochs else name for name, epochs in columns)]
    lines = ["| variant | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for variant in dict.fromkeys(r.variant for r in rows):
        mine = [r for r in rows if r.variant == variant]
        cells = [f"{statistics.mean({r.seed: r.float_accuracy for r in mine}.values()):.3f}"]
        for column in columns:
            found = [r.accuracy for r in mine if (r.method, r.epochs) == column and r.accuracy is not None]
            cells.append(f"{statistics.mean(found):.3f}" if found else "–")
        lines.append(f"| {variant} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--seeds", type=int, default=5, help="models per variant (default: 5)")
    add("--epochs", type=int, action="append", help="of methods that train; may be repeated (default: 3 and 10)")
    add("--float-epochs", type=int, default=30, help="of the float model (default: 30)")
    add("--learning-rate", type=float, help="of methods that train (default: edgeq's own)")
    add("--scale", dest="scales", type=float, action="append", help="S of hostile-S (default: 1, 100 and 400)")
    add("--outlier", type=float, default=100, help="S of residual-S and hardswish-S; 0 leaves them out (default: 100)")
    add("--method", dest="methods", choices=METHODS, action="append", help="may be repeated (default: all)")
    add("--json", type=Path, help="write all rows to this file")
    options = parser.parse_args()
    options.epochs = options.epochs or [3, 10]
    options.scales = options.scales or [1, 100, 400]
    options.methods = options.methods or METHODS
    rows: list[Row] = []
    for row in measure(options):
        rows.append(row)
        shown = f"{row.accuracy:.3f}" if row.accuracy is not None else row.error
        epochs = f" {row.epochs} epochs" if row.epochs else ""
        print(
            f"seed {row.seed}  {row.variant:14} {row.method}{epochs}: float {row.float_accuracy:.3f}, {shown}  "
            f"({row.seconds:.1f} s) {row.note}",
            file=sys.stderr,
            flush=True,
        )
        if options.json is not None:
            options.json.write_text(json.dumps([asdict(r) for r in rows], indent=2) + "\n")
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
