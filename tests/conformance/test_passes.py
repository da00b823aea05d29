"""The passes on the graph, each alone, all together and none: the generated C gives TensorFlow Lite Micro's bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conformance.draw import Rng, chance, pick, samples, small, zero_of
from conformance.native import Batch, Model
from conformance.settings import SEED
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.lower import lower
from edgeq.lower.names import Pass
from edgeq.lower.passes import PASSES
from edgeq.model.flatbuffer import parse_tflite
from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_MODELS = 12
_SCALE = 0.05


class _Chain:
    """Layers one behind the other, in which many channels are dead or unread."""

    def __init__(self, rng: Rng) -> None:
        self.rng, self.model = rng, ModelBuilder()
        self.shape: tuple[int, ...] = (1, small(rng, 4, 9), small(rng, 4, 9), small(rng, 1, 5))
        # RELU's zero point makes dead channels equal to the padding; others do not.
        self.zero = pick(rng, -128, -128, zero_of(rng))
        self.x = self.tensor("x", self.shape)
        self.input_shape, self.at, self.count = self.shape, self.x, 0
        # Some PADs, at least, are what SAME would pad.
        self.same = chance(rng, 0.5)

    def tensor(self, name: str, shape: tuple[int, ...]) -> int:
        return self.model.tensor(name, shape, scale=_SCALE, zero_point=self.zero)

    def then(self, op: str, shape: tuple[int, ...], *inputs: int, **options: Any) -> None:
        self.count += 1
        y = self.tensor(f"y{self.count}", shape)
        self.model.op(op, [self.at, *inputs], [y], **options)
        self.at, self.shape = y, shape

    def convolution(self, *, depthwise: bool, padding: str) -> None:
        rng, channels = self.rng, self.shape[3]
        side = pick(rng, 1, 3, 3) if padding == "SAME" else 3
        stride = 1 if self.same else pick(rng, 1, 1, 2)
        filters = channels if depthwise else small(rng, 2, 14)
        form = (1, side, side, filters) if depthwise else (filters, side, side, channels)
        weights = rng.integers(-127, 128, form).astype(np.int8)
        dead = rng.random(filters) < 0.4
        if depthwise:
            weights[..., dead] = 0
        else:
            weights[dead] = 0
            weights[..., rng.random(channels) < 0.2] = 0
        axis, scales = 3 if depthwise else 0, rng.uniform(0.002, 0.01, filters)
        bias = rng.integers(-20000, 20000, filters).astype(np.int32)
        # What a batch norm leaves whose scale went to zero: hardly any weights, and a bias that is all there is.
        steady = rng.random(filters) < 0.3
        scales[steady] *= 2.0 ** -pick(rng, 15, 20, 24)
        bias[steady] = rng.integers(-(1 << 30), 1 << 30, int(steady.sum()))
        scales = [float(s) for s in scales]
        self.count += 1
        w = self.model.tensor(f"w{self.count}", form, data=weights, scale=scales, axis=axis)
        b = self.model.tensor(f"b{self.count}", (filters,), "int32", data=bias, scale=[_SCALE * s for s in scales])
        size = [-(-n // stride) if padding == "SAME" else (n - side) // stride + 1 for n in self.shape[1:3]]
        options = {"depth_multiplier": 1} if depthwise else {}
        self.then(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", (1, *size, filters), w, b, padding=padding,
            stride_h=stride, stride_w=stride, dilation_h_factor=1, dilation_w_factor=1,
            fused_activation_function=pick(rng, "NONE", "RELU", "RELU6"), **options,
        )  # fmt: skip

    def pad(self) -> None:
        both = (1, 1) if self.same else pick(self.rng, (0, 1), (1, 1), (1, 0))
        amounts = np.array([[0, 0], both, both, [0, 0]], np.int32)
        self.count += 1
        p = self.model.tensor(f"p{self.count}", (4, 2), "int32", data=amounts)
        self.then("PAD", tuple(int(n + a.sum()) for n, a in zip(self.shape, amounts, strict=True)), p)

    def finish(self) -> bytes:
        rng, (_, height, width, channels) = self.rng, self.shape
        if chance(rng, 0.5):
            axes = self.model.tensor("axes", (2,), "int32", data=np.array([1, 2], np.int32))
            self.then("MEAN", (1, 1, 1, channels), axes, keep_dims=True)
            height = width = 1
        elif chance(rng, 0.6):
            self.then(
                pick(rng, "AVERAGE_POOL_2D", "MAX_POOL_2D"), (1, 1, 1, channels), padding="VALID", stride_h=height,
                stride_w=width, filter_height=height, filter_width=width, fused_activation_function="NONE",
            )  # fmt: skip
            height = width = 1
        flat = height * width * channels
        if chance(rng, 0.5):  # the converter leaves it out
            self.then("RESHAPE", (1, flat))
        w = self.model.tensor("wf", (3, flat), data=rng.integers(-127, 128, (3, flat)).astype(np.int8), scale=0.01)
        b = self.model.tensor("bf", (3,), "int32", data=np.array([50, -900, 7], np.int32), scale=_SCALE * 0.01)
        self.then("FULLY_CONNECTED", (1, 3), w, b, fused_activation_function="NONE", keep_num_dims=False)
        return self.model.finish([self.x], [self.at])


def _model(index: int) -> tuple[bytes, NDArray[np.int8]]:
    rng = np.random.default_rng([SEED, 11, index])
    chain = _Chain(rng)
    chain.convolution(depthwise=False, padding="SAME")
    for _ in range(small(rng, 1, 3)):
        if chance(rng, 0.6) and min(chain.shape[1:3]) >= 3:
            chain.pad()
            chain.convolution(depthwise=chance(rng, 0.4), padding="VALID")
        else:
            chain.convolution(depthwise=chance(rng, 0.5), padding="SAME")
    return chain.finish(), samples(rng, chain.input_shape)


@pytest.mark.parametrize(
    "passes",
    [(), *((p,) for p in PASSES), tuple(PASSES)],
    ids=lambda passes: "+".join(p.value for p in passes) or "none",
)
def test_bits(passes: tuple[Pass, ...], tflm: ReferenceWorker, gcc: str, tmp_path: Path) -> None:
    models = [_model(i) for i in range(_MODELS)]
    contents = [Model(name=f"m{i}", content=content) for i, (content, _) in enumerate(models)]
    batch = Batch(contents, tmp_path, frozenset({"dsp"}), pick=True, passes=passes)
    found = batch.run([(i, [inputs]) for i, (_, inputs) in enumerate(models)])
    for i, (content, inputs) in enumerate(models):
        want = tflm.run(content, [inputs])[0].reshape(found[i][0].shape)
        assert (want == found[i][0]).all(), f"model {i}, seed {SEED}: {(want != found[i][0]).sum()} values differ"
    named = {name for program in batch.programs for name in program.saved}
    assert named == {p.value for p in passes}


def test_what_is_traced_is_the_models() -> None:
    """A tensor that lost channels has no fingerprint, and the report says why."""
    for i in range(_MODELS):
        graph = parse_tflite(_model(i)[0])
        program = lower(graph)
        traced = {t for call in program.calls if call.traced for t in call.outputs}
        missing = {v.tensor for v in program.vanished}
        assert not traced & missing
        assert traced | missing == {t for op in graph.ops for t in op.outputs}
        for tensor in traced:
            assert program.placements[tensor].nbytes == graph.tensors[tensor].nbytes


def _two_convolutions(dtype: str) -> tuple[bytes, NDArray[np.generic]]:
    """A convolution with dead channels whose biases are not 0, and one that reads them."""
    rng = np.random.default_rng(7)
    model, wide = ModelBuilder(), dtype == "int16"
    x = model.tensor("x", (1, 5, 5, 3), dtype, scale=_SCALE, zero_point=0)
    at, channels = x, 3
    for i, filters in enumerate((8, 5)):
        weights = rng.integers(-127, 128, (filters, 1, 1, channels)).astype(np.int8)
        weights[: filters // 2] = 0
        scales = [0.004 + 0.001 * k for k in range(filters)]
        w = model.tensor(f"w{i}", weights.shape, data=weights, scale=scales, axis=0)
        bias = rng.integers(-9000, 9000, filters).astype(np.int64 if wide else np.int32)
        b = model.tensor(f"b{i}", (filters,), bias.dtype.name, data=bias, scale=[_SCALE * s for s in scales])
        y = model.tensor(f"y{i}", (1, 5, 5, filters), dtype, scale=_SCALE, zero_point=0)
        model.op(
            "CONV_2D", [at, w, b], [y], padding="VALID", stride_h=1, stride_w=1, dilation_h_factor=1,
            dilation_w_factor=1, fused_activation_function="NONE",
        )  # fmt: skip
        at, channels = y, filters
    limits = np.iinfo(dtype)
    values = rng.integers(limits.min, limits.max, (6, 1, 5, 5, 3), endpoint=True).astype(dtype)
    return model.finish([x], [at]), values


def _shared_dense() -> tuple[bytes, NDArray[np.generic]]:
    """Two branches whose dense layers have the same weights; one branch has dead channels."""
    rng = np.random.default_rng(8)
    model = ModelBuilder()
    x = model.tensor("x", (1, 2, 2, 3), scale=_SCALE, zero_point=0)
    dense = model.tensor("wf", (3, 32), data=rng.integers(-127, 128, (3, 32)).astype(np.int8), scale=0.01)
    bias = model.tensor("bf", (3,), "int32", data=np.array([50, -900, 7], np.int32), scale=_SCALE * 0.01)
    outputs = []
    for i, dead in enumerate((4, 0)):
        weights = rng.integers(-127, 128, (8, 1, 1, 3)).astype(np.int8)
        weights[:dead] = 0
        w = model.tensor(f"w{i}", weights.shape, data=weights, scale=[0.005] * 8, axis=0)
        b = model.tensor(
            f"b{i}", (8,), "int32", data=rng.integers(-9000, 9000, 8).astype(np.int32), scale=[_SCALE * 0.005] * 8
        )
        y = model.tensor(f"y{i}", (1, 2, 2, 8), scale=_SCALE, zero_point=0)
        model.op(
            "CONV_2D", [x, w, b], [y], padding="VALID", stride_h=1, stride_w=1, dilation_h_factor=1,
            dilation_w_factor=1, fused_activation_function="NONE",
        )  # fmt: skip
        flat = model.tensor(f"f{i}", (1, 32), scale=_SCALE, zero_point=0)
        model.op("RESHAPE", [y], [flat])
        z = model.tensor(f"z{i}", (1, 3), scale=_SCALE, zero_point=0)
        model.op("FULLY_CONNECTED", [flat, dense, bias], [z], fused_activation_function="NONE", keep_num_dims=False)
        outputs.append(z)
    return model.finish([x], outputs), rng.integers(-128, 128, (6, 1, 2, 2, 3)).astype(np.int8)


@pytest.mark.parametrize("name", ["int8", "int16", "shared"])
def test_what_the_passes_must_leave_alone(name: str, tflm: ReferenceWorker, gcc: str, tmp_path: Path) -> None:
    """16x8 requantizes with other bits, and a Dense that two branches share is cut for neither."""
    content, values = _shared_dense() if name == "shared" else _two_convolutions(name)
    expected = tflm.run(content, [values])
    (found,) = Batch([Model(name="m", content=content)], tmp_path).run([(0, [values])])
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))
