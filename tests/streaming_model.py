"""A streaming model: resource variables with first values, SVDF, an LSTM, and many other ops of what they remember."""

from __future__ import annotations

from typing import Any

import numpy as np
from tflite_builder import ModelBuilder


def streaming(*, lstm: bool = True) -> bytes:
    """The last four inputs, of which the oldest ones are given, a dense layer over them, and other memories."""
    rng = np.random.default_rng(5)
    quantization = {"scale": 0.05, "zero_point": -4}
    model = ModelBuilder()
    model.call_once({"window": (rng.integers(-128, 128, (1, 4, 6)).astype(np.int8), quantization)})
    x = model.tensor("x", (1, 1, 6), **quantization)
    handle = model.variable("window")
    old, new = (model.tensor(name, (1, 4, 6), **quantization) for name in ("old", "new"))
    rest = model.tensor("rest", (1, 3, 6), **quantization)
    begin, size = (
        model.tensor(name, (3,), "int32", data=np.array(values, np.int32))
        for name, values in (("begin", [0, 1, 0]), ("size", [1, 3, 6]))
    )
    model.op("READ_VARIABLE", [handle], [old])
    model.op("SLICE", [old, begin, size], [rest])
    model.op("CONCATENATION", [rest, x], [new], axis=1)
    model.op("ASSIGN_VARIABLE", [handle, new], [])
    flat = model.tensor("flat", (1, 24), **quantization)
    shape = model.tensor("shape", (2,), "int32", data=np.array([1, 24], np.int32))
    model.op("RESHAPE", [new, shape], [flat])
    w = model.tensor("w", (3, 24), data=rng.integers(-127, 128, (3, 24)).astype(np.int8), scale=0.01)
    y = model.tensor("y", (1, 3), scale=0.1)
    model.op("FULLY_CONNECTED", [flat, w, -1], [y])
    return model.finish([x], [y, *_others(model, rng, new, quantization, lstm)])


def _others(
    model: ModelBuilder, rng: np.random.Generator, x: int, quantization: dict[str, Any], lstm: bool
) -> list[int]:
    """More ops of the window (1, 4, 6), each an output: all kinds of kernels run on the core."""
    outputs: list[int] = []

    def op(name: str, shape: tuple[int, ...], *inputs: int, result: Any = None, **options: Any) -> int:
        outputs.append(model.tensor(name.lower(), shape, **(result or quantization)))
        model.op(name, [x, *inputs], outputs[-1:], **options)
        return outputs[-1]

    def integers(*values: int) -> int:
        name = f"c{len(model.graph.tensors)}"
        return model.tensor(name, (len(values),), "int32", data=np.array(values, np.int32))

    def weights(*shape: int) -> int:
        data = rng.integers(-127, 128, shape).astype(np.int8)
        return model.tensor(f"w{len(model.graph.tensors)}", shape, data=data, scale=0.01)

    op("TRANSPOSE", (6, 1, 4), integers(2, 0, 1))
    op("PRELU", (1, 4, 6), weights(6))
    op("MAXIMUM", (1, 4, 6), model.tensor("zero", (1,), data=np.array([-4], np.int8), **quantization))
    op("L2_NORMALIZATION", (1, 4, 6), result={"scale": 1 / 128})
    op("BATCH_MATMUL", (1, 4, 4), x, result={"scale": 0.5}, adj_y=True)
    op("REDUCE_MAX", (1, 6), integers(1))
    op("ARG_MAX", (1, 4), integers(2), result={"dtype": "int32"}, output_type="INT32")
    image = model.tensor("image", (1, 4, 6, 1), **quantization)
    model.op("RESHAPE", [x, integers(1, 4, 6, 1)], [image])
    x = image
    op("RESIZE_BILINEAR", (1, 7, 9, 1), integers(7, 9), half_pixel_centers=True)
    op("RESIZE_NEAREST_NEIGHBOR", (1, 8, 12, 1), integers(8, 12))
    target = model.tensor("transposed", (1, 8, 12, 3), scale=0.1)
    model.op(
        "TRANSPOSE_CONV", [integers(1, 8, 12, 3), weights(3, 3, 3, 1), image], [target], padding="SAME", stride_h=2,
        stride_w=2,
    )  # fmt: skip
    memories = [_svdf(model, rng, x, quantization)] + ([_lstm(model, x, weights, quantization)] if lstm else [])
    return [*outputs, target, *memories]


def _svdf(model: ModelBuilder, rng: np.random.Generator, image: int, quantization: dict[str, Any]) -> int:
    row = model.tensor("row", (1, 24), **quantization)
    model.op("RESHAPE", [image], [row], new_shape=(1, 24))
    features = model.tensor("features", (4, 24), data=rng.integers(-127, 128, (4, 24)), scale=0.01)
    times = model.tensor("times", (4, 3), "int16", data=rng.integers(-999, 1000, (4, 3)), scale=0.001)
    bias = model.tensor("bias", (2,), "int32", data=np.array([500, -500], np.int32), scale=1e-6)
    state = model.tensor("memory", (1, 12), "int16", scale=0.001, variable=True)
    y = model.tensor("svdf", (1, 2), scale=0.05)
    model.op("SVDF", [row, features, times, bias, state], [y], rank=2)
    return y


def _lstm(model: ModelBuilder, image: int, weights: Any, quantization: dict[str, Any]) -> int:
    sequence = model.tensor("sequence", (1, 4, 6), **quantization)
    model.op("RESHAPE", [image], [sequence], new_shape=(1, 4, 6))
    given, kept = [weights(3, 6) for _ in range(4)], [weights(3, 3) for _ in range(4)]
    bias = model.tensor("gates", (3,), "int32", data=np.array([99, -99, 0], np.int32), scale=0.0005)
    hidden = model.tensor("hidden", (1, 3), scale=1 / 128, variable=True)
    cell = model.tensor("cell", (1, 3), "int16", scale=2.0**-11, variable=True)
    y = model.tensor("lstm", (1, 4, 3), scale=1 / 128)
    states = [*[-1] * 3, *[bias] * 4, -1, -1, hidden, cell, *[-1] * 4]
    inputs = [sequence, *given, *kept, *states]
    model.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], fused_activation_function="TANH")
    return y
