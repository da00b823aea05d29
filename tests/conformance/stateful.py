"""Random models that remember: the samples are one sequence."""

from __future__ import annotations

import numpy as np
from conformance.draw import Rng, chance, near, pick, samples, scale_of, small, zero_of
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

Case = tuple[bytes, list[NDArray[np.int8]]]


def sequence(rng: Rng, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """Samples in any order, several of each kind."""
    return rng.permutation(np.concatenate([samples(rng, shape) for _ in range(3)]))


def svdf(rng: Rng) -> Case:
    """SVDF; TFLM takes a bias that is there only (docs/exceptions.md)."""
    batches, depth, units, rank = pick(rng, 1, 1, 2), small(rng, 1, 20), small(rng, 1, 6), small(rng, 1, 3)
    memory, filters = small(rng, 1, 6), units * rank
    wide = chance(rng, 0.6)
    x_scale, feature_scale, time_scale = scale_of(rng), scale_of(rng, -12, -4), scale_of(rng, -12, -4)
    inner = x_scale * feature_scale
    reach = 2.0 ** rng.uniform(*pick(rng, (-1, 2), (-1, 2), (-8, 10)))
    state_scale = near(rng, inner * 4000 * depth**0.5 / (100 if not wide else 8000) * reach, inner)
    y_unit = state_scale * time_scale
    spread = (100 * 60 if not wide else 8000 * 8000) * (memory * rank) ** 0.5 / 100
    y_scale = near(rng, y_unit * spread * 2.0 ** rng.uniform(*pick(rng, (-2, 2), (-8, 10))), y_unit)
    kind = "int16" if wide else "int8"
    model = ModelBuilder()
    shape = (batches, depth)
    x = model.tensor("x", shape, scale=x_scale, zero_point=zero_of(rng))
    weights = rng.integers(-127, 128, (filters, depth)).astype(np.int8)
    f = model.tensor("features", weights.shape, data=weights, scale=feature_scale)
    # Mostly small time weights, so that sums of int16 products fit an int32, as calibrated ones do.
    most = pick(rng, 127, 1000, 1000, 1000, 1000, 32767) if wide else 127
    weights = rng.integers(-most, most + 1, (filters, memory)).astype(kind)
    t = model.tensor("times", weights.shape, kind, data=weights, scale=time_scale)
    bias = rng.integers(-(1 << 16), 1 << 16, units).astype(np.int32)
    b = model.tensor(
        "bias", (units,), "int32", data=bias, scale=float(np.float32(state_scale) * np.float32(time_scale))
    )
    zero = 0 if wide else pick(rng, 0, 0, 0, zero_of(rng))
    state_shape = (batches, filters * memory)
    state = model.tensor("state", state_shape, kind, scale=state_scale, zero_point=zero, variable=True)
    y = model.tensor("y", (batches, units), scale=y_scale, zero_point=zero_of(rng))
    model.op("SVDF", [x, f, t, b, state], [y], rank=rank)
    return model.finish([x], [y]), [sequence(rng, shape)]


def variables(rng: Rng) -> Case:
    """READ_VARIABLE and ASSIGN_VARIABLE around other ops: a window over the last inputs, or a running sum."""
    model = ModelBuilder()
    channels, steps = small(rng, 1, 5), small(rng, 2, 5)
    quantization = {"scale": scale_of(rng, -7, -2), "zero_point": zero_of(rng)}
    x = model.tensor("x", (1, 1, channels), **quantization)
    running = chance(rng, 0.4)
    shape = (1, 1, channels) if running else (1, steps, channels)
    state = quantization
    if running and chance(rng, 0.15):
        state = {"scale": near(rng, quantization["scale"], 1.0), "zero_point": zero_of(rng)}
    first = rng.integers(-128, 128, shape).astype(np.int8) if chance(rng, 0.6) else None
    if first is not None:
        model.call_once({"memory": (first, state)})
    handle = model.variable("memory")
    old = model.tensor("old", shape, **state)
    model.op("READ_VARIABLE", [handle], [old])
    if running:
        new = model.tensor("new", shape, **state)
        model.op("ADD" if state != quantization else pick(rng, "MAXIMUM", "MINIMUM"), [x, old], [new])
    else:
        begin, size = (
            model.tensor(n, (3,), "int32", data=np.array(v, np.int32))
            for n, v in (("begin", [0, 1, 0]), ("size", [1, steps - 1, channels]))
        )
        rest = model.tensor("rest", (1, steps - 1, channels), **quantization)
        model.op("SLICE", [old, begin, size], [rest])
        new = model.tensor("new", shape, **quantization)
        model.op("CONCATENATION", [rest, x], [new], axis=1)
    again = model.variable("memory") if chance(rng, 0.5) else handle
    model.op("ASSIGN_VARIABLE", [again, new], [])
    outputs = [new]
    if chance(rng, 0.5):
        y = model.tensor("y", shape, **state)
        model.op("READ_VARIABLE", [model.variable("memory")], [y])
        outputs = [y, old]
    return model.finish([x], outputs), [sequence(rng, (1, 1, channels))]


def lstm(rng: Rng) -> Case:
    """UNIDIRECTIONAL_SEQUENCE_LSTM; weights mostly so that the gates are not all open or closed."""
    batches, steps, depth, units = pick(rng, 1, 1, 2), small(rng, 1, 4), small(rng, 1, 8), small(rng, 1, 8)
    time_major = chance(rng, 0.3)
    order = (steps, batches) if time_major else (batches, steps)
    x_scale, h_scale = scale_of(rng, -8, -2), pick(rng, 1 / 128, 1 / 127, scale_of(rng, -8, -6))
    wild = chance(rng, 0.2)
    model = ModelBuilder()
    x = model.tensor("x", (*order, depth), scale=x_scale, zero_point=zero_of(rng))

    def weights(name: str, columns: int, scale: float, size: float) -> tuple[int, float]:
        w_scale = size / (60 * scale * 70 * columns**0.5) * 2.0 ** rng.uniform(*((-3, 5) if wild else (-2, 0.5)))
        w_scale = near(rng, w_scale, 2.0**-12 / scale)
        data = rng.integers(-127, 128, (units, columns)).astype(np.int8)
        return model.tensor(name, data.shape, data=data, scale=w_scale), w_scale

    given = [weights(f"w{i}", depth, x_scale, 2.0) for i in range(4)]
    kept = [weights(f"r{i}", units, h_scale, 0.7) for i in range(4)]
    biases = [
        model.tensor(f"b{i}", (units,), "int32", data=rng.integers(-4000, 4000, units), scale=x_scale * w_scale)
        for i, (_, w_scale) in enumerate(given)
    ]
    quantization = {"scale": h_scale, "zero_point": pick(rng, 0, 0, small(rng, -20, 20))}
    hidden = model.tensor("hidden", (batches, units), variable=True, **quantization)
    power = pick(rng, -11, -12, -10, -15, -13)
    cell = model.tensor("cell", (batches, units), "int16", scale=2.0**power, variable=True)
    y = model.tensor("y", (*order, units), **quantization)
    states = [-1, -1, -1, *biases, -1, -1, hidden, cell, -1, -1, -1, -1]
    inputs = [x, *(i for i, _ in given), *(i for i, _ in kept), *states]
    clip = pick(rng, 0.0, 0.0, 10.0, 1.5)
    options = {"fused_activation_function": "TANH", "cell_clip": clip, "time_major": time_major}
    model.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], **options)
    return model.finish([x], [y]), [sequence(rng, (*order, depth))]


FAMILIES = {
    "lstm": lstm,
    "variables": variables,
    "svdf": svdf,
}
