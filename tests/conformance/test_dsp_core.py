"""The kernels for the DSP extension on a Cortex-M4: the instructions themselves, under both compilers.

Everywhere else in this suite, the host computes them in C (edgeq/dsp.h).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conformance.cases import samples
from conformance.draw import Rng
from conformance.native import nth_candidates
from conformance.on_core import BOARD, differing
from conformance.settings import SEED
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.lower import lower
from edgeq.model.flatbuffer import parse_tflite
from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_OPS = 30
_SAMPLES = 6


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_bits_on_the_core(toolchain: str, tflm: ReferenceWorker, tmp_path: Path) -> None:
    rng = np.random.default_rng([SEED, 4])
    content, inputs = _many_ops(rng)
    graph = parse_tflite(content)
    with nth_candidates(SEED):
        program = lower(graph, features=BOARD.features)
    plain = [f"{call.label}: {call.variant}" for call in program.calls if not call.variant.startswith("dsp")]
    assert not plain
    reference = tflm.run(content, [inputs])
    differ = differing(program, graph, content, [inputs], reference, toolchain=toolchain, folder=tmp_path)
    for call, count in zip(program.calls, differ, strict=True):
        assert not count, f"seed {SEED}, {call.label}: {count} differ"


def _many_ops(rng: Rng) -> tuple[bytes, NDArray[np.int8]]:
    """One input, and many convolutions of all kinds of it, each an output of its own."""
    model = ModelBuilder()
    shape = (1, int(rng.integers(5, 9)), int(rng.integers(5, 9)), int(rng.integers(4, 33)))
    zero = int(rng.integers(-128, 128))
    x = model.tensor("x", shape, scale=0.05, zero_point=zero)
    outputs = []
    for i in range(_OPS):
        depthwise = i % 3 == 2
        height, width = (int(n) for n in rng.choice((1, 2, 3, 4, 5, 7), 2)) if i % 2 else (3, 3)
        stride = int(rng.integers(1, 3)) if i % 4 else 1
        multiplier = 1 + i % 2 if depthwise else 1
        filters = (
            shape[3] * multiplier if depthwise else int(rng.integers(1, 20)) if i % 2 else 4 * int(rng.integers(1, 6))
        )
        form = (1, height, width, filters) if depthwise else (filters, height, width, shape[3])
        # -128 has no room beside another weight.
        weights = rng.integers(-128 if i % 6 == 1 else -127, 128, form).astype(np.int8)
        scales = [float(s) for s in rng.uniform(0.001, 0.02, filters)]
        taps = height * width * (1 if depthwise else shape[3])
        w = model.tensor(f"w{i}", form, data=weights, scale=scales, axis=3 if depthwise else 0)
        bias = rng.integers(-500 * taps, 500 * taps + 1, filters).astype(np.int32)
        b = model.tensor(f"b{i}", (filters,), "int32", data=bias, scale=[0.05 * s for s in scales], axis=0)
        out = tuple(-(-n // stride) for n in shape[1:3])
        y_scale = 0.05 * 0.02 * 3000 * taps**0.5 / 100
        y = model.tensor(f"y{i}", (1, *out, filters), scale=y_scale, zero_point=int(rng.integers(-128, 128)))
        model.op(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [x, w, b], [y], padding="SAME", stride_h=stride,
            stride_w=stride, dilation_h_factor=1, dilation_w_factor=1,
            fused_activation_function=("NONE", "RELU", "RELU6")[int(rng.integers(3))],
            **({"depth_multiplier": multiplier} if depthwise else {}),
        )  # fmt: skip
        outputs.append(y)
    flat = int(np.prod(shape))
    for i, filters in enumerate((5, 8, 21, 11)):
        reach = 15 if i < 3 else 128  # sums stay within 23 bits, or not
        weights = rng.integers(-reach, reach, (filters, flat)).astype(np.int8)
        w = model.tensor(f"f{i}", weights.shape, data=weights, scale=0.005)
        y = model.tensor(f"d{i}", (1, filters), scale=0.05 * 0.005 * 27 * reach * flat**0.5 / 100, zero_point=-7)
        activation = "RELU" if i % 2 else "NONE"
        model.op("FULLY_CONNECTED", [x, w, -1], [y], fused_activation_function=activation, keep_num_dims=False)
        outputs.append(y)
    scale = 0.03
    for name in ("ADD", "SUB"):
        y = model.tensor(name, shape, scale=0.12, zero_point=int(rng.integers(-128, 128)))
        other = model.tensor(
            f"c{name}", shape, data=rng.integers(-128, 128, shape).astype(np.int8), scale=scale, zero_point=3
        )
        model.op(name, [x, other], [y], fused_activation_function="NONE")
        outputs.append(y)
    outputs += _transposed(rng, model, x, shape)
    outputs += _without_weights(rng, model, x, shape, zero)
    return model.finish([x], outputs), samples(rng, shape)[:_SAMPLES]


def _transposed(rng: Rng, model: ModelBuilder, x: int, shape: tuple[int, ...]) -> list[int]:
    """Convolutions that make the input larger, by phases of one or several taps, or none."""
    outputs = []
    for i, (window, stride) in enumerate(((2, 2), (3, 2), (4, 2), (5, 3), (1, 2))):
        filters = int(rng.integers(1, 14))
        target = (1, shape[1] * stride, shape[2] * stride - i % 2, filters)
        weights = rng.integers(-127 - i % 2, 128, (filters, window, window, shape[3])).astype(np.int8)
        stated = model.tensor(f"tshape{i}", (4,), "int32", data=np.array(target, np.int32))
        w = model.tensor(f"t{i}", weights.shape, data=weights, scale=0.01)
        bias = rng.integers(-20000, 20000, filters).astype(np.int32)
        b = model.tensor(f"tb{i}", (filters,), "int32", data=bias, scale=0.05 * 0.01)
        activation = "RELU" if i < 2 else "NONE"
        y_scale = 0.05 * 0.01 * 54 * shape[3] ** 0.5
        y = model.tensor(f"ty{i}", target, scale=y_scale, zero_point=-128 if i < 2 else 11)
        model.op(
            "TRANSPOSE_CONV", [stated, w, x, b], [y], padding="SAME", stride_h=stride, stride_w=stride,
            fused_activation_function=activation,
        )  # fmt: skip
        outputs.append(y)
    return outputs


def _without_weights(rng: Rng, model: ModelBuilder, x: int, shape: tuple[int, ...], zero: int) -> list[int]:
    """Pools, a mean, a product that broadcasts, and a table."""
    outputs = []
    for name in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        y = model.tensor(name, (1, *(-(-n // 2) for n in shape[1:3]), shape[3]), scale=0.05, zero_point=zero)
        model.op(
            name, [x], [y], padding="SAME", stride_h=2, stride_w=2, filter_height=3, filter_width=2,
            fused_activation_function="RELU",
        )  # fmt: skip
        outputs.append(y)
    axes = model.tensor("axes", (2,), "int32", data=np.array([1, 2], np.int32))
    mean = model.tensor("mean", (1, 1, 1, shape[3]), scale=0.04, zero_point=5)
    model.op("MEAN", [x, axes], [mean], keep_dims=True)
    product = model.tensor("product", shape, scale=0.09, zero_point=int(rng.integers(-128, 128)))
    model.op("MUL", [x, mean], [product], fused_activation_function="NONE")
    table = model.tensor("table", shape, scale=1 / 256, zero_point=-128)
    model.op("LOGISTIC", [x], [table])
    return [*outputs, mean, product, table]
