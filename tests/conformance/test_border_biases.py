"""Channels that are constant but for the padding's part at the borders: gone, and what they add is in biases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conformance.draw import Rng
from conformance.native import Batch, Model
from conformance.on_core import BOARD, differing
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.bands import Bands
from edgeq.lower.lower import lower
from edgeq.lower.names import Pass
from edgeq.model.flatbuffer import parse_tflite
from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_SCALE = 0.05
_INPUTS = ((1, 6, 7, 3), (1, 9, 8, 4), (1, 3, 3, 4), (1, 1, 6, 4), (1, 2, 5, 4))
# Channels, how many of them are constant, window and stride of the depthwise convolution, outputs, whether a weight of
# -128 makes the last layer's product wide, and its activation.
_CHAINS = (
    (8, 3, (3, 3), 1, 8, False, "RELU"),
    (8, 4, (3, 3), 1, 8, False, "NONE"),
    (12, 4, (3, 3), 2, 6, False, "RELU6"),
    (8, 4, (3, 3), 1, 12, True, "RELU"),
    (7, 2, (3, 1), 1, 5, False, "RELU"),
    (8, 7, (1, 3), 1, 16, False, "NONE"),
    (136, 4, (3, 3), 1, 4, False, "RELU"),
    (5, 5, (2, 2), 1, 8, False, "RELU"),
)
_ON_INPUTS = [((i + k) % len(_INPUTS), chain) for i, chain in enumerate(_CHAINS) for k in (0, 2)]


def _model() -> tuple[bytes, list[NDArray[np.int8]]]:
    """Of each chain, on two inputs, an output: a convolution, a depthwise one, and one of 1x1; and of two balanced
    ones."""
    rng = np.random.default_rng(5)
    model = ModelBuilder()
    xs = [model.tensor(f"x{i}", shape, scale=_SCALE, zero_point=-3) for i, shape in enumerate(_INPUTS)]
    outputs = []
    for which, (channels, constant, window, stride, filters, wide, activation) in _ON_INPUTS:
        steady = rng.permutation(channels)[:constant]
        at = _layer(model, rng, xs[which], (channels, 1, 1, _INPUTS[which][3]), 1, "RELU", steady)
        at = _layer(model, rng, at, (1, *window, channels), stride, "RELU")
        lowest = range(1) if wide else ()
        outputs.append(_layer(model, rng, at, (filters, 1, 1, channels), 1, activation, lowest=lowest))
    outputs += [_balanced(model, rng, xs[0], _INPUTS[0][3], steps) for steps in (0, 1)]
    return model.finish(xs, outputs), [rng.integers(-128, 128, (3, *shape)).astype(np.int8) for shape in _INPUTS]


def _layer(
    model: ModelBuilder,
    rng: Rng,
    x: int,
    form: tuple[int, ...],
    stride: int,
    activation: str,
    steady: Sequence[int] | NDArray[np.int64] = (),
    *,
    lowest: Sequence[int] = (),
) -> int:
    """`steady` output channels have weights of zero, and biases far from it."""
    depthwise = form[0] == 1
    filters = form[3] if depthwise else form[0]
    weights = rng.integers(-127, 128, form).astype(np.int8)
    bias = rng.integers(-9000, 9000, filters).astype(np.int32)
    for channel in steady:
        weights[channel] = 0
        bias[channel] = rng.integers(4000, 30000)
    weights[list(lowest), 0, 0, 0] = -128
    scales = [float(s) for s in rng.uniform(0.002, 0.003, filters)]
    return _convolution(model, x, weights, bias, scales, stride, activation)


def _balanced(model: ModelBuilder, rng: Rng, x: int, depth: int, steps: int) -> int:
    """The last channels are constant in two pairs, whose second one is so many steps more; the last layer adds as much
    of the first as it takes of the second, so that what they add is the same everywhere."""
    weights = rng.integers(-127, 128, (8, 1, 1, depth)).astype(np.int8)
    bias = rng.integers(4000, 9000, 8).astype(np.int32)
    weights[4:], bias[6:] = 0, bias[4:6]
    at = _convolution(model, x, weights, bias, [0.003] * 8, 1, "RELU")
    weights = rng.integers(1, 30, (1, 3, 3, 8)).astype(np.int8)
    weights[..., 6:] = weights[..., 4:6]
    bias[:6], bias[6:] = 512, 512 + 256 * steps
    at = _convolution(model, at, weights, bias, [1 / 256] * 8, 1, "NONE")
    weights = rng.integers(-127, 128, (8, 1, 1, 8)).astype(np.int8)
    weights[..., 6:] = -weights[..., 4:6]
    return _convolution(model, at, weights, bias, [0.002] * 8, 1, "NONE")


def _convolution(
    model: ModelBuilder,
    x: int,
    weights: NDArray[np.int8],
    bias: NDArray[np.int32],
    scales: list[float],
    stride: int,
    activation: str,
) -> int:
    form, filters, depthwise = weights.shape, len(bias), weights.shape[0] == 1
    count = len(model.graph.tensors)
    w = model.tensor(f"w{count}", form, data=weights, scale=scales, axis=3 if depthwise else 0)
    b = model.tensor(f"b{count}", (filters,), "int32", data=bias, scale=[_SCALE * s for s in scales])
    size = [-(-n // stride) for n in model.graph.tensors[x].shape[1:3]]
    y = model.tensor(f"y{count}", (1, *size, filters), scale=_SCALE, zero_point=-110)
    model.op(
        "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [x, w, b], [y], padding="SAME", stride_h=stride,
        stride_w=stride, dilation_h_factor=1, dilation_w_factor=1, fused_activation_function=activation,
        **({"depth_multiplier": 1} if depthwise else {}),
    )  # fmt: skip
    return y


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """These layers are too small for what it costs."""
    monkeypatch.setattr("edgeq.lower.passes.channels.pays", lambda *_: True)
    monkeypatch.setattr("edgeq.lower.trades.TRADES", ())


def test_bits(tflm: ReferenceWorker, gcc: str, tmp_path: Path) -> None:
    content, inputs = _model()
    each = {"": frozenset[str](), "dsp_": BOARD.features, "mve_": frozenset({"mve"})}
    batch = Batch([Model(name=f"m{n}", content=content, features=f) for n, f in each.items()], tmp_path)
    answers = batch.run([(k, inputs) for k in range(len(each))])
    wanted = tflm.run(content, inputs)
    for name, found, program in zip(each, answers, batch.programs, strict=True):
        for case, ours, theirs in zip((*_ON_INPUTS, "equal", "a step more"), found, wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs.reshape(ours.shape), err_msg=f"{name} {case}")
        kernels = [call.kernel for call in program.calls if "bands" in call.kernel]
        assert len(kernels) > len(_CHAINS)
        assert {*kernels} == {f"edgeq_conv_1x1_bands_{name}int8"}


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_bits_on_the_core(toolchain: str, tflm: ReferenceWorker, tmp_path: Path) -> None:
    content, inputs = _model()
    graph = parse_tflite(content)
    program = lower(graph, features=BOARD.features)
    reference = tflm.run(content, inputs)
    differ = differing(program, graph, content, inputs, reference, toolchain=toolchain, folder=tmp_path)
    assert not any(differ)


@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize("features", [(), ("dsp",), ("mve",)])
def test_channels_that_make_up_for_each_other(steps: int, features: tuple[str, ...]) -> None:
    model = ModelBuilder()
    x = model.tensor("x", _INPUTS[0], scale=_SCALE, zero_point=-3)
    y = _balanced(model, np.random.default_rng(3), x, _INPUTS[0][3], steps)
    program = lower(parse_tflite(model.finish([x], [y])), features=frozenset(features))
    assert not [call for call in program.calls if "bands" in call.kernel]
    (saving,) = (s for s in program.saved if s.name is Pass.BORDER_BIASES)
    assert saving.words == "4 channels removed, 80 bytes of weights"


def test_bands() -> None:
    values = np.zeros((5, 4, 2), np.int64)
    values[0, :, 1] = 7
    values[:, 3, 0] += 1
    found = Bands.of(values)
    assert found == Bands(rows=(1, 4, 0), columns=(0, 3, 1))
    assert (found.count, found.middle, found.sizes) == (4, 2, [(1, 3), (1, 1), (4, 3), (4, 1)])
    np.testing.assert_array_equal(found.spread(found.firsts(values)), values)
    assert Bands.of(np.arange(4)[:, None, None]) is None
